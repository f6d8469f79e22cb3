package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var bugs = flag.String("bugs", "one", "which deliberate bugs to look for: one of each role, or all")

// deliberate is bugs in the machines themselves, by role. In the file, which is below
// the folder of all actors, one text is replaced by another, in which BUG says whether
// this bug is wanted. A text that is not there exactly once fails the test: whoever
// changes that line says what the bug is now.
//
// The first of each role is looked for always, the others by `make sim-bugs`. Most show
// within a dozen seeds; all must within the 2,000 of the continuous integration.
var deliberate = []struct {
	role, name, file string
	from, to         string
	by               []sentence // that may notice it
}{
	{"manager", "gives its ticket back while the site has not answered", "manager/reservation.go",
		"if !s.Unclosed {\n\t\ts.relinquish()", "if BUG || !s.Unclosed {\n\t\ts.relinquish()",
		[]sentence{saysGivenBack}},
	{"manager", "asks a site twice under one number", "manager/reservation.go",
		"} else {\n\t\ts.LeaseSeq++\n\t}", "} else if !BUG || s.LeaseSeq == 0 {\n\t\ts.LeaseSeq++\n\t}",
		[]sentence{saysSequence}},
	{"manager", "asks nobody again when it starts", "manager/effects.go",
		"if before == nil || !before.asks(op, seq, try) {", "if before == nil && !BUG || before != nil && !before.asks(op, seq, try) {",
		[]sentence{saysOwed}},
	{"manager", "takes a lease from anybody", "manager/updates.go",
		"if s.Ticket == nil || m.From != s.Authority.ID {", "if s.Ticket == nil || !BUG && m.From != s.Authority.ID {",
		[]sentence{saysClient}},
	{"manager", "redeems as soon as it has a ticket", "manager/timing.go",
		"{of(r.Ticket.Term.NewStart) - m.Redeem, doRedeem}", "{map[bool]actors.Cycle{true: r.Since, false: of(r.Ticket.Term.NewStart) - m.Redeem}[BUG], doRedeem}",
		[]sentence{saysOwnClock}},
	{"broker", "carries out whatever its policy says", "broker/actor.go",
		"if d.Granted && !a.trial().fits(res, d) {", "if d.Granted && !BUG && !a.trial().fits(res, d) {",
		[]sentence{saysOversold, saysLegal}},
	{"broker", "forgets that an extension holds units", "broker/reservation.go",
		"s.Holds = append(holds, more...)", "s.Holds = append(holds, more...)\n\tif BUG && s.Grants > 0 {\n\t\ts.Holds = holds\n\t}",
		[]sentence{saysOversold, saysConserved}},
	{"broker", "sells what its operator has closed while the client has the ticket", "broker/reservation.go",
		"\tif s.Status == closed {\n\t\treturn\n\t}\n\tif waiting", "\tif s.Status == closed {\n\t\treturn\n\t}\n\tif BUG {\n\t\ts.Holds = nil\n\t}\n\tif waiting",
		[]sentence{saysOversold, saysAccused}},
	{"broker", "forgets in its calendar that something was given back", "broker/actor.go",
		"src.calendar.Release(r.ID)\n\t\t// The policy", "if !BUG || len(r.Holds) > 0 {\n\t\t\tsrc.calendar.Release(r.ID)\n\t\t}\n\t\t// The policy",
		[]sentence{saysConserved}},
	{"broker", "ends a reservation a cycle before its term", "broker/actor.go",
		"return of(r.Granted.Term.End)\n\tcase r.Status == failed:", "if BUG {\n\t\t\treturn of(r.Granted.Term.End) - 1\n\t\t}\n\t\treturn of(r.Granted.Term.End)\n\tcase r.Status == failed:",
		[]sentence{saysOwnClock}},
	{"authority", "leases a host that it could not tear down", "authority/units.go",
		"s.quarantined = append(s.quarantined, u.Host)", "if BUG {\n\t\t\ts.freed = append(s.freed, u.Host)\n\t\t} else {\n\t\t\ts.quarantined = append(s.quarantined, u.Host)\n\t\t}",
		[]sentence{saysBare, saysKnown}},
	{"authority", "takes the result of an action for that of another", "authority/units.go",
		"!held || s.Units.At(at).Sequence != ev.Sequence ||", "!held || !BUG && s.Units.At(at).Sequence != ev.Sequence ||",
		[]sentence{saysUp, saysBare, saysKnown, saysOwed}},
	{"authority", "sets up before the term begins", "authority/reservation.go",
		"s.Start = max(s.config.Cycles.Of(m.Term.NewStart), s.now+1)", "s.Start = max(s.config.Cycles.Of(m.Term.NewStart), s.now+1)\n\tif BUG {\n\t\ts.Start = s.now + 1\n\t}",
		[]sentence{saysOwnClock}},
	{"authority", "obeys whoever asks", "authority/reservation.go",
		"if m.From != s.Client {", "if m.From != s.Client && !BUG {",
		[]sentence{saysClient}},
}

// TestDeliberateBugs builds this test with all of them, each asleep until the
// environment names it, and plays seeds with one after the other awake.
func TestDeliberateBugs(t *testing.T) {
	t.Parallel()
	program := buggy(t)
	seen := map[string]int{}
	for i, b := range deliberate {
		if seen[b.role]++; seen[b.role] > 1 && *bugs != "all" {
			continue
		}
		t.Run(b.role+" "+b.name, func(t *testing.T) {
			run := exec.Command(program, "-test.run=^TestFederation$", "-seed=1", "-seeds=2000")
			run.Env = append(os.Environ(), fmt.Sprintf("LEASEHOLD_BUG=%d", i))
			out, err := run.CombinedOutput()
			if err == nil {
				t.Fatal("nobody noticed within 2000 seeds")
			}
			_, broken, found := strings.Cut(string(out), ": broken: ")
			if !found {
				t.Fatalf("%v: it ended otherwise: %s", err, out[max(0, len(out)-2_000):])
			}
			if !slices.ContainsFunc(b.by, func(s sentence) bool { return strings.HasPrefix(broken, string(s)+": ") }) {
				t.Errorf("noticed by another sentence: %s", broken)
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, ": broken: ") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
	for _, role := range []string{"manager", "broker", "authority"} {
		if seen[role] < 3 {
			t.Errorf("%d bugs of a %s", seen[role], role)
		}
	}
}

// buggy builds this test with the deliberate bugs in it. The sources stay as they are:
// the compiler is shown others in their place.
func buggy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	actors, err := filepath.Abs("../../actors")
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{filepath.Join(actors, "bug", "bug.go"): "package bug\n\nimport \"os\"\n\nvar name = os.Getenv(\"LEASEHOLD_BUG\")\n\n" +
		"func Is(n string) bool { return n == name }\n"}
	for i, b := range deliberate {
		path := filepath.Join(actors, filepath.FromSlash(b.file))
		if text[path] == "" {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			clause := "package " + filepath.Base(filepath.Dir(path)) + "\n"
			text[path] = strings.Replace(string(data), clause, clause+"\nimport \"github.com/leasehold/leasehold/actors/bug\"\n", 1)
		}
		if n := strings.Count(text[path], b.from); n != 1 {
			t.Fatalf("%s has %d places for the bug %q", b.file, n, b.name)
		}
		text[path] = strings.Replace(text[path], b.from, strings.ReplaceAll(b.to, "BUG", fmt.Sprintf("bug.Is(%q)", fmt.Sprint(i))), 1)
	}
	replace := map[string]string{}
	for _, path := range sortedKeys(text) {
		other := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(other, []byte(text[path]), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = other
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "buggy.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-buildvcs=false", "-trimpath", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
