package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/conformance/setup"
)

// TestOperator is a session at a server made by init: every command an operator
// uses, for people and for programs.
func TestOperator(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "lh-op-") // t.TempDir's path is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must := func(args ...string) string {
		t.Helper()
		code, out, errs := call(t, append(args, "--config", dir+"/leasehold.yaml")...)
		if code != 0 {
			t.Fatalf("leasehold %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
		}
		return out
	}
	if code, _, errs := call(t, "init", dir, "--nodes", "4", "--cycle", "100ms", "--listen", setup.Address(t), "--ldap", setup.Address(t)); code != 0 {
		t.Fatal(errs)
	}

	ctx, stop := context.WithCancel(t.Context())
	var log lockedBuffer
	served := make(chan int, 1)
	go func() {
		served <- run(ctx, []string{"serve", "--config", dir + "/leasehold.yaml"}, streams{&log, &log})
	}()
	defer func() {
		stop()
		if code := <-served; code != 0 {
			t.Errorf("serve ended with %d\n%s", code, log.String())
		}
	}()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if code, _, errs := call(t, "actor", "list", "--config", dir+"/leasehold.yaml"); code == 0 {
			break
		} else if code != 7 || time.Now().After(deadline) {
			t.Fatalf("exit %d: %s\n%s", code, errs, log.String())
		}
	}

	if out := must("actor", "list"); strings.Count(out, " ok ") != 3 || !strings.Contains(out, "authority") {
		t.Errorf("actor list:\n%s", out)
	}
	watched := make(chan struct{})
	watching, unwatch := context.WithCancel(t.Context())
	var seen lockedBuffer
	go func() {
		defer close(watched)
		run(watching, []string{"lease", "watch", "--json", "--config", dir + "/leasehold.yaml"}, streams{&seen, &log})
	}()

	var r struct {
		Reservation, State string
		Held               []struct{ Properties map[string]string }
	}
	out := must("lease", "request", "--slice", "web", "--type", "site.node", "--units", "2", "--length", "1h",
		"--set", "host.prefix=web", "--wait", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.State != "Active" || len(r.Held) != 2 || r.Held[0].Properties["host.name"] != "web1.web.site.test" {
		t.Fatalf("request --wait: %v\n%s", err, out)
	}
	short := r.Reservation[:6]
	if out := must("lease", "show", short); !strings.Contains(out, "web1.web.site.test") || !strings.Contains(out, "next") {
		t.Errorf("show:\n%s", out)
	}
	if out := must("lease", "list", "--state", "active", "--actor", "site"); strings.Count(out, r.Reservation) != 1 {
		t.Errorf("list:\n%s", out)
	}
	if out := must("lease", "modify", short, "restart", "memory=2048", "--wait"); !strings.Contains(out, "Active") {
		t.Errorf("modify:\n%s", out)
	}
	if code, out, errs := call(t, "lease", "modify", short, "resize", "exit=17", "--wait", "--config", dir+"/leasehold.yaml"); code != 1 ||
		!strings.Contains(errs, "code 17") || !strings.Contains(out, "modify 2 failed with code 17") {
		t.Errorf("a modify that fails: exit %d\n%s%s", code, out, errs)
	}
	grouped(t, dir, must)
	if out := must("host", "list"); strings.Count(out, " in ") != 4 || strings.Count(out, r.Reservation) != 2 {
		t.Errorf("host list:\n%s", out)
	}
	var places []struct{ Host, Reservation string }
	if err := json.Unmarshal([]byte(must("host", "list", "--json")), &places); err != nil {
		t.Fatal(err)
	}
	broken := ""
	for _, p := range places {
		if p.Reservation == r.Reservation {
			broken = p.Host
		}
	}
	if out := must("host", "withdraw", broken, "--note", "its fan has stopped"); !strings.Contains(out, " out ") {
		t.Errorf("host withdraw:\n%s", out)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if out := must("lease", "show", short); strings.Contains(out, "took 1 of 2 units away: host "+broken+" was lost: its fan has stopped") {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the lessee does not hear of it:\n%s", out)
		}
	}
	must("lease", "wait", short, "--state", "Active")
	must("host", "reinstate", broken)
	must("lease", "extend", short, "--length", "1h")
	if _, out, _ := call(t, "--config", dir+"/leasehold.yaml", "__complete", "lease", "show", ""); !strings.Contains(out, r.Reservation) {
		t.Errorf("completion does not offer the reservation:\n%s", out)
	}

	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"lease show nobody", 3, "nobody"},
		{"explain nobody", 3, "nobody"},
		{"lease request --slice web --type site.nod --units 1 --length 1h", 2, "site.node"},
		{"lease request --slice web --type site.node --units -1 --length 1h", 2, "unit"},
		{"lease request --slice web --type site.node --units 1 --start 2030-01-02 --end 2030-01-01", 2, "end"},
		{"lease extend " + short + " --length -1h", 2, "length"},
		{"host withdraw nowhere", 3, "no host is called \"nowhere\""},
		{"lease modify " + short, 2, "a reservation and a subcommand"},
		{"lease modify " + short + " restart now", 2, "NAME=VALUE"},
		{"lease modify " + short + " rm/-rf", 2, "subcommand"},
		{"lease request --slice web --type site.node --length 1h --after nobody", 2, "nobody"},
		{"lease request -f nowhere.yaml --units 2", 2, "--units is said in the file"},
		{"lease wait " + short + " --state Closed --timeout 300ms", 6, "pending"},
		{"lease wait " + short + " --state Cloesd", 2, "Closed"},
	} {
		code, out, errs := call(t, append(strings.Fields(tt.args), "--config", dir+"/leasehold.yaml")...)
		if code != tt.code || !strings.Contains(errs+out, tt.says) {
			t.Errorf("leasehold %s: exit %d, want %d and %q\n%s%s", tt.args, code, tt.code, tt.says, out, errs)
		}
	}
	// More than there are: the broker refuses, and says why.
	out = must("lease", "request", "--slice", "big", "--type", "site.node", "--units", "9", "--length", "1h", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if out := must("lease", "wait", r.Reservation, "--state", "Failed"); !strings.Contains(out, "only 4 exist") {
		t.Errorf("a refused request:\n%s", out)
	}
	if out := must("explain", r.Reservation); !strings.Contains(out, "impossible: only 4 exist") || !strings.Contains(out, "first come, first served") {
		t.Errorf("explain:\n%s", out)
	}
	if out := must("explain", short); !strings.Contains(out, "granted: 2 units of site.node") {
		t.Errorf("explain:\n%s", out)
	}

	if out := must("lease", "close", short, "--wait"); !strings.Contains(out, "Closed") {
		t.Errorf("close --wait:\n%s", out)
	}
	// What set-up and teardown took is known now, and said where terms are chosen.
	var paces []struct {
		Type              string
		Setups, Teardowns int
	}
	if err := json.Unmarshal([]byte(must("host", "times", "--json")), &paces); err != nil || len(paces) != 1 || paces[0].Type != "site.node" || paces[0].Setups < 2 || paces[0].Teardowns < 2 {
		t.Errorf("host times: %v, %+v", err, paces)
	}
	for _, args := range [][]string{{"plan", "--type", "site.node", "--length", "1h"}, {"explain", short}} {
		if out := must(args...); !strings.Contains(out, "at site set-up takes") {
			t.Errorf("%v does not say how long a set-up takes:\n%s", args, out)
		}
	}
	for _, move := range []string{`"to":"Ticketed,Redeeming,NoJoin"`, `"to":"Closed,None,NoJoin"`} {
		for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(seen.String(), move); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("watch did not see %s:\n%s", move, seen.String())
			}
		}
	}
	unwatch()
	<-watched
}

// grouped asks for a lease group by a file: the second is told what the first has.
func grouped(t *testing.T, dir string, must func(...string) string) {
	t.Helper()
	file := dir + "/group.yaml"
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("{slice: g, type: site.node, length: 1h, requests: [{name: a, after: [b]}, {name: b, after: [a]}]}")
	if code, _, errs := call(t, "lease", "request", "-f", file, "--config", dir+"/leasehold.yaml"); code != 2 || !strings.Contains(errs, "a cycle: a after b after a") {
		t.Errorf("a cycle: exit %d, %s", code, errs)
	}
	write(`
slice: g
type: site.node
length: 1h
requests:
  - {name: workers, after: [{request: files, pass: {unit.manage.ip: nfs.server}}]}
  - {name: files}
`)
	var rs []struct {
		Reservation, State string
		After              []struct{ Reservation, Gate string }
	}
	out := must("lease", "request", "-f", file, "--wait", "--json")
	if err := json.Unmarshal([]byte(out), &rs); err != nil || len(rs) != 2 || rs[0].State != "Active" || rs[1].State != "Active" ||
		len(rs[0].After) != 1 || rs[0].After[0].Reservation != rs[1].Reservation || rs[0].After[0].Gate != "redeem" {
		t.Fatalf("a group: %v\n%s", err, out)
	}
	if out := must("lease", "show", rs[0].Reservation); !strings.Contains(out, rs[1].Reservation+" (redeem)") {
		t.Errorf("show:\n%s", out)
	}
	for _, r := range rs {
		must("lease", "close", r.Reservation, "--wait")
	}
}
