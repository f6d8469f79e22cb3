/*
Package pool places virtual machines on the hosts of a site (paper B 4.3: the mapper
assigns images to physical machines).

A host has a size, a vector of what it can give; a unit has one, what it was granted.
A [Pool] knows which unit is where, which are on their way, and what is left. Where a
new one goes is a [desk.Packing]'s choice, the same that brokers divide hosts with.
What the units on a host have together is never more than its size, and a unit that
moves is counted on both hosts until it has arrived (leasing 4.8.5).

Hosts come and go. A physical machine that a slice of the site's own leases is made a
host by its driver and joins; before it is taken back it is drained: nothing new is
placed on it, and [Pool.Next] says what moves where, one unit of a host at a time. Only
an empty host is let go. state.go has their life as a table.

The pool is rebuilt from the directory's nodes after a restart: it keeps nothing that
they do not say.

# What is not here

Carrying moves out: package cod asks drivers for them.
*/
package pool

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Pool is the hosts of a site and what is on them. It is used by one goroutine. The
// zero Pool has no host.
type Pool struct {
	packing desk.Packing
	hosts   map[string]*host
	units   map[string]*unit
}

type host struct {
	name  string
	size  calendar.Vector
	used  calendar.Vector // by its units together
	state State
	units map[string]*unit // that are on it, or on their way to it
}

type unit struct {
	name string
	size calendar.Vector
	at   string // the host it is on
	// While it moves: the host it moves to, and what it is to have there. On the one that
	// it leaves it counts as before, since the move may fail.
	to   string
	next calendar.Vector
}

// New is a pool without hosts. A nil packing is desk.FirstFit.
func New(packing desk.Packing) *Pool {
	if packing == nil {
		packing = desk.FirstFit
	}
	return &Pool{packing: packing, hosts: map[string]*host{}, units: map[string]*unit{}}
}

func newHost(name string, s State) *host {
	return &host{name: name, state: s, units: map[string]*unit{}}
}

// enter counts a unit on a host with a size, leave no more.
func (h *host) enter(u *unit, size calendar.Vector) {
	h.units[u.name], h.used = u, h.used.Plus(1, size)
}

func (h *host) leave(u *unit, size calendar.Vector) {
	delete(h.units, u.name)
	h.used = h.used.Plus(-1, size)
}

// settle counts a new unit on the host that it is on.
func (p *Pool) settle(name string, size calendar.Vector, at string) {
	u := &unit{name: name, size: size, at: at}
	p.units[name] = u
	p.hosts[at].enter(u, size)
}

// refuses says why a host cannot take so much more; empty when it can.
func (p *Pool) refuses(name string, size calendar.Vector) string {
	switch h := p.hosts[name]; {
	case h == nil || h.state != Serving:
		return fmt.Sprintf("%.64q takes no units", name)
	case !size.Fits(h.room()):
		return fmt.Sprintf("%s has %v left, not %v", name, h.room(), size)
	}
	return ""
}

// depart reserves a unit's place on another host.
func (p *Pool) depart(u *unit, to string, size calendar.Vector) {
	u.to, u.next = to, size
	p.hosts[to].enter(u, size)
}

// room is what is left of it.
func (h *host) room() calendar.Vector { return h.size.Plus(-1, h.used) }

// Host is a host as others see it.
type Host struct {
	Name  string          `json:"name"`
	State string          `json:"state"`
	Means string          `json:"means"` // the state in a sentence
	Size  calendar.Vector `json:"size"`
	Room  calendar.Vector `json:"room"` // what is left; negative where more is on it than fits
	Units []string        `json:"units,omitempty"`
}

// Hosts lists the hosts that are not away, in order of their names.
func (p *Pool) Hosts() []Host {
	var out []Host
	for _, h := range p.ordered() {
		if h.state != Away {
			out = append(out, Host{h.name, h.state.String(), h.state.Means(), h.size, h.room(), slices.Sorted(maps.Keys(h.units))})
		}
	}
	return out
}

// State is where a host stands; Away for one that nobody has spoken of.
func (p *Pool) State(name string) State {
	if h := p.hosts[name]; h != nil {
		return h.state
	}
	return Away
}

// Set takes a host to another state, and gives it a size unless that is zero. A host with
// units is neither away nor taken back. The error says why a move is not made.
func (p *Pool) Set(name string, to State, size calendar.Vector) error {
	h := p.hosts[name]
	if h == nil {
		h = newHost(name, Away)
	}
	if err := moves.Check(h.state, to); err != nil {
		return err
	}
	if n := len(h.units); n > 0 && (to == Away || to == Reverting) {
		return fmt.Errorf("pool: %s has %d units", name, n)
	}
	if size == (calendar.Vector{}) {
		size = h.size
	}
	if to == Serving && size == (calendar.Vector{}) {
		return fmt.Errorf("pool: %s has no size", name)
	}
	h.size = size
	h.state = to
	p.hosts[name] = h
	return nil
}

// Where is the host that a unit is on, and the one that it moves to, if it does.
func (p *Pool) Where(name string) (at, to string) {
	if u := p.units[name]; u != nil {
		return u.at, u.to
	}
	return "", ""
}

// Size is what a unit has where it is.
func (p *Pool) Size(name string) calendar.Vector {
	if u := p.units[name]; u != nil {
		return u.size
	}
	return calendar.Vector{}
}

// Place puts a unit on a host with room for it. One that has a place keeps it. The text
// says why there is none.
func (p *Pool) Place(name string, size calendar.Vector) (at, why string) {
	if u := p.units[name]; u != nil {
		return u.at, ""
	}
	if at, why = p.choose(size, ""); at != "" {
		p.settle(name, size, at)
	}
	return at, why
}

// PlaceOn puts a unit on a certain host, if there is room. The text says why it cannot be
// there.
func (p *Pool) PlaceOn(name string, size calendar.Vector, at string) (why string) {
	if p.units[name] != nil {
		return "it has a place"
	}
	if why = p.refuses(at, size); why == "" {
		p.settle(name, size, at)
	}
	return why
}

// Take notes a unit that is on a host already, whatever room there is: it was found
// there. A host that nobody has spoken of is Lost until somebody does.
func (p *Pool) Take(name string, size calendar.Vector, at string) {
	p.Release(name)
	if p.hosts[at] == nil {
		p.hosts[at] = newHost(at, Lost)
	}
	p.settle(name, size, at)
}

// Release forgets a unit.
func (p *Pool) Release(name string) {
	u := p.units[name]
	if u == nil {
		return
	}
	p.hosts[u.at].leave(u, u.size)
	if u.to != "" {
		p.hosts[u.to].leave(u, u.next)
	}
	delete(p.units, name)
}

// Resize gives a unit another size where it is, if there is room, and otherwise reserves
// its new size on another host, to which it has to move first: to is that host. The text
// says why neither is possible; then nothing changed.
func (p *Pool) Resize(name string, size calendar.Vector) (to, why string) {
	u := p.units[name]
	switch {
	case u == nil:
		return "", "it has no place"
	case u.to != "":
		return "", "it is on its way to " + u.to
	}
	h := p.hosts[u.at]
	if size.Fits(h.room().Plus(1, u.size)) || size.Fits(u.size) {
		h.leave(u, u.size)
		u.size = size
		h.enter(u, size)
		return "", ""
	}
	if to, why = p.choose(size, u.at); to == "" {
		return "", fmt.Sprintf("%s has %v left beside it; %s", u.at, h.room(), why)
	}
	p.depart(u, to, size)
	return to, ""
}

// Move reserves a unit's size on another host, which is checked as Place would. The text
// says why it cannot go there.
func (p *Pool) Move(name, to string) (why string) {
	u := p.units[name]
	switch {
	case u == nil:
		return "it has no place"
	case u.to == to || u.at == to && u.to == "":
		return ""
	case u.to != "":
		return "it is on its way to " + u.to
	}
	if why = p.refuses(to, u.size); why == "" {
		p.depart(u, to, u.size)
	}
	return why
}

// Arrived ends a unit's move: it is on the host that it moved to, or, when the move
// failed, where it was.
func (p *Pool) Arrived(name string, moved bool) {
	if u := p.units[name]; u != nil && u.to != "" {
		if moved {
			p.hosts[u.at].leave(u, u.size)
			u.at, u.size = u.to, u.next
		} else {
			p.hosts[u.to].leave(u, u.next)
		}
		u.to = ""
	}
}

// Next is the unit that leaves a draining host next, and where it goes, which is
// reserved. It is empty when the host is empty, when one is under way, or when none has
// a place to go; the text says which have none. The largest go first, while there is
// room for them.
func (p *Pool) Next(from string) (name, to, why string) {
	h := p.hosts[from]
	if h == nil || h.state != Draining {
		return "", "", ""
	}
	var leaving []*unit
	for _, n := range slices.Sorted(maps.Keys(h.units)) {
		u := h.units[n]
		if u.to != "" {
			return "", "", "" // one at a time: a move costs both hosts
		}
		leaving = append(leaving, u)
	}
	slices.SortStableFunc(leaving, func(a, b *unit) int { return b.size.Compare(a.size) })
	for _, u := range leaving {
		if to, _ := p.choose(u.size, from); to != "" {
			p.depart(u, to, u.size)
			return u.name, to, ""
		}
	}
	if len(leaving) > 0 {
		why = fmt.Sprintf("%d units have nowhere to go", len(leaving))
	}
	return "", "", why
}

// Empty reports whether nothing is on a host, and nothing on its way to it.
func (p *Pool) Empty(name string) bool { return p.hosts[name] == nil || len(p.hosts[name].units) == 0 }

// choose is a host with room for one unit, by the packing; not one of that name.
func (p *Pool) choose(size calendar.Vector, not string) (at, why string) {
	var open []*host
	var room []calendar.Vector
	for _, h := range p.ordered() {
		if h.state == Serving && h.name != not {
			open, room = append(open, h), append(room, h.room())
		}
	}
	switch {
	case len(open) == 0 && not == "":
		return "", "no host takes units"
	case len(open) == 0:
		return "", "no other host takes units"
	}
	for _, s := range p.packing(room, size, 1) {
		if s.Host >= 1 && s.Host <= len(open) && s.Units > 0 && size.Fits(room[s.Host-1]) {
			return open[s.Host-1].name, ""
		}
	}
	return "", fmt.Sprintf("none of %d hosts has room for %v", len(open), size)
}

func (p *Pool) ordered() []*host {
	return slices.SortedFunc(maps.Values(p.hosts), func(a, b *host) int { return cmp.Compare(a.name, b.name) })
}
