package ldap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/storetest"
	"github.com/leasehold/leasehold/cod/directory/memdir"
)

// script is batches of every kind: one record and many, new ones, changes and
// removals, values in one entry and in several, batches that need parts.
var script = func() (out [][]actors.Record) {
	rec, gone := storetest.Record, storetest.Gone
	long := func(c string, n int) string { return strings.Repeat(c, n) }
	return [][]actors.Record{
		{rec("a", "1")},
		{rec("a", "2"), rec("b", "2"), rec("c", "2")},
		{rec("b", "3")},
		{gone("a")}, // the journal puts it
		{gone("c"), rec("d", ""), rec("e", long("e", 150))},
		{rec("b", "6"), rec("c", "6")},
		{gone("d")},                                          // the journal does not know it
		{rec("i", long("i", 110)), rec("j", long("j", 130))}, // too long for the journal, not for a page
		{rec("i", long("I", 110)), rec("j", long("J", 130))}, // as long as the log has room, or longer
		{gone("j"), rec("i", "I")},
		{rec("e", long("f", 70)), rec("f", long("f", 130)), rec("g", long("g", 200)), rec("b", "8")},
		{rec("e", "short")},
		{gone("f"), gone("g"), rec("h", "10")},
		{rec("f", "11"), gone("h"), gone("b")},
		{rec("b", long("b", 61))},
		{rec("b", long("B", 60)), gone("c"), rec("z", "13")},
		{rec("z", "14")},
		{gone("z"), gone("never there")},
	}
}()

// model is what a store holds after the first n batches.
func model(n int) map[string]string {
	all := map[string]string{}
	for _, batch := range script[:n] {
		for _, r := range batch {
			if r.Value == nil {
				delete(all, r.Key)
			} else {
				all[r.Key] = string(r.Value.(store.Raw))
			}
		}
	}
	return all
}

// crash runs the script until something fails; acknowledged is how many batches
// were kept by what the store said.
func crash(t *testing.T, l *line) (acknowledged int) {
	t.Helper()
	s, err := repository(l).Actor(t.Context(), "actor")
	if err != nil {
		if !errors.Is(err, errAccident) {
			t.Fatal(err)
		}
		return 0
	}
	for i, batch := range script {
		if err := s.Save(t.Context(), batch); err != nil {
			if !errors.Is(err, errAccident) {
				t.Fatalf("batch %d: %v", i+1, err)
			}
			return i
		}
	}
	return len(script)
}

// writes is how many writes the script comes to.
func writes(t *testing.T) int {
	l := &line{server: memory(t)}
	crash(t, l)
	return l.count
}

// TestCut cuts the line after every write, before it arrives and after. The next
// process finds all batches that were acknowledged, the one under way whole or not
// at all, and goes on with the rest. It is itself cut at every write of its start.
func TestCut(t *testing.T) {
	t.Parallel()
	total := writes(t)
	for n := 1; n <= total+1; n++ {
		for _, what := range []accident{lost, deaf} {
			for again := 0; ; again++ {
				dir := memory(t)
				acknowledged := crash(t, &line{server: dir, n: n, what: what})
				where := fmt.Sprintf("cut %v at write %d of %d, and again at write %d", what, n, total, again)
				second := &line{server: dir, n: again, what: what}
				_, err := repository(second).Actor(t.Context(), "actor")
				if err != nil && !errors.Is(err, errAccident) {
					t.Fatalf("%s: %v", where, err)
				}
				found := recovered(t, dir, where, acknowledged)
				finishScript(t, dir, where, found)
				if again > second.count { // the second start was not cut any more
					break
				}
			}
		}
	}
	t.Logf("%d writes, each cut twice over, and every write of the start after each", total)
}

// recovered opens the actor and says how many batches it finds.
func recovered(t *testing.T, dir *memdir.Dir, where string, acknowledged int) int {
	t.Helper()
	s, err := repository(&line{server: dir}).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	all := storetest.All(t, s)
	for n := acknowledged; n <= min(acknowledged+1, len(script)); n++ {
		if maps.Equal(all, model(n)) {
			return n
		}
	}
	t.Fatalf("%s: %d batches were acknowledged; found\n%v\nwant\n%v", where, acknowledged, all, model(acknowledged))
	return 0
}

// finishScript saves the rest, and wants nothing left over in the directory.
func finishScript(t *testing.T, dir *memdir.Dir, where string, from int) {
	t.Helper()
	s, err := repository(&line{server: dir}).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	for _, batch := range script[from:] {
		if err := s.Save(t.Context(), batch); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
	}
	want := model(len(script))
	if all := storetest.All(t, s); !maps.Equal(all, want) {
		t.Fatalf("%s: in the end it holds\n%v\nwant\n%v", where, all, want)
	}
	// What the last batches left to be carried out is, when the next process begins.
	if s, err = repository(&line{server: dir}).Actor(t.Context(), "actor"); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	entries, err := dir.List(context.Background(), s.(*actorStore).home())
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, v := range want {
		parts += max(len(cut([]byte(v), small.part))-1, 0)
	}
	if len(entries) != 1+len(want)+parts {
		t.Fatalf("%s: the directory holds %d entries for %d records in %d more parts: %v", where, len(entries), len(want), parts, entries)
	}
}

// TestTrouble disturbs every write once, without a crash, and saves each batch again
// until it is kept, as a host does. Requests that were thought lost arrive in the
// end, and change nothing.
func TestTrouble(t *testing.T) {
	t.Parallel()
	total := writes(t)
	for n := 1; n <= total; n++ {
		for _, what := range []accident{refused, mute, late} {
			l := &line{server: memory(t), n: n, what: what}
			var s store.Store
			var err error
			for range 3 {
				if s, err = repository(l).Actor(t.Context(), "actor"); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, batch := range script {
				tries := 0
				for err := s.Save(t.Context(), batch); err != nil; err = s.Save(t.Context(), batch) {
					if tries++; tries > 2 || !errors.Is(err, errAccident) {
						t.Fatalf("accident %v at write %d: batch %d: %v", what, n, i+1, err)
					}
				}
			}
			for _, do := range l.after {
				if err := do(); err == nil && s.(*actorStore).holding.generation > 1 {
					t.Errorf("accident %v at write %d: the late request was carried out", what, n)
				}
			}
			if got, want := storetest.All(t, s), model(len(script)); !maps.Equal(got, want) {
				t.Fatalf("accident %v at write %d: it holds\n%v\nwant\n%v", what, n, got, want)
			}
		}
	}
}

// TestStalledWriter stops a writer in the middle of every write. Another process
// takes over, removes and changes things; when the first goes on, nothing it wants
// to write is written, and it is told.
func TestStalledWriter(t *testing.T) {
	t.Parallel()
	total := writes(t)
	opening := &line{server: memory(t)}
	if _, err := repository(opening).Actor(t.Context(), "actor"); err != nil {
		t.Fatal(err)
	}
	for n := opening.count + 1; n <= total; n++ {
		dir := memory(t)
		stalled, goOn := make(chan struct{}), make(chan struct{})
		l := &line{server: dir, n: n, what: stall, stalled: stalled, goOn: goOn}
		outcome := make(chan error, 1)
		go func() {
			s, err := repository(l).Actor(context.Background(), "actor")
			for i := 0; err == nil && i < len(script); i++ {
				err = s.Save(context.Background(), script[i])
			}
			if err == nil {
				err = s.Save(context.Background(), script[0])
			}
			outcome <- err
		}()
		<-stalled
		next, err := repository(&line{server: dir}).Actor(t.Context(), "actor")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"mine": "alone"}
		var batch []actors.Record
		for key := range storetest.All(t, next) {
			batch = append(batch, storetest.Gone(key))
		}
		if err := next.Save(t.Context(), append(batch, storetest.Record("mine", "alone"))); err != nil {
			t.Fatal(err)
		}
		close(goOn)
		if err := <-outcome; !errors.Is(err, store.ErrFenced) {
			t.Errorf("stalled at write %d of %d: the old writer was told %v", n, total, err)
		}
		if got := storetest.All(t, next); !maps.Equal(got, want) {
			t.Fatalf("stalled at write %d of %d: the new one's records became %v", n, total, got)
		}
	}
}

// TestNumbersGoOn: a batch is not taken for older than what was there before its
// process started.
func TestNumbersGoOn(t *testing.T) {
	t.Parallel()
	rec := storetest.Record
	dir := memory(t)
	first, err := repository(&line{server: dir}).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range [][]actors.Record{{rec("a", "1"), rec("b", "1")}, {rec("b", "2")}, {rec("b", "3")}, {rec("b", "4")}} {
		if err := first.Save(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	l := &line{server: dir, n: 7, what: lost} // the base, the rename, what the first left to do and the log arrive, no record does
	second, err := repository(l).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Save(t.Context(), []actors.Record{rec("a", "5"), rec("b", "5")}); err != nil {
		t.Fatalf("the log was written: %v", err)
	}
	third, err := repository(&line{server: dir}).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := storetest.All(t, third), map[string]string{"a": "5", "b": "5"}; !maps.Equal(got, want) {
		t.Errorf("it holds %v, want %v", got, want)
	}
}
