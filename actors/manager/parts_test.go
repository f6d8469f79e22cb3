package manager

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestParts: the units of a lease that has many are in records of their own: a step of
// one unit saves its part and not the others, a restart finds them, and a lease whose own
// record cannot be read is not begun anew before an operator drops it, with its parts.
func TestParts(t *testing.T) {
	t.Parallel()
	c := Config{Rules: rules, Broker: "br"}
	c.Paging = actors.Paging{Page: 1, Whole: 1}
	disk := map[string][]byte{}
	a := New(c)
	request := actors.Request{Reservation: "R1", Slice: slice, Type: "node", Units: 2, Term: term}
	keeping(t, a, disk, 5, request)
	keeping(t, a, disk, 6, granted(1, ticket("T1", term)))
	keeping(t, a, disk, 9, actors.Tick{})
	runs := keeping(t, a, disk, 11, lease(term, 1, "u1", "u2")).Run
	if got := slices.Sorted(maps.Keys(disk)); !slices.Equal(got, []string{"part/R1/000000", "part/R1/000001", "reservation/R1"}) || len(runs) != 2 {
		t.Fatalf("saved %v, runs %+v", got, runs)
	}
	fx := keeping(t, a, disk, 11, actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 1})
	if len(fx.Save) != 2 || fx.Save[1].Key != "part/R1/000001" {
		t.Errorf("one unit saved %+v", fx.Save)
	}
	a = again(t, c, disk)
	if owed := a.Recover(11).Run; len(owed) != 1 || owed[0].Unit.ID != "u1" {
		t.Fatalf("after a restart it runs %+v", owed)
	}
	keeping(t, a, disk, 11, actors.ActionDone{Reservation: "R1", Unit: "u1", Sequence: 1})
	if r := a.book["R1"]; r.Status != active || r.Held.Len() != 2 {
		t.Fatalf("%v with %d units", r.Status, r.Held.Len())
	}
	// A report that takes one away lets it leave; the other's part stays as it is.
	fx = keeping(t, a, disk, 12, lease(term, 1, "u2"))
	if len(fx.Save) != 2 || fx.Save[1].Key != "part/R1/000000" || len(fx.Run) != 1 || fx.Run[0].Verb != actors.Leave || fx.Run[0].Unit.ID != "u1" {
		t.Errorf("the report saved %+v, ran %+v", fx.Save, fx.Run)
	}
	keeping(t, a, disk, 12, actors.ActionDone{Reservation: "R1", Unit: "u1", Sequence: 2})
	if _, left := disk["part/R1/000000"]; left {
		t.Error("the part of a unit that has left stays")
	}

	a = New(c)
	for _, key := range []string{"part/R1/000001", "reservation/R1"} {
		data := disk[key]
		if strings.HasPrefix(key, "reservation/") {
			data = data[1:]
		}
		if err := a.Restore(actors.Stored{Key: key, Data: data}); (err != nil) != strings.HasPrefix(key, "reservation/") {
			t.Fatalf("%s: %v", key, err)
		}
	}
	if _, err := a.Step(12, request); actors.KindOf(err) != actors.Invalid {
		t.Errorf("a request of the same name: %v", err)
	}
	if fx := a.LetGo(12, "reservation/R1"); len(fx.Save) != 1 || fx.Save[0].Key != "part/R1/000001" || fx.Save[0].Value != nil {
		t.Errorf("dropping the lease saves %+v", fx.Save)
	}
	keeping(t, a, disk, 5, request)
	if err := a.Restore(actors.Stored{Key: "part/R1/000001", Data: []byte(`{"units":[{"id":"u1","state":2,"sequence":1}]}`)}); err == nil || len(a.parts) != 0 {
		t.Errorf("a part of a lease that is there without it: %v", err)
	}
}
