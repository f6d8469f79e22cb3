package authority

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/pace"
)

// paces is how long the actions on units of each type have taken. Set-up is part of the
// lessee's own term, and teardown delays whoever is next (paper B 4.3).
type paces map[actors.ResourceType]paced

// paced is what is known of one type, and its durable form.
type paced struct {
	Setup    pace.Times `json:"setup,omitzero"`
	Teardown pace.Times `json:"teardown,omitzero"`
}

// took is an action that was carried out, and its time.
type took struct {
	teardown bool
	time     actors.Millis
}

// measured notes how long a set-up or teardown took that succeeded. One that failed says
// when it was given up, which is another matter.
func (s *step) measured(state actors.UnitState, ev actors.ActionDone) {
	if ev.Code == 0 && ev.Took > 0 && (state == actors.UnitPriming || state == actors.UnitClosing) {
		s.took = append(s.took, took{state == actors.UnitClosing, ev.Took})
	}
}

const pacePrefix = "pace/"

// saveEvery is how many measurements are at most lost in a crash while what they say
// stays the same.
const saveEvery = 32

// learn takes measurements in. It reports whether there is news to be saved.
func (p paces) learn(t actors.ResourceType, all []took) (actors.Record, bool) {
	if len(all) == 0 {
		return actors.Record{}, false
	}
	now := p[t]
	before := now
	for _, m := range all {
		if m.teardown {
			now.Teardown = now.Teardown.Add(m.time)
		} else {
			now.Setup = now.Setup.Add(m.time)
		}
	}
	p[t] = now
	same := func(a, b pace.Times) bool {
		return a.Typical() == b.Typical() && a.Slow() == b.Slow() && a.Sum/saveEvery == b.Sum/saveEvery
	}
	return actors.Record{Key: pacePrefix + string(t), Value: now}, !same(before.Setup, now.Setup) || !same(before.Teardown, now.Teardown)
}

func (p paces) restore(t actors.ResourceType, data []byte) error {
	var v paced
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	if t == "" || !v.Setup.Sound() || !v.Teardown.Sound() {
		return errors.New("its counts are not what was measured")
	}
	p[t] = v
	return nil
}

// AppendRecord is the durable form (actors.Value).
func (p paced) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(p)
	return append(dst, b...), err
}

// Paces lists how long set-up and teardown take, by type (actors.Timed).
func (a *Actor) Paces() []actors.Pace {
	out := make([]actors.Pace, 0, len(a.paces))
	for _, t := range slices.Sorted(maps.Keys(a.paces)) {
		p := a.paces[t]
		out = append(out, actors.Pace{Type: t, Setup: p.Setup.Typical(), SetupSlow: p.Setup.Slow(), Setups: p.Setup.Sum,
			Teardown: p.Teardown.Typical(), TeardownSlow: p.Teardown.Slow(), Teardowns: p.Teardown.Sum})
	}
	return out
}
