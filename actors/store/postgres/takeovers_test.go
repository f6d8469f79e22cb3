package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
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
	"github.com/leasehold/leasehold/conformance/setup"
)

var takeovers = flag.Int("takeovers", 8, "how often TestTakeovers kills or stops whoever grants")

// granterEnv tells this program to grant from the data base named: its name follows.
const granterEnv = "LEASEHOLD_TEST_GRANTER"

// The pool that granters give away from.
const units = 64

// beGranter holds the actor and grants units that are free, and takes them back, each
// in a transaction of its own, saying which after it was saved. Its memory is what it
// loaded and did itself, as an actor's is.
func beGranter(text string) {
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

func startGranter(t *testing.T, name, url string, all *ledgers) *granter {
	t.Helper()
	g := &granter{name: name, cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	g.cmd.Env = append(os.Environ(), granterEnv+"="+name+" "+url)
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

func (g *granter) hear(t *testing.T, text string, all *ledgers) {
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
func (l *ledgers) begin(t *testing.T, who, list string) {
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
func (l *ledgers) note(t *testing.T, who, word, key string) {
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

// TestTakeovers lets two processes grant units from one data base as fast as it goes,
// one at work and one standing by, and kills the one at work with SIGKILL, or stops
// it until it has been replaced and wakes it up again, over and over. The other is at
// work each time, no unit is granted twice, and one that wakes up saves nothing more. How
// long it took is logged and not judged.
func TestTakeovers(t *testing.T) {
	t.Parallel()
	url := setup.StartPostgres(t).Database(t)
	all := &ledgers{held: map[string]bool{}}
	chance := rand.New(rand.NewPCG(1, 1))
	now := startGranter(t, "g0", url, all)
	for give := time.Now().Add(3 * time.Minute); now.count() < 20; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(give) {
			t.Fatal("nobody grants")
		}
	}
	var times []time.Duration
	for n := range *takeovers {
		next := startGranter(t, fmt.Sprintf("g%d", n+1), url, all)
		time.Sleep(time.Duration(500+chance.IntN(1500)) * time.Millisecond) // it stands by, at any point of its rhythm
		stop := n%3 == 2
		if !next.since().IsZero() { // on a machine so busy that the one at work could not say in time that it lives
			<-now.ended
			if last := now.said[len(now.said)-1].text; last != "fenced" {
				t.Errorf("takeover %d: two are at work, and one ended with %q", n+1, last)
			}
			now = next
			continue
		}
		signal := syscall.SIGKILL
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
		for give := began.Add(3 * time.Minute); next.since().IsZero(); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(give) {
				t.Fatalf("takeover %d: nobody is at work", n+1)
			}
		}
		times = append(times, next.since().Sub(began))
		if stop {
			if err := now.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			<-now.ended
			if last := now.said[len(now.said)-1].text; last != "fenced" {
				t.Errorf("takeover %d: the one that was stopped ended with %q", n+1, last)
			}
		}
		now = next
		for before := now.count(); now.count() < before+20; time.Sleep(time.Millisecond) {
		}
	}
	if len(times) == 0 {
		t.Fatal("nobody was killed or stopped at work")
	}
	slices.Sort(times)
	all.mu.Lock()
	defer all.mu.Unlock()
	t.Logf("%d takeovers between %v and %v, half of them within %v; %d grants; %d woke up and were refused", len(times),
		times[0].Round(10*time.Millisecond), times[len(times)-1].Round(10*time.Millisecond), times[len(times)/2].Round(10*time.Millisecond), all.grants, all.stale)
}
