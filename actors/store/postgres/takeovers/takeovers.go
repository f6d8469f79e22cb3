/*
Package takeovers lets one process take an actor over from another, over and over, for
the test that says that nothing is granted twice and the benchmark that says how long it
takes.

The processes are copies of the program that calls [Play], whose TestMain begins with
[Main]. They open one actor of one data base and grant units as fast as it goes, one at
work and one standing by. The one at work is killed with SIGKILL; or stopped until it has
been replaced and woken up again, to be refused whatever it saves.

What is not here: the data base, which the caller has, and any judgement of the time.
*/
package takeovers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/postgres"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// env tells this program to grant, under which name, and from which data base.
const env = "LEASEHOLD_TEST_GRANTER"

// Main is for the function TestMain of whoever calls Play: it grants, and does not come
// back, in a process that is to do that.
func Main() {
	if text := os.Getenv(env); text != "" {
		be(text)
		os.Exit(0)
	}
}

// The pool that granters give away from.
const units = 64

// be holds the actor and grants units that are free, and takes them back, each
// in a transaction of its own, saying which after it was saved. Its memory is what it
// loaded and did itself, as an actor's is.
func be(text string) {
	name, url, _ := strings.Cut(text, " ")
	ctx := context.Background()
	db, err := postgres.Open(ctx, postgres.Config{URL: url, Patience: -1})
	if err != nil {
		fmt.Println("cannot open:", err)
		return
	}
	s, err := db.Actor(ctx, "broker")
	if err != nil {
		fmt.Println("cannot have the actor:", err)
		return
	}
	held := map[string]bool{}
	if err := s.Load(ctx, func(r actors.Stored) error { held[r.Key] = true; return nil }); err != nil {
		fmt.Println("cannot load:", err)
		return
	}
	fmt.Println("serving", strings.Join(slices.Sorted(maps.Keys(held)), ","))
	chance := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	for n := 0; ; n++ {
		key := fmt.Sprintf("unit/%02d", chance.IntN(units))
		rec, word := storetest.Record(key, fmt.Sprintf("%s grant %d", name, n)), "grant"
		if held[key] {
			rec, word = storetest.Gone(key), "free"
		}
		switch err := s.Save(ctx, []actors.Record{rec}); {
		case errors.Is(err, store.ErrFenced):
			fmt.Println("fenced")
			return
		case err != nil:
			fmt.Println("cannot save:", err)
			return
		}
		held[key] = !held[key]
		if !held[key] {
			delete(held, key)
		}
		fmt.Println(word, key)
	}
}

// granter is such a process, and what it said, with the times.
type granter struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}

	mu      sync.Mutex
	serving time.Time
	said    []saying
}

type saying struct {
	at   time.Time
	text string
}

func start(t testing.TB, name, url string, all *ledgers) *granter {
	t.Helper()
	g := &granter{name: name, cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	g.cmd.Env = append(os.Environ(), env+"="+name+" "+url)
	g.cmd.Stderr = os.Stderr
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(g.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			g.hear(t, lines.Text(), all)
		}
		_ = g.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = g.cmd.Process.Kill()
		<-g.ended
	})
	return g
}

func (g *granter) hear(t testing.TB, text string, all *ledgers) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	word, key, _ := strings.Cut(text, " ")
	switch word {
	case "serving":
		g.serving = now
		all.begin(t, g.name, key)
	case "grant", "free":
		all.note(t, g.name, word, key)
	case "fenced":
		all.fenced()
	default:
		t.Errorf("%s says %q", g.name, text)
	}
	g.said = append(g.said, saying{now, text})
}

func (g *granter) since() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.serving
}

func (g *granter) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.said)
}

// ledgers is what all granters have said that they gave away.
type ledgers struct {
	mu     sync.Mutex
	now    string          // who grants
	held   map[string]bool // units that were granted and not taken back
	flight string          // the unit whose save was kept and, it may be, not yet heard of
	stale  int
	grants int
}

// begin holds what a granter found against what those before it have said: all of it,
// and at most the one save more that was kept and not answered.
func (l *ledgers) begin(t testing.TB, who, list string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[string]bool{}
	for key := range strings.SplitSeq(list, ",") {
		if key != "" {
			found[key] = true
		}
	}
	var differs []string
	for n := range units {
		if key := fmt.Sprintf("unit/%02d", n); found[key] != l.held[key] {
			differs = append(differs, key)
		}
	}
	if len(differs) > 1 {
		t.Errorf("%s finds %q otherwise than those before it have said", who, differs)
	}
	l.now, l.held, l.flight = who, found, strings.Join(differs, "")
}

// note takes in what a granter says that it has saved. One that has been replaced may
// still say what was kept before it was.
func (l *ledgers) note(t testing.TB, who, word, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case who != l.now && key == l.flight:
		l.flight = ""
	case who != l.now:
		t.Errorf("%s says %s %s after %s has taken over", who, word, key, l.now)
	case (word == "grant") == l.held[key]:
		t.Errorf("%s says %s of %s, which is granted: %v", who, word, key, l.held[key])
	case word == "grant":
		l.held[key] = true
		l.grants++
	default:
		delete(l.held, key)
	}
}

func (l *ledgers) fenced() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale++
}

// Played is what has come of takeovers.
type Played struct {
	Killed  []time.Duration // from each SIGKILL until the other was at work, shortest first
	Stopped []time.Duration // the same from each SIGSTOP
	Grants  int             // by all granters
	Refused int             // granters that had been replaced and tried to save
}

// patience is how long a takeover is waited for before it counts as one that never
// comes: it is about a machine that is stuck, not one that is slow.
const patience = 3 * time.Minute

// Play lets the actor be taken over so many times from the data base at url, which is
// empty. It fails t if the other one is not at work each time, a unit is granted twice, or
// one that has been replaced saves anything. Every third one is stopped and not killed,
// if stops says so.
func Play(t testing.TB, url string, times int, stops bool) Played {
	t.Helper()
	var out Played
	all := &ledgers{held: map[string]bool{}}
	chance := rand.New(rand.NewPCG(1, 1))
	now := start(t, "g0", url, all)
	now.grantsMore(t, 20)
	for n := range times {
		next := start(t, fmt.Sprintf("g%d", n+1), url, all)
		time.Sleep(time.Duration(500+chance.IntN(1500)) * time.Millisecond) // it stands by, at any point of its rhythm
		if !next.since().IsZero() {                                         // on a machine so busy that the one at work could not say in time that it lives
			now.wantRefused(t)
			now = next
			continue
		}
		stop, signal := stops && n%3 == 2, syscall.SIGKILL
		if stop {
			signal = syscall.SIGSTOP
		}
		if err := now.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if !stop {
			<-now.ended // all that it said has been heard
		}
		for give := began.Add(patience); next.since().IsZero(); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(give) {
				t.Fatalf("takeover %d: nobody is at work", n+1)
			}
		}
		took := next.since().Sub(began)
		if stop {
			out.Stopped = append(out.Stopped, took)
			if err := now.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			now.wantRefused(t)
		} else {
			out.Killed = append(out.Killed, took)
		}
		now = next
		now.grantsMore(t, 20)
	}
	slices.Sort(out.Killed)
	slices.Sort(out.Stopped)
	all.mu.Lock()
	defer all.mu.Unlock()
	out.Grants, out.Refused = all.grants, all.stale
	return out
}

// grantsMore waits until the granter has said n things more.
func (g *granter) grantsMore(t testing.TB, n int) {
	t.Helper()
	give := time.Now().Add(patience)
	for want := g.count() + n; g.count() < want; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(give) {
			t.Fatalf("%s does not grant", g.name)
		}
	}
}

// wantRefused waits for the end of a granter that was replaced.
func (g *granter) wantRefused(t testing.TB) {
	t.Helper()
	<-g.ended
	if last := g.said[len(g.said)-1].text; last != "fenced" {
		t.Errorf("%s, who was replaced, ended with %q", g.name, last)
	}
}
