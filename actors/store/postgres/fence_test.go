package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/postgres"
	"github.com/leasehold/leasehold/actors/store/postgres/takeovers"
	"github.com/leasehold/leasehold/actors/store/storetest"
	"github.com/leasehold/leasehold/conformance/setup"
)

// primaryEnv tells this program to be a primary on the data base named.
const primaryEnv = "LEASEHOLD_TEST_PRIMARY"

func TestMain(m *testing.M) {
	if url := os.Getenv(primaryEnv); url != "" {
		bePrimary(url)
		return
	}
	takeovers.Main()
	flag.Parse()
	os.Exit(m.Run())
}

// bePrimary holds an actor and adds to a counter in it, saying each number after
// it was saved and why it stopped.
func bePrimary(url string) {
	ctx := context.Background()
	db, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		fmt.Println("cannot open:", err)
		return
	}
	s, err := db.Actor(ctx, "a")
	if err != nil {
		fmt.Println("cannot have the actor:", err)
		return
	}
	for n := 1; ; n++ {
		text := fmt.Sprint(n)
		switch err := s.Save(ctx, []actors.Record{storetest.Record("left", text), storetest.Record("right", text)}); {
		case errors.Is(err, store.ErrFenced):
			<-db.Lost()
			fmt.Println("fenced")
			return
		case err != nil:
			fmt.Println("cannot save:", err)
			return
		}
		fmt.Println(n)
	}
}

// primary is such a process.
type primary struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startPrimary(t *testing.T, url string) *primary {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), primaryEnv+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &primary{t, cmd, bufio.NewScanner(out)}
	t.Cleanup(func() {
		cmd.Process.Kill()
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	return p
}

// until reads what it says up to a line, and is the number before it.
func (p *primary) until(stop string) (last int) {
	p.t.Helper()
	for p.lines.Scan() {
		text := p.lines.Text()
		if text == stop {
			return last
		}
		if n, err := fmt.Sscan(text, &last); n != 1 {
			p.t.Fatalf("the primary says %q (%v)", text, err)
		}
	}
	if stop != "" {
		p.t.Fatalf("the primary ended before it said %q", stop)
	}
	return last
}

// TestTakeover kills a primary with SIGKILL while it saves. A standby has the actor when
// the lease is over, with everything that was acknowledged. How long that took is logged
// and not judged: on a machine at leisure, less than five seconds.
func TestTakeover(t *testing.T) {
	t.Parallel()
	url := setup.StartPostgres(t).Database(t)
	p := startPrimary(t, url)
	p.until("20")
	waiting := make(chan string, 1)
	standby := open(t, postgres.Config{URL: url, Patience: -1, Waiting: func(actor, holder string) { waiting <- actor + " " + holder }})
	got := make(chan store.Store, 1)
	go func() {
		s, err := standby.Actor(t.Context(), "a")
		if err != nil {
			t.Error(err)
		}
		got <- s
	}()
	if text := <-waiting; !strings.Contains(text, fmt.Sprintf("pid %d ", p.cmd.Process.Pid)) {
		t.Errorf("the standby waits for %q", text)
	}
	p.until("100")
	select {
	case s := <-got: // only one that could not say in time that it lives, on a machine that is busy
		last := p.until("fenced")
		t.Logf("the primary lost the actor while it lived, after %d saves", last)
		check(t, s, last)
		return
	case <-time.After(4 * time.Second): // longer than its lease
	}
	killed := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	last := p.until("")
	s := <-got
	took := time.Since(killed)
	t.Logf("the standby had the actor %v after the kill; %d saves before it", took.Round(time.Millisecond), last)
	check(t, s, last)
	save(t, s, storetest.Record("left", "mine"))
}

// check wants both halves of the last batch acknowledged, or of the one after it.
func check(t *testing.T, s store.Store, last int) {
	t.Helper()
	all := storetest.All(t, s)
	if all["left"] != all["right"] || all["left"] != fmt.Sprint(last) && all["left"] != fmt.Sprint(last+1) {
		t.Errorf("%d was acknowledged; the store holds %v", last, all)
	}
}

// TestStalledPrimary stops a primary with SIGSTOP until a standby has taken over.
// When it wakes up it is refused, and changes nothing.
func TestStalledPrimary(t *testing.T) {
	t.Parallel()
	url := setup.StartPostgres(t).Database(t)
	p := startPrimary(t, url)
	p.until("20")
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	standby := open(t, postgres.Config{URL: url, Patience: -1})
	s := actor(t, standby, "a")
	if all := storetest.All(t, s); all["left"] != all["right"] {
		t.Errorf("half a batch: %v", all)
	}
	want := map[string]string{"left": "mine", "right": "mine"}
	save(t, s, storetest.Record("left", "mine"), storetest.Record("right", "mine"))
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.until("fenced")
	if got := storetest.All(t, s); !maps.Equal(got, want) {
		t.Errorf("the old primary changed the records to %v", got)
	}
	select {
	case <-standby.Lost():
		t.Error("the new primary thinks it has lost")
	default:
	}
}

// TestFence: once an actor was taken over, its former store refuses for ever, by
// the token and not by the time.
func TestFence(t *testing.T) {
	t.Parallel()
	server := setup.StartPostgres(t)
	url := server.Database(t)
	db := open(t, postgres.Config{URL: url, Lease: time.Hour}) // gives no sign of life during the test
	old := actor(t, db, "a")
	save(t, old, storetest.Record("k", "old"))
	name := url[strings.LastIndexByte(url, '/')+1 : strings.IndexByte(url, '?')]
	if err := server.Exec(name, "UPDATE leasehold_fence SET expires = now()"); err != nil {
		t.Fatal(err)
	}
	next := actor(t, open(t, postgres.Config{URL: url}), "a")
	for range 2 {
		if err := old.Save(t.Context(), []actors.Record{storetest.Record("k", "late"), storetest.Gone("x")}); !errors.Is(err, store.ErrFenced) || !store.Permanent(err) {
			t.Fatalf("the old store: %v, want ErrFenced for good", err)
		}
	}
	large := storetest.Record("l", strings.Repeat("l", 1<<20))
	if err := old.Save(t.Context(), []actors.Record{large}); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("a large batch: %v", err)
	}
	<-db.Lost()
	old.Close() // must not give up what is another's
	if got := storetest.All(t, next); !maps.Equal(got, map[string]string{"k": "old"}) {
		t.Errorf("holds %v", got)
	}
	save(t, next, storetest.Record("k", "next"))
	if _, err := open(t, postgres.Config{URL: url, Patience: time.Millisecond}).Actor(t.Context(), "a"); !errors.Is(err, store.ErrInUse) {
		t.Errorf("the old store's end freed the actor: %v", err)
	}
}
