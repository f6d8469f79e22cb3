package sim

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// documented is the joint states that the notes on leasing name (1.11.2, 1.11.3), and
// the pairs of a holding (1.8), by their group and in its order. A state is the
// manager's, the broker's and the site's, or the buyer's and the seller's.
var documented = []struct{ group, states string }{
	{"normal cycle", `
Nascent,None,NoJoin / - / -
Nascent,Ticketing,NoJoin / - / -
Nascent,Ticketing,NoJoin / Nascent,Ticketing / -
Nascent,Ticketing,NoJoin / Ticketed,None / -
Ticketed,None,NoJoin / Ticketed,None / -
Ticketed,None,BlockedRedeem / Ticketed,None / -
Ticketed,Redeeming,NoJoin / Ticketed,None / -
Ticketed,Redeeming,NoJoin / Ticketed,None / Ticketed,Redeeming
Ticketed,Redeeming,NoJoin / Ticketed,None / Ticketed,Priming
Ticketed,Redeeming,NoJoin / Ticketed,None / Active,None
Active,None,BlockedJoin / Ticketed,None / Active,None
Active,None,Joining / Ticketed,None / Active,None
Active,None,NoJoin / Ticketed,None / Active,None
Active,ExtendingTicket,NoJoin / Ticketed,None / Active,None
Active,ExtendingTicket,NoJoin / Ticketed,ExtendingTicket / Active,None
ActiveTicketed,None,NoJoin / Ticketed,None / Active,None
ActiveTicketed,ExtendingLease,NoJoin / Ticketed,None / Active,None
ActiveTicketed,ExtendingLease,NoJoin / Ticketed,None / Active,ExtendingLease
ActiveTicketed,ExtendingLease,NoJoin / Ticketed,None / Active,Priming
Active,Closing,NoJoin / Ticketed,None / Active,None
CloseWait,None,NoJoin / Ticketed,None / Active,None
CloseWait,None,NoJoin / Ticketed,None / Active,Closing
CloseWait,None,NoJoin / Ticketed,None / Closed,None
Closed,None,NoJoin / Ticketed,None / Closed,None
Closed,None,NoJoin / Closed,None / Closed,None`},
	{"expiry", `
Active,Closing,NoJoin / Closed,None / Active,None
Active,Closing,NoJoin / Closed,None / Active,Closing
Active,Closing,NoJoin / Closed,None / Closed,None
CloseWait,None,NoJoin / Closed,None / Active,None
CloseWait,None,NoJoin / Closed,None / Active,Closing
CloseWait,None,NoJoin / Closed,None / Closed,None`},
	{"modify", `
Active,ModifyingLease,NoJoin / Ticketed,None / Active,None
Active,ModifyingLease,NoJoin / Ticketed,None / Active,Priming`},
	{"refused ticket", `
Nascent,Ticketing,NoJoin / Failed,None / -
Failed,None,NoJoin / Failed,None / -`},
	{"refused renewal", `
Active,ExtendingTicket,NoJoin / Failed,None / Active,None
Active,None,NoJoin / Failed,None / Active,None
Active,Closing,NoJoin / Failed,None / Active,None
CloseWait,None,NoJoin / Failed,None / Active,None
CloseWait,None,NoJoin / Failed,None / Active,Closing
CloseWait,None,NoJoin / Failed,None / Closed,None
Closed,None,NoJoin / Failed,None / Closed,None`},
	{"failed priming", `
Ticketed,Redeeming,NoJoin / Ticketed,None / Failed,None
Failed,None,NoJoin / Ticketed,None / Failed,None`},
	{"failed join", `
Failed,None,NoJoin / Ticketed,None / Active,None`},
	{"timeouts after a failed manager's record", `
Failed,None,NoJoin / Closed,None / Active,None
Failed,None,NoJoin / Closed,None / Active,Closing
Failed,None,NoJoin / Closed,None / Closed,None`},
	{"failed site's record at expiry", `
Failed,None,NoJoin / Ticketed,None / Failed,Closing
Failed,None,NoJoin / Ticketed,None / Closed,None
Failed,None,NoJoin / Closed,None / Failed,Closing
Failed,None,NoJoin / Closed,None / Closed,None`},
	{"renewal while units join", `
Active,ExtendingTicket,Joining / Ticketed,None / Active,None
Active,ExtendingTicket,Joining / Ticketed,ExtendingTicket / Active,None
ActiveTicketed,None,Joining / Ticketed,None / Active,None
ActiveTicketed,ExtendingLease,Joining / Ticketed,None / Active,None
ActiveTicketed,ExtendingLease,Joining / Ticketed,None / Active,ExtendingLease
ActiveTicketed,ExtendingLease,Joining / Ticketed,None / Active,Priming`},
	{"renewal before units join", `
Active,ExtendingTicket,BlockedJoin / Ticketed,None / Active,None
Active,ExtendingTicket,BlockedJoin / Ticketed,ExtendingTicket / Active,None
ActiveTicketed,None,BlockedJoin / Ticketed,None / Active,None
ActiveTicketed,ExtendingLease,BlockedJoin / Ticketed,None / Active,None
ActiveTicketed,ExtendingLease,BlockedJoin / Ticketed,None / Active,ExtendingLease
ActiveTicketed,ExtendingLease,BlockedJoin / Ticketed,None / Active,Priming`},
	{"holding", `
buyer Nascent,Ticketing / -
buyer Nascent,Ticketing / Nascent,Ticketing
buyer Nascent,Ticketing / Ticketed,None
buyer Nascent,Ticketing / Failed,None
buyer Ticketed,None / Ticketed,None
buyer Ticketed,ExtendingTicket / Ticketed,None
buyer Ticketed,ExtendingTicket / Ticketed,ExtendingTicket
buyer Ticketed,ExtendingTicket / Failed,None
buyer Ticketed,None / Failed,None
buyer Closed,None / Ticketed,None
buyer Closed,None / Closed,None
buyer Failed,None / Failed,None`},
}

// TestJointStates compares the joint states of leases in stories and swarms with the
// documented ones. testdata/joint/states.txt has a witness for each of these, story and
// second. Every other state has its place in testdata/joint/explained.txt, under what
// makes us come there, with a witness too: among these must not be a manager who uses what
// its site does not have, or a site that leases what nobody was granted. A state in
// neither list fails the test, and so does one in either that nothing comes to.
func TestJointStates(t *testing.T) {
	t.Parallel()
	seen := map[string]string{} // by stories
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(data), "----\n")
		_, r := tell(t, text)
		for _, s := range sortedKeys(r.joint) {
			if seen[s] == "" {
				seen[s] = fmt.Sprintf("%s, second %.3f", filepath.Base(file), r.joint[s])
			}
		}
	}
	known := map[string]bool{}
	var got bytes.Buffer
	for _, g := range documented {
		fmt.Fprintf(&got, "%s\n", g.group)
		for _, s := range strings.Split(strings.TrimSpace(g.states), "\n") {
			known[s] = true
			why := seen[s]
			if why == "" {
				t.Errorf("%s: no story comes to %s", g.group, s)
			}
			fmt.Fprintf(&got, "\t%-72s %s\n", s, why)
		}
	}
	golden(t, "testdata/joint/states.txt", got.Bytes())
	e := readExplained(t)
	if *update {
		e = e.again(t, known, seen)
		golden(t, "testdata/joint/explained.txt", e.text())
	}
	e.check(t, known, seen)
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s changed; run with -update and read the difference", path)
	}
}

// explained is the joint states that the notes do not name.
type explained []reason

// reason is what makes us come to some states, and the witness of each: a seed, or a
// story.
type reason struct {
	why    string
	states map[string]string
}

// unexplained stands above states that somebody has to think about.
const unexplained = "nobody has explained these"

// widely is how many seeds are searched for witnesses when the lists are written anew.
const widely = 2400

func readExplained(t *testing.T) (e explained) {
	t.Helper()
	data, err := os.ReadFile("testdata/joint/explained.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		rest, indented := strings.CutPrefix(line, "\t")
		if !indented {
			e = append(e, reason{line, map[string]string{}})
			continue
		}
		i := strings.LastIndex(rest, "  ")
		if i < 0 || len(e) == 0 {
			t.Fatalf("%q is no state with its witness", line)
		}
		e[len(e)-1].states[strings.TrimSpace(rest[:i])] = strings.TrimSpace(rest[i:])
	}
	return e
}

func (e explained) text() []byte {
	var b bytes.Buffer
	for _, r := range e {
		fmt.Fprintln(&b, r.why)
		for _, s := range sortedKeys(r.states) {
			fmt.Fprintf(&b, "\t%-72s  %s\n", s, r.states[s])
		}
	}
	return b.Bytes()
}

// place is the reason of a state, nil if it has none.
func (e explained) place(state string) *reason {
	for i := range e {
		if _, ok := e[i].states[state]; ok {
			return &e[i]
		}
	}
	return nil
}

// check plays all witnesses. What they come to is documented or explained, and each
// explained state is come to.
func (e explained) check(t *testing.T, known map[string]bool, stories map[string]string) {
	t.Helper()
	seeds := map[uint64]bool{}
	for _, r := range e {
		if r.why == unexplained || len(r.states) == 0 {
			t.Errorf("%q, about %d states: give the states their reason, or the reason its states", r.why, len(r.states))
		}
		for s, witness := range r.states {
			if known[s] {
				t.Errorf("%s is documented, and explained all the same", s)
			}
			if n, ok := strings.CutPrefix(witness, "seed "); ok {
				seed, err := strconv.ParseUint(n, 10, 64)
				if err != nil {
					t.Errorf("%s: %v", s, err)
				}
				seeds[seed] = true
			}
		}
	}
	on, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	look := func(s, where string) {
		reached[s] = true
		if !known[s] && e.place(s) == nil {
			t.Errorf("%s comes to %s, which nobody has explained", where, s)
		}
	}
	for _, s := range sortedKeys(stories) {
		look(s, stories[s])
	}
	for _, seed := range sortedKeys(seeds) {
		on.clear()
		r, err := run(seed, Swarm(seed), on)
		report(t, err)
		for _, s := range sortedKeys(r.joint) {
			look(s, fmt.Sprintf("seed %d, second %.3f,", seed, r.joint[s]))
		}
	}
	for _, r := range e {
		for _, s := range sortedKeys(r.states) {
			if !reached[s] {
				t.Errorf("%s is explained (%s), and its witness %s does not come to it; run with -update and read the difference", s, r.why, r.states[s])
			}
		}
	}
}

// again looks for witnesses in many seeds and takes as few of these as it finds to be
// enough. What nothing comes to any more goes; what is new is to be explained.
func (e explained) again(t *testing.T, known map[string]bool, stories map[string]string) explained {
	t.Helper()
	by := map[string][]uint64{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for k := range uint64(2) {
		all.Go(func() {
			on, err := newStage()
			if err != nil {
				t.Error(err)
				return
			}
			for seed := k; seed < widely; seed += 2 {
				on.clear()
				r, err := run(seed, Swarm(seed), on)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for s := range r.joint {
					if !known[s] && stories[s] == "" {
						by[s] = append(by[s], seed)
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	rare := sortedKeys(by) // the rarest first: their seeds come to many of the others
	for _, s := range rare {
		slices.Sort(by[s])
	}
	slices.SortStableFunc(rare, func(a, b string) int { return len(by[a]) - len(by[b]) })
	witness := map[string]string{}
	taken := map[uint64]bool{}
	for _, s := range rare {
		i := max(0, slices.IndexFunc(by[s], func(seed uint64) bool { return taken[seed] }))
		taken[by[s][i]] = true
		witness[s] = fmt.Sprintf("seed %d", by[s][i])
	}
	for s, where := range stories {
		if !known[s] {
			witness[s], _, _ = strings.Cut(where, ",")
		}
	}
	var out explained
	for _, r := range e {
		fresh := reason{r.why, map[string]string{}}
		for s := range r.states {
			if w := witness[s]; w != "" {
				fresh.states[s] = w
			}
		}
		if len(fresh.states) > 0 && r.why != unexplained {
			out = append(out, fresh)
		}
	}
	fresh := reason{unexplained, map[string]string{}}
	for s, w := range witness {
		if out.place(s) == nil {
			fresh.states[s] = w
		}
	}
	if len(fresh.states) > 0 {
		out = append(out, fresh)
	}
	return out
}
