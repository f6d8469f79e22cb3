package cod_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/pool"
	"github.com/leasehold/leasehold/handlers"
)

// TestVirtualHistories plays random lives of virtual machines and of the machines that
// become their hosts, with drivers that fail and dawdle, leases that end, and crashes. No
// host ever has more on it than it can hold, no machine is torn down under what runs on
// it, and when all is over nothing is left.
func TestVirtualHistories(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		v := &lives{t: t, r: rand.New(rand.NewPCG(seed, 7)), seed: seed, last: map[string]*actors.Action{}}
		v.play()
		if t.Failed() {
			return
		}
	}
}

type lives struct {
	t     *testing.T
	r     *rand.Rand
	seed  uint64
	w     *world
	last  map[string]*actors.Action // of each unit
	made  int
	clear bool
}

func (v *lives) failf(format string, args ...any) {
	v.t.Helper()
	v.t.Fatalf("seed %d: %s\n%s", v.seed, fmt.Sprintf(format, args...), tail(v.w.log.String()))
}

func (v *lives) play() {
	v.w = newWorld(v.t, virtualConfig())
	v.w.drive = v.drive
	for range 150 {
		switch v.r.IntN(12) {
		case 0, 1, 2, 3:
			v.act()
		case 4, 5, 6, 7:
			for range v.r.IntN(4) {
				if len(v.w.line) > 0 {
					v.w.answer(v.r.IntN(len(v.w.line)))
				}
			}
		case 8:
			v.w.settle()
		case 9, 10:
			v.w.now += actors.Millis(v.r.IntN(30 * 60_000))
			v.w.step(cod.Tick{})
		case 11:
			if v.r.IntN(3) == 0 {
				v.w.load()
				for _, unit := range slices.Sorted(keys(v.last)) { // the authority asks again for what it was not answered
					if !v.answered(unit) {
						v.w.step(cod.Do{Action: *v.last[unit]})
					}
				}
			}
		}
		v.safe()
	}
	v.clear = true
	v.w.pass(3 * time.Hour) // what waits is tried again
	for _, unit := range slices.Sorted(keys(v.last)) {
		if a := v.last[unit]; a.Verb != actors.Teardown && !strings.HasPrefix(unit, "m") {
			v.ask(unit, actors.Teardown)
		}
	}
	v.w.pass(100 * time.Hour) // the grace of what is held is over
	for _, unit := range slices.Sorted(keys(v.last)) {
		v.ask(unit, actors.Teardown)
	}
	v.w.pass(100 * time.Hour)
	for _, e := range v.w.tree() {
		if e.Has("codOwner") {
			v.failf("left: %s", e.DN)
		}
	}
	for _, h := range v.w.m.View().Hosts {
		if h.Room != h.Size || h.State != "serving" {
			v.failf("left: %+v", h)
		}
	}
}

// answered reports whether a unit's last action was.
func (v *lives) answered(unit string) bool {
	a := v.last[unit]
	return slices.ContainsFunc(v.w.done, func(d actors.ActionDone) bool { return d.Unit == a.Unit.ID && d.Sequence == a.Sequence })
}

// act asks for something that an authority could ask for.
func (v *lives) act() {
	var open []string
	for _, unit := range slices.Sorted(keys(v.last)) {
		if v.last[unit].Verb != actors.Teardown {
			open = append(open, unit)
		}
	}
	if len(open) == 0 || v.r.IntN(3) == 0 && len(open) < 10 {
		v.made++
		kind := []string{"u", "u", "u", "m"}[v.r.IntN(4)]
		v.ask(fmt.Sprint(kind, v.made), actors.Setup)
		return
	}
	v.ask(open[v.r.IntN(len(open))], []actors.Verb{actors.Setup, actors.Setup, actors.Teardown}[v.r.IntN(3)])
}

// ask asks a unit for its next action.
func (v *lives) ask(unit string, verb actors.Verb) {
	slice, seq := "Web", 1
	if strings.HasPrefix(unit, "m") {
		slice = "Xen"
	}
	if last := v.last[unit]; last != nil {
		seq = last.Sequence + 1
	}
	a := setup(unit, slice, seq)
	a.Verb = verb
	a.Term.Start, a.Term.End = v.w.now, v.w.now+actors.Millis(v.r.IntN(4)*20*60_000)
	if verb == actors.Teardown && v.last[unit] != nil {
		a.Term = v.last[unit].Term // over, or not
	}
	a.Properties = actors.Properties{cod.PropEnd: []string{"suspend", "checkpoint", "reclaim", ""}[v.r.IntN(4)]}
	if slice == "Web" {
		a.Type = "vm"
		a.Ticket = actors.Properties{"cpu": fmt.Sprint(50 + v.r.IntN(300)), "memory": fmt.Sprint(100 + v.r.IntN(800))}
		if seq == 1 && v.r.IntN(3) == 0 { // it takes up what is held, if there is such a one
			a.Properties[cod.PropResume] = fmt.Sprint("web", 1+v.r.IntN(5))
		}
	}
	v.last[unit] = &a
	v.w.step(cod.Do{Action: a})
}

// drive is a driver in bad weather. It does not tear a host down under what is on it.
func (v *lives) drive(d cod.Drive) (handlers.Result, error) {
	if d.Verb == actors.Teardown && strings.HasPrefix(string(d.Unit.ID), "m") {
		for _, c := range v.w.m.View().Clusters {
			for _, n := range c.Nodes {
				if n.Machine == d.Unit.Host {
					v.failf("%s is torn down under %s, which is %s", d.Unit.ID, n.Unit, n.State)
				}
			}
		}
	}
	if v.clear {
		return handlers.Result{Done: true}, nil
	}
	switch v.r.IntN(6) {
	case 0:
		return handlers.Result{}, errors.New("no luck")
	case 1:
		return handlers.Result{After: time.Second}, nil
	}
	return handlers.Result{Done: true}, nil
}

// safe is what is true at every moment.
func (v *lives) safe() {
	v.t.Helper()
	at := map[string]string{}
	for _, c := range v.w.m.View().Clusters {
		for _, n := range c.Nodes {
			// What was held and is reclaimed, or could not be, runs nowhere.
			if n.Machine != "" && !slices.Contains([]string{"held", "draining", "wiped", "suspect", "quarantined"}, n.State) {
				at[string(n.Unit)] = n.Machine
			}
		}
	}
	for _, h := range v.w.m.View().Hosts {
		if !(calendar.Vector{}).Fits(h.Room) && h.State != "lost" {
			v.failf("%+v", h)
		}
	}
	for unit, machine := range at {
		if !slices.ContainsFunc(v.w.m.View().Hosts, func(h pool.Host) bool { return h.Name == machine && slices.Contains(h.Units, unit) }) {
			v.failf("%s is on %s, which does not know it", unit, machine)
		}
	}
}
