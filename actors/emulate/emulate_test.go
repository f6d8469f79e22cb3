package emulate_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors/emulate"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/adaptive"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/evenload"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
	"github.com/leasehold/leasehold/actors/policy/priority"
	"github.com/leasehold/leasehold/actors/policy/propshare"
	"github.com/leasehold/leasehold/actors/policy/static"
)

var update = flag.Bool("update", false, "write golden files anew")

var policies = emulate.Policies{
	Broker: func(name string, s policy.Settings) (policy.Broker, error) {
		switch name {
		case "fcfs":
			return fcfs.Policy{}, nil
		case "evenload":
			return evenload.Policy{}, nil
		case "edf":
			return edf.Policy{}, nil
		case "propshare":
			return propshare.New(s), nil
		case "priority":
			return priority.New(s), nil
		}
		return nil, fmt.Errorf("there is no broker policy %q", name)
	},
	Authority: func(name string) (policy.Authority, error) {
		if name != "firstfit" {
			return nil, fmt.Errorf("there is no assignment policy %q", name)
		}
		return firstfit.Policy{}, nil
	},
	Manager: func(name string, s policy.GuestSettings) (policy.Manager, error) {
		switch name {
		case "adaptive":
			return adaptive.Policy{GuestSettings: s}, nil
		case "static":
			return static.Policy{GuestSettings: s}, nil
		}
		return nil, fmt.Errorf("there is no manager's policy %q", name)
	},
}

func load(t testing.TB, file string) emulate.Scenario {
	t.Helper()
	open := func(name string) ([]byte, error) { return fs.ReadFile(emulate.Examples(), name) }
	data, err := open(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := emulate.Parse(file, data, open)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// maxGolden is the most samples that people can be expected to read a diff of.
const maxGolden = 200

// TestExamples plays every example and compares its sums, and the samples of the
// short ones, with golden ones. The short ones and one long one are played twice.
func TestExamples(t *testing.T) {
	files, err := fs.Glob(emulate.Examples(), "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f, ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := emulate.Run(load(t, f), policies)
			if err != nil {
				t.Fatal(err)
			}
			if short := len(r.Samples) <= maxGolden; short || name == "month" {
				again, err := emulate.Run(load(t, f), policies)
				if err != nil || !bytes.Equal(r.CSV(), again.CSV()) || !bytes.Equal(r.HTML(), again.HTML()) {
					t.Fatalf("two runs of one scenario differ (%v)", err)
				}
			}
			sums, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/"+name+".json", append(sums, '\n'))
			if len(r.Samples) <= maxGolden {
				golden(t, "testdata/"+name+".csv", r.CSV())
			}
			conserved(t, r)
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s changed; run with -update and read the diff. Got:\n%.2000s", file, got)
	}
}

// conserved wants no sample in which there is more than can be.
func conserved(t *testing.T, r *emulate.Result) {
	nodes := 0
	for _, s := range r.Sites {
		nodes += s.Nodes
		if s.Utilisation < 0 || s.Utilisation > 1 {
			t.Errorf("site %s is used %v of its time", s.Name, s.Utilisation)
		}
	}
	for _, s := range r.Samples {
		leased, usable, busy := 0, 0, 0
		for _, g := range s.Guests {
			leased, usable = leased+g.Leased, usable+g.Usable
			if g.Leased > g.Requested {
				t.Fatalf("at %d %d units are leased and %d requested", s.At, g.Leased, g.Requested)
			}
		}
		for i, n := range s.Busy {
			busy += n
			if n > r.Sites[i].Nodes {
				t.Fatalf("at %d site %s has %d nodes in use of %d", s.At, r.Sites[i].Name, n, r.Sites[i].Nodes)
			}
		}
		if leased > nodes || usable > busy {
			t.Fatalf("at %d %d units leased of %d, %d usable on %d nodes in use", s.At, leased, nodes, usable, busy)
		}
	}
	for _, m := range r.Managers {
		if m.Fidelity < 0 || m.Fidelity > 1 || m.Granted+m.Refused > m.Requests {
			t.Errorf("manager %s: %+v", m.Name, m)
		}
	}
}

// The shares of the example are those of the weights, within what one lease is.
func TestShares(t *testing.T) {
	r, err := emulate.Run(load(t, "shares.yaml"), policies)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := r.Managers[0].MeanLeased / r.Managers[1].MeanLeased; ratio < 2.5 || ratio > 3.5 {
		t.Errorf("weights of 3 to 1 gave shares of %.2f to 1", ratio)
	}
}

// TestFigures: the examples of paper B 5.2 have the shape of its figures 7 to 9. The
// web site's error grows with the length of its leases, to about twice between a day
// and a week; the less important guest goes without more often; and leases of three
// days cost the web site more than those of twelve hours, though it goes first.
func TestFigures(t *testing.T) {
	sums := map[string]map[string]emulate.Summary{}
	for _, name := range []string{"figure7-day", "figure7-week", "figure8", "figure9"} {
		data, err := os.ReadFile("testdata/" + name + ".json") // TestExamples holds them against the runs
		var r emulate.Result
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		sums[name] = map[string]emulate.Summary{}
		for _, m := range r.Managers {
			sums[name][m.Name] = m
		}
	}
	rmse := func(run, manager string) float64 { return sums[run][manager].RMSERequested }
	if ratio := rmse("figure7-week", "web") / rmse("figure7-day", "web"); ratio < 1.5 || ratio > 3 {
		t.Errorf("figure 7: leases of a week have %.2f times the error of leases of a day", ratio)
	}
	if short, long := rmse("figure8", "web"), rmse("figure9", "web"); long < 1.3*short {
		t.Errorf("figures 8 and 9: the web site's error is %.2f with short leases, %.2f with long ones", short, long)
	}
	if web, batch := rmse("figure8", "web"), rmse("figure8", "batch"); batch < web {
		t.Errorf("figure 8: the web site goes first, but its error is %.2f and that of batch %.2f", web, batch)
	}
}

// A trace may be a column of a CSV file, scaled, and finer or coarser than samples.
func TestTraceFiles(t *testing.T) {
	scenario := func(text string) string {
		return "{length: 1h, sample: 10m, sites: [{name: s, nodes: 9}], brokers: [{name: b}], managers: [{name: m, term: 1h, demand: {kind: file, file: f, " + text + "}}]}"
	}
	for _, tt := range []struct{ trace, file, want string }{
		{"", "3\n4\n", "[3 4]"},
		{"", "load\n3\n# a comment\n4.4\n", "[3 4]"},
		{"scale: 0.1", "time,load\n00:00,30\n00:10,44\n", "[3 4]"},
		{"column: cpu", "time,cpu,mem\n1,5,9\n2,6,9\n", "[5 6]"},
		{"column: 2", "1, 5, 9\n2, 6, 9\n", "[5 6]"},
		{"every: 5m", "2\n4\n6\n8\n9\n", "[3 7 9]"},
		{"every: 30m", "2\n4\n", "[2 2 2 4 4 4]"},
		{"", "", "no numbers"},
		{"", "load\n", "no numbers"},
		{"", "3\nfour\n", `line 2 says "four"`},
		{"", "3\n-4\n", "line 2"},
		{"", "3\nNaN\n", "line 2"},
		{"column: gpu", "time,cpu\n1,2\n", `no column is called "gpu"; there are: time, cpu`},
		{"column: 3", "1,2\n", "has 2 columns, not 3"},
		{"column: 0", "1,2\n", "counted from 1"},
		{"scale: 1e6", "9\n", "more than the limit"},
		{"", `"1`, "quote"},
	} {
		s, err := emulate.Parse("x", []byte(scenario(tt.trace)), func(string) ([]byte, error) { return []byte(tt.file), nil })
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(s.Managers[0].Demand.Values)
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s of %q: %s, want %s", tt.trace, tt.file, got, tt.want)
		}
	}
}

// FuzzTrace: whatever a trace's file holds, it is a demand in bounds or an error.
func FuzzTrace(f *testing.F) {
	for _, text := range []string{"1\n2\n", "time,load\n1,2\n", "\"a\",1", "# x\n\n3"} {
		f.Add([]byte(text), "", 1.0)
		f.Add([]byte(text), "load", 0.5)
	}
	f.Fuzz(func(t *testing.T, data []byte, column string, scale float64) {
		text := fmt.Sprintf("{length: 1h, sites: [{name: s, nodes: 9}], brokers: [{name: b}], managers: [{name: m, term: 1h, demand: {kind: file, file: f, column: %q, scale: %g}}]}", column, scale)
		s, err := emulate.Parse("x", []byte(text), func(string) ([]byte, error) { return data, nil })
		if err != nil {
			return
		}
		for _, n := range s.Managers[0].Demand.Values {
			if n < 0 || n > 1_000_000 {
				t.Fatalf("a demand of %d", n)
			}
		}
	})
}

// Longer terms follow a demand less closely (paper B, figure 7).
func TestTermsAndDemand(t *testing.T) {
	s := load(t, "day.yaml")
	s.Length *= 4
	s.Sites[0].Setup, s.Sites[0].Teardown = 0, 0
	last := 0.0
	for _, hours := range []emulate.Length{2, 6, 24} {
		s.Managers[0].Term = hours * 3600e9
		r, err := emulate.Run(s, policies)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Managers[0].RMSE; got <= last {
			t.Errorf("a term of %d hours has RMSE %.2f, a shorter one had %.2f", hours, got, last)
		} else {
			last = got
		}
	}
}

func TestBadScenarios(t *testing.T) {
	good, err := fs.ReadFile(emulate.Examples(), "renew.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{"length: 12h", "", "length is missing"},
		{"length: 12h", "length: 12x", `"12x" is not a length`},
		{"length: 12h", "length: 9000w", "more than"},
		{"length: 12h", "length: 12h\ncycle: 7m", "not a number of cycles"},
		{"sites:", "sights:", "field sights not found"},
		{"nodes: 10", "nodes: 0", "site east: 0 nodes"},
		{"second: 4", "second: 5", "11 nodes in all"},
		{"second: 4", "third: 4", `for "third"`},
		{"broker: first,", "broker: none,", `there is no broker "none"`},
		{"kind: constant", "kind: sine", "constant, waves, bursts, values, file"},
		{"trace.txt", "missing.txt", "trace missing.txt"},
		{"term: 1h", "term: 1m", "less than two cycles"},
		{"name: steady", "name: east", "a name of its own"},
		{"renew: true", "surplus: burn", "neither keep nor return"},
		{"base: 5", "base: -5", "not 0 to"},
	} {
		text := strings.Replace(string(good), tt.old, tt.new, 1)
		if text == string(good) {
			t.Fatalf("%q is not in the example", tt.old)
		}
		_, err := emulate.Parse("x.yaml", []byte(text), func(name string) ([]byte, error) { return fs.ReadFile(emulate.Examples(), name) })
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q for %q: %v, want %q", tt.new, tt.old, err, tt.want)
		}
	}
	if _, err := emulate.Parse("x.yaml", good, nil); err == nil || !strings.Contains(err.Error(), "no files can be read") {
		t.Errorf("without a reader: %v", err)
	}
	if _, err := emulate.Parse("x.yaml", nil, nil); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := emulate.Parse("trace.txt", bytes.Repeat([]byte(" "), emulate.MaxBytes+1), nil); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a long file: %v", err)
	}
}

// FuzzParse: whatever is read is checked, and a short scenario plays to its end.
func FuzzParse(f *testing.F) {
	files, _ := fs.Glob(emulate.Examples(), "*.yaml")
	for _, name := range files {
		data, _ := fs.ReadFile(emulate.Examples(), name)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := emulate.Parse("fuzz", data, nil)
		if err != nil {
			return
		}
		nodes := 0
		for _, x := range s.Sites {
			nodes += x.Nodes
		}
		if s.Length/s.Cycle > 2000 || nodes > 200 || s.Length/s.Sample > 500 {
			return
		}
		for i := range s.Managers { // demands beyond all nodes are only more of the same
			m := &s.Managers[i]
			if m.Chunk < 10 || m.Demand.Base+m.Demand.Peak+m.Demand.Daily+m.Demand.Weekly+m.Demand.Noise > 300 || len(m.Demand.Values) > 0 {
				return
			}
		}
		if _, err := emulate.Run(s, policies); err != nil && !strings.Contains(err.Error(), "policy") {
			t.Fatal(err)
		}
	})
}
