package actors_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"pgregory.net/rapid"
)

// shelf is a store of the units of one lease: what Records said to save.
type shelf map[string][]byte

func (s shelf) save(t *rapid.T, records []actors.Record) {
	for _, r := range records {
		if r.Value == nil {
			delete(s, r.Key)
			continue
		}
		data, err := r.Value.AppendRecord(nil)
		if err != nil {
			t.Fatal(err)
		}
		s[r.Key] = data
	}
}

// restored is the units that a restart finds, of which so many parts were noted.
func (s shelf) restored(t *rapid.T, parts int) actors.Units {
	found := actors.Parts{}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if id, _, err := found.Restore(actors.Stored{Key: key, Data: s[key]}); err != nil || id != "R/1" {
			t.Fatalf("%q: %v, %v", key, id, err)
		}
	}
	var u actors.Units
	if err := found.Join(&u, "R/1", parts); err != nil {
		t.Fatal(err)
	}
	return u
}

func list(u actors.Units) []actors.Unit { return slices.Concat(u.List()) }

// TestUnits makes up steps on the units of a lease and takes them beside a plain list:
// each ends the same, those of the step before are as they were, what is new is told,
// and what was saved is what a restart finds.
func TestUnits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		paging := actors.Paging{Page: uint16(rapid.IntRange(1, 4).Draw(t, "page")), Whole: uint16(rapid.IntRange(1, 9).Draw(t, "whole"))}
		var u actors.Units
		var model []actors.Unit
		disk := shelf{}
		made := 0
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			before, had := u, slices.Clone(model)
			u.Begin(paging)
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				change(t, &u, &model, &made)
				waits(t, &u, model)
			}
			u.Settle()
			if !reflect.DeepEqual(list(u), model) && len(model)+u.Len() > 0 {
				t.Fatalf("it has\n%+v\nwant\n%+v", u.List(), model)
			}
			if !reflect.DeepEqual(list(before), had) && len(had) > 0 {
				t.Fatalf("the units before the step became\n%+v\nfrom\n%+v", before.List(), had)
			}
			news(t, u, before, model, had)
			disk.save(t, u.Records(nil, "R/1", before))
			if len(disk) != u.Parts() || u.Parts() > 0 && len(model) == 0 || len(model) > int(paging.Whole) && u.Parts() == 0 {
				t.Fatalf("%d units in %d parts, and there are %d records", u.Len(), u.Parts(), len(disk))
			}
			if u.Parts() > 0 {
				if again := disk.restored(t, u.Parts()); !reflect.DeepEqual(again.List(), model) {
					t.Fatalf("a restart finds\n%+v\nand not\n%+v", again.List(), model)
				} else if rapid.Bool().Draw(t, "restart") {
					u = again
				}
			}
		}
	})
}

// change makes one change to both.
func change(t *rapid.T, u *actors.Units, model *[]actors.Unit, made *int) {
	some := func(one *actors.Unit) bool { return (len(one.ID)+int(one.ID[len(one.ID)-1])+one.Sequence)%3 == 0 }
	state := rapid.SampledFrom([]actors.UnitState{actors.UnitClosing, actors.UnitPriming}).Draw(t, "state")
	begin := func(one *actors.Unit) { one.State, one.Sequence = state, one.Sequence+1 }
	switch what := rapid.IntRange(0, 5).Draw(t, "what"); what {
	case 0:
		n := rapid.IntRange(1, 12).Draw(t, "n")
		u.Grow(n)
		for range n {
			*made++
			one := actors.Unit{ID: actors.UnitID(fmt.Sprint("u", *made)), State: actors.UnitPriming}
			u.Append(one)
			*model = append(slices.Clone(*model), one)
		}
	case 1:
		u.Change(some, begin)
		*model = slices.Clone(*model)
		for i := range *model {
			if some(&(*model)[i]) {
				begin(&(*model)[i])
			}
		}
	case 2:
		u.Keep(func(one *actors.Unit) bool { return !some(one) })
		*model = slices.DeleteFunc(slices.Clone(*model), func(one actors.Unit) bool { return some(&one) })
	case 3, 4:
		id := actors.UnitID(fmt.Sprint("u", rapid.IntRange(1, *made+1).Draw(t, "id")))
		at, found := u.Find(id)
		i := slices.IndexFunc(*model, func(one actors.Unit) bool { return one.ID == id })
		if found != (i >= 0) || found && u.At(at).ID != id {
			t.Fatalf("%s: found %v, and it is number %d", id, found, i)
		}
		if *model = slices.Clone(*model); !found {
			return
		}
		if what == 3 {
			u.Remove(at)
			*model = slices.Delete(*model, i, i+1)
			return
		}
		u.Edit(at).State = actors.UnitActive
		(*model)[i].State = actors.UnitActive
	case 5:
		if rapid.IntRange(0, 5).Draw(t, "all") == 0 {
			u.Clear()
			*model = nil
		}
	}
}

// waits asks which states there are, as steps do: about the same ones again and again.
func waits(t *rapid.T, u *actors.Units, model []actors.Unit) {
	has := func(states ...actors.UnitState) bool {
		return slices.ContainsFunc(model, func(one actors.Unit) bool { return slices.Contains(states, one.State) })
	}
	if got, want := u.Waits(actors.UnitPriming), has(actors.UnitPriming); got != want {
		t.Fatalf("units are priming: %v, want %v: %+v", got, want, model)
	}
	if got, want := u.In(actors.UnitActive, actors.UnitClosing), has(actors.UnitActive, actors.UnitClosing); got != want {
		t.Fatalf("units are active or closing: %v, want %v: %+v", got, want, model)
	}
	if u.Len() != len(model) {
		t.Fatalf("%d units, want %d", u.Len(), len(model))
	}
}

// news wants every unit that differs to be told, together with what it was.
func news(t *rapid.T, u, before actors.Units, model, had []actors.Unit) {
	told, was := map[actors.UnitID]actors.Unit{}, map[actors.UnitID]actors.Unit{}
	u.News(before, func(units, old []actors.Unit) {
		for _, one := range units {
			told[one.ID] = one
		}
		for _, one := range old {
			was[one.ID] = one
		}
	})
	for _, one := range model {
		i := slices.IndexFunc(had, func(o actors.Unit) bool { return o.ID == one.ID })
		if i >= 0 && reflect.DeepEqual(had[i], one) {
			continue
		}
		if now, ok := told[one.ID]; !ok || !reflect.DeepEqual(now, one) {
			t.Fatalf("%s is another, and that is not told", one.ID)
		}
		if old, ok := was[one.ID]; ok != (i >= 0) || ok && !reflect.DeepEqual(old, had[i]) {
			t.Fatalf("%s was there: %v, and %+v is told", one.ID, i >= 0, old)
		}
	}
}

// TestUnitsJSON: what was written before there were parts is read, however many units
// it has; and units in parts are not in the record of their lease.
func TestUnitsJSON(t *testing.T) {
	t.Parallel()
	many := make([]actors.Unit, 1000)
	for i := range many {
		many[i].ID = actors.UnitID(fmt.Sprint("u", i))
	}
	text, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	var u actors.Units
	if err := json.Unmarshal(text, &u); err != nil || u.Len() != 1000 || u.Parts() != 0 || u.IsZero() || !reflect.DeepEqual(u.List(), many) {
		t.Fatalf("%d units in %d parts, %v", u.Len(), u.Parts(), err)
	}
	before := u
	u.Begin(actors.Paging{})
	u.Edit(must(u.Find("u700"))).State = actors.UnitActive
	u.Settle()
	if got := u.Records(nil, "R", before); u.Parts() != 16 || len(got) != 16 || !u.IsZero() || got[0].Key != "part/R/000000" {
		t.Errorf("in %d parts, %d records: %v", u.Parts(), len(got), got[0])
	}
	if at, ok := u.Find("u999"); !ok || u.At(at).ID != "u999" {
		t.Error("the last unit is not found")
	}
	if err := json.Unmarshal([]byte(`{"units":3}`), &u); err == nil {
		t.Error("no list was read")
	}
}

func must(s actors.Spot, ok bool) actors.Spot {
	if !ok {
		panic("not found")
	}
	return s
}

// TestParts: a part that makes no sense is refused, and so is a lease whose parts are
// not those it names.
func TestParts(t *testing.T) {
	t.Parallel()
	one, many := `{"units":[{"id":"u1","state":2,"sequence":1}]}`, `{"units":[`+strings.Repeat(`{"id":"u"},`, 1024)+`{"id":"u"}]}`
	for key, data := range map[string]string{
		"part/R": one, "part/R/": one, "part/R/1": one, "part/R/-00001": one, "part/R/00000x": one,
		"part/R/000001": `{"units":[]}`, "part/R/000002": `[]`, "part/R/000003": many,
	} {
		if _, _, err := (actors.Parts{}).Restore(actors.Stored{Key: key, Data: []byte(data)}); err == nil {
			t.Errorf("%s holding %.30s was taken", key, data)
		}
	}
	p := actors.Parts{}
	for i, key := range []string{"part/R/000004", "part/R/000002", "part/R/000004"} {
		if _, _, err := p.Restore(actors.Stored{Key: key, Data: []byte(one)}); (err != nil) != (i == 2) {
			t.Errorf("%s: %v", key, err)
		}
	}
	var u actors.Units
	for n, wrong := range []bool{true, true, false, true} {
		if err := p.Join(&u, "R", n); (err != nil) != wrong {
			t.Errorf("two of %d parts: %v", n, err)
		}
	}
	if err := p.Join(&u, "R", 2); err == nil {
		t.Error("units in parts and in the record as well")
	}
	if gone := p.Forget("R"); len(gone) != 2 || gone[0].Key != "part/R/000002" || gone[0].Value != nil || len(p) != 0 {
		t.Errorf("forgot %+v, left %v", gone, p)
	}
}

// FuzzParts: whatever a record of a part says, it is refused or gives units that are
// written down as they were read.
func FuzzParts(f *testing.F) {
	f.Add("part/R/000001", []byte(`{"units":[{"id":"u1","host":"h","state":2,"sequence":1,"attempts":1,"properties":{"a":"b"},"notice":"n"}]}`))
	f.Add("part/a/b/1000000", []byte(`{"units":[{}]}`))
	f.Add("part//000000", []byte(`{"units":[{"state":255}],"more":1}`))
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		p := actors.Parts{}
		id, _, err := p.Restore(actors.Stored{Key: key, Data: data})
		if err != nil {
			if len(p) != 0 {
				t.Errorf("refused (%v), and kept", err)
			}
			return
		}
		u := p.Of(id)
		if u.Len() == 0 || u.Parts() != 1 {
			t.Fatalf("%d units in %d parts", u.Len(), u.Parts())
		}
		gone := p.Forget(id)
		if len(gone) != 1 || gone[0].Key != key {
			t.Fatalf("%q is removed as %+v", key, gone)
		}
		rec := u.Records(nil, id, actors.Units{})
		text, err := rec[0].Value.AppendRecord(nil)
		if err != nil || rec[0].Key != key {
			t.Fatal(rec[0].Key, err)
		}
		again := actors.Parts{}
		if _, _, err := again.Restore(actors.Stored{Key: key, Data: text}); err != nil {
			t.Fatal(err)
		}
		if same, err := again.Of(id).Records(nil, id, actors.Units{})[0].Value.AppendRecord(nil); err != nil || string(same) != string(text) {
			t.Errorf("%s\nis read as %s, %v", text, same, err)
		}
	})
}

// TestGrow: units that come behind a full page leave it as it was written.
func TestGrow(t *testing.T) {
	t.Parallel()
	paging := actors.Paging{Page: 2, Whole: 1}
	var u actors.Units
	grow := func(ids ...actors.UnitID) (keys []string) {
		before := u
		u.Begin(paging)
		u.Grow(len(ids))
		for _, id := range ids {
			u.Append(actors.Unit{ID: id})
		}
		u.Settle()
		for _, r := range u.Records(nil, "R", before) {
			keys = append(keys, r.Key)
		}
		return keys
	}
	for _, step := range []struct {
		ids  []actors.UnitID
		want []string
	}{
		{[]actors.UnitID{"a", "b"}, []string{"part/R/000000"}},
		{[]actors.UnitID{"c"}, []string{"part/R/000001"}},
		{[]actors.UnitID{"d", "e"}, []string{"part/R/000001", "part/R/000002"}},
	} {
		if got := grow(step.ids...); !slices.Equal(got, step.want) {
			t.Errorf("%v: saved %v, want %v", step.ids, got, step.want)
		}
	}
}
