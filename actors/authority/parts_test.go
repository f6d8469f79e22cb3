package authority

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// inParts is a site that keeps every unit of a lease of two in a record of its own, and
// what it has saved.
type inParts struct {
	*testing.T
	*Actor
	disk map[string][]byte
}

func newInParts(t *testing.T) *inParts {
	p := &inParts{T: t, Actor: world(t), disk: map[string][]byte{}}
	p.config.Paging = actors.Paging{Page: 1, Whole: 1}
	return p
}

func (p *inParts) save(records []actors.Record) (keys []string) {
	p.Helper()
	for _, rec := range records {
		keys = append(keys, rec.Key)
		if delete(p.disk, rec.Key); rec.Value != nil {
			data, err := rec.Value.AppendRecord(nil)
			if err != nil {
				p.Fatal(err)
			}
			p.disk[rec.Key] = data
		}
	}
	return keys
}

// play steps the site and says what it saved.
func (p *inParts) play(now actors.Cycle, ev actors.Event) (actors.Effects, string) {
	p.Helper()
	fx := play(p.T, p.Actor, now, ev)
	return fx, strings.Join(p.save(fx.Save), " ")
}

// restart is the next process. unreadable are records that it cannot read.
func (p *inParts) restart(unreadable ...string) {
	p.Helper()
	p.Actor = world(p.T)
	p.config.Paging = actors.Paging{Page: 1, Whole: 1}
	for _, key := range slices.Sorted(maps.Keys(p.disk)) {
		data := p.disk[key]
		bad := slices.Contains(unreadable, key)
		if bad {
			data = data[:len(data)-1]
		}
		if err := p.Restore(actors.Stored{Key: key, Data: data}); (err != nil) != bad && !(len(unreadable) > 0 && strings.HasPrefix(key, reservationPrefix)) {
			p.Fatalf("%s: %v", key, err)
		}
	}
}

// TestParts: a step of one unit saves its part and not the others; a restart in the
// middle goes on; in the end nothing is left.
func TestParts(t *testing.T) {
	t.Parallel()
	p := newInParts(t)
	p.play(9, from("sm", actors.OpRedeem, 1, ticket("T1", 2, term)))
	fx, saved := p.play(10, actors.Tick{})
	if saved != "reservation/R1 part/R1/000000 part/R1/000001" || bytes.Contains(p.disk["reservation/R1"], []byte(`"h1"`)) {
		t.Fatalf("saved %s; %s", saved, p.disk["reservation/R1"])
	}
	done := func(a actors.Task, code int) actors.ActionDone {
		return actors.ActionDone{Reservation: "R1", Unit: a.Unit.ID, Sequence: a.Sequence, Code: code, Note: "so"}
	}
	if _, saved := p.play(10, done(fx.Run[1], 0)); saved != "reservation/R1 part/R1/000001" {
		t.Errorf("one unit saved %s", saved)
	}
	p.restart()
	if owed := p.Recover(11).Run; len(owed) != 1 || owed[0].Unit.ID != fx.Run[0].Unit.ID || owed[0].Sequence != 1 || owed[0].Verb != actors.Setup {
		t.Fatalf("after a restart it runs %+v", owed)
	}
	if fx, _ := p.play(11, done(fx.Run[0], 0)); p.book["R1"].Status != active || len(fx.Send) != 1 || len(fx.Send[0].Lease.Units) != 2 {
		t.Fatalf("%v, sent %+v", p.book["R1"].Status, fx.Send)
	}
	p.restart()
	if got := free(p.Actor); got != "3  " {
		t.Errorf("free hosts %q", got)
	}
	fx, _ = p.play(12, from("sm", actors.OpClose, 2, ticket("T1", 2, term)))
	if _, saved := p.play(12, done(fx.Run[0], 0)); saved != "reservation/R1 part/R1/000000" || free(p.Actor) != "13 " {
		t.Errorf("the first that went saved %s; free hosts %q", saved, free(p.Actor))
	}
	p.restart()
	p.play(12, done(fx.Run[1], 0))
	for key := range p.disk {
		if strings.HasPrefix(key, actors.PartPrefix) {
			t.Errorf("%s is left", key)
		}
	}
	if p.book["R1"].Status != closed || free(p.Actor) != "123" {
		t.Errorf("%v, free %q", p.book["R1"].Status, free(p.Actor))
	}
}

// TestPartsSpared: of a lease that can be read only in part no host is given away, and
// nobody begins it anew, until an operator mends what is broken or drops all of it.
func TestPartsSpared(t *testing.T) {
	t.Parallel()
	redeem := func(id actors.ReservationID, name string, units int) actors.Event {
		m := from("sm", actors.OpRedeem, 1, ticket(name, units, term)).(actors.Receive)
		m.Message.Reservation = id
		return m
	}
	for _, broken := range []string{"reservation/R1", "part/R1/000000", "part/R1/000001"} {
		for _, then := range []string{"mended", "dropped"} {
			name := fmt.Sprint(broken, " ", then)
			p := newInParts(t)
			p.play(9, redeem("R1", "T1", 2))
			for _, a := range first(p.play(10, actors.Tick{})).Run {
				p.play(10, actors.ActionDone{Reservation: "R1", Unit: a.Unit.ID, Sequence: a.Sequence})
			}
			p.restart(broken)
			if got := free(p.Actor); got != "3  " {
				t.Errorf("%s: free hosts %q", name, got)
			}
			if _, err := p.Step(10, redeem("R1", "T1", 2)); actors.KindOf(err) != actors.Transient {
				t.Errorf("%s: a redeem of the same lease: %v", name, err)
			}
			if then == "mended" {
				for _, key := range []string{broken, "reservation/R1"} {
					if p.book["R1"].ID == "" {
						if err := p.Restore(actors.Stored{Key: key, Data: p.disk[key]}); err != nil {
							t.Errorf("%s: %s: %v", name, key, err)
						}
						if got := free(p.Actor); got != "3  " {
							t.Errorf("%s: free hosts %q while it is mended", name, got)
						}
					}
				}
				if r := p.book["R1"]; r.Status != active || r.Units.Len() != 2 {
					t.Errorf("%s: %+v", name, r)
				}
				continue
			}
			for _, key := range []string{broken, "reservation/R1"} {
				p.save(p.LetGo(11, key).Save)
				delete(p.disk, key)
			}
			if got := free(p.Actor); got != "123" {
				t.Errorf("%s: free hosts %q", name, got)
			}
			p.restart()
			if len(p.book) != 0 || len(p.parts) != 0 || len(p.disk) != 0 {
				t.Errorf("%s: left are %v, %v, %v", name, p.book, p.parts, slices.Collect(maps.Keys(p.disk)))
			}
		}
	}
}

func first[A, B any](a A, _ B) A { return a }

// TestStrayPart: a part whose lease is there without it is set aside.
func TestStrayPart(t *testing.T) {
	t.Parallel()
	a := world(t, sample(active))
	err := a.Restore(actors.Stored{Key: "part/R1/000003", Data: []byte(`{"units":[{"id":"u9","host":"h3","state":2,"sequence":1}]}`)})
	if err == nil || len(a.parts) != 0 || a.book["R1"].Units.Len() != 2 {
		t.Errorf("%v, %v", err, a.book["R1"])
	}
	if got := free(a); got != "   " {
		t.Errorf("its host is free: %q", got)
	}
}
