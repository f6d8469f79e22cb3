package emulate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// guest follows a demand with leases. It sees what its manager sees: the tickets
// that arrive, and its reservations' moves.
type guest struct {
	Manager
	broker actors.ActorID
	slice  actors.Slice
	demand []int // as the trace has it, at each sample
	target []int // as the guest follows it
	leases []*lease
	byID   map[actors.ReservationID]*lease
	asked  int
	met    meter // units that can be used
	leased int64 // unit cycles that tickets covered, of leases that are over
	counts Counts
	cycles actors.Cycles
}

// lease is one reservation from its request to its end.
type lease struct {
	id        actors.ReservationID
	units     int
	term      actors.Term
	granted   bool
	extending bool
}

// Counts is what became of a guest's requests.
type Counts struct {
	Requests int `json:"made"`
	Granted  int `json:"granted"`
	Refused  int `json:"refused"`
	Extended int `json:"extended"` // times a lease was
	Returned int `json:"returned"` // before their terms were over
}

func newGuest(w *world, i int, self, broker actors.ActorID) *guest {
	m := w.Managers[i]
	g := &guest{Manager: m, broker: broker, byID: map[actors.ReservationID]*lease{}, cycles: w.cycles,
		slice: actors.Slice{ID: actors.SliceID(self), Name: m.Name}}
	g.demand = m.Demand.samples(int((w.Length+w.Sample-1)/w.Sample), w.Sample, w.Seed, i)
	g.target = g.demand
	if m.Filter != nil {
		g.target = m.Filter.smooth(g.demand, w.Sample)
	}
	return g
}

// covers reports whether a lease covers an instant.
func (l *lease) covers(at actors.Millis) bool { return l.term.Contains(at) }

// follow asks for what will be missing when a lease requested now begins, and
// gives back what is too much now.
func (g *guest) follow(w *world, now actors.Cycle) {
	g.forget(w.cycles.Start(now))
	self := w.byID[actors.ActorID(g.slice.ID)]
	want := g.target[now/actors.Cycle(w.Sample/w.Cycle)]
	begin := w.cycles.Start(now + max(actors.Cycle(g.Lead/w.Cycle), 1))
	length := actors.Millis(int64(g.Term) / 1e6)
	missing := want
	for _, l := range g.leases {
		if l.covers(begin) || l.extending {
			missing -= l.units
		}
	}
	for _, l := range g.leases {
		if g.Renew && missing > 0 && l.granted && !l.extending && l.term.End < begin {
			l.extending = true
			missing -= l.units
			w.send(self, actors.Extend{Reservation: l.id, End: l.term.End + length})
		}
	}
	for missing > 0 {
		g.asked++
		g.counts.Requests++
		l := &lease{id: actors.ReservationID(actors.DeriveID("lease", g.Name, fmt.Sprint(g.asked))), units: min(missing, g.Chunk),
			term: actors.NewTerm(begin, begin+length-1)}
		missing -= l.units
		g.leases, g.byID[l.id] = append(g.leases, l), l
		w.send(self, actors.Request{Reservation: l.id, Slice: g.slice, Type: actors.ResourceType(g.Type), Units: l.units,
			Term: l.term, Request: actors.Properties(g.Request)})
	}
	if g.Surplus == "return" {
		g.giveBack(w, self, now, want)
	}
}

// giveBack closes the newest leases that are not needed.
func (g *guest) giveBack(w *world, self *player, now actors.Cycle, want int) {
	surplus := -want
	at := w.cycles.Start(now)
	for _, l := range g.leases {
		if l.covers(at) {
			surplus += l.units
		}
	}
	for _, l := range slices.Backward(slices.Clone(g.leases)) {
		if l.granted && l.covers(at) && l.units <= surplus {
			surplus -= l.units
			g.counts.Returned++
			g.drop(l, at)
			w.send(self, actors.Close{Reservation: l.id})
		}
	}
}

// forget drops leases whose terms are over.
func (g *guest) forget(at actors.Millis) {
	for _, l := range slices.Clone(g.leases) {
		if l.term.End < at {
			g.drop(l, at)
		}
	}
}

// drop takes a lease off the books and adds up what its ticket covered until at.
func (g *guest) drop(l *lease, at actors.Millis) {
	delete(g.byID, l.id)
	g.leases = slices.DeleteFunc(g.leases, func(o *lease) bool { return o == l })
	if end := min(at, l.term.End+1); l.granted && end > l.term.Start {
		g.leased += int64(l.units) * int64((end-l.term.Start)/g.cycles.Length)
	}
}

// heard takes what a broker tells the manager.
func (g *guest) heard(m actors.Message) {
	l := g.byID[m.Reservation]
	if m.Op != actors.OpUpdateTicket || l == nil {
		return
	}
	if m.Failed || m.Ticket == nil {
		l.extending = false
		return
	}
	switch {
	case !l.granted:
		g.counts.Granted++
	case m.Ticket.Term.End > l.term.End:
		g.counts.Extended++
	}
	l.granted, l.extending = true, false
	l.units, l.term = m.Ticket.Units, m.Ticket.Term
}

// moved takes a move of one of the manager's reservations.
func (g *guest) moved(m actors.Transition, now actors.Cycle) {
	l := g.byID[m.Reservation]
	if l == nil {
		return
	}
	if strings.HasPrefix(m.To, actors.Failed.String()) || strings.HasPrefix(m.To, actors.Closed.String()) {
		if !l.granted {
			g.counts.Refused++
		}
		g.drop(l, g.cycles.Start(now)) // its ticket has been given back
	}
}

// sums is what the leases that cover an instant come to: asked for and granted,
// and granted.
func (g *guest) sums(at actors.Millis) (requested, leased int) {
	for _, l := range g.leases {
		if !l.covers(at) {
			continue
		}
		requested += l.units
		if l.granted {
			leased += l.units
		}
	}
	return requested, leased
}

func (g *guest) count(id actors.UnitID, now actors.Cycle, up bool) { g.met.count(id, now, up) }

// rack is the nodes of a site, as its drivers see them.
type rack struct {
	Site
	met meter
}

func (r *rack) count(id actors.UnitID, now actors.Cycle, up bool) { r.met.count(id, now, up) }

// meter counts units and adds up how long there were how many.
type meter struct {
	up    map[actors.UnitID]bool
	since actors.Cycle
	time  int64 // unit cycles until since
}

func (m *meter) count(id actors.UnitID, now actors.Cycle, up bool) {
	if m.up == nil {
		m.up = map[actors.UnitID]bool{}
	}
	m.advance(now)
	if up {
		m.up[id] = true
	} else {
		delete(m.up, id)
	}
}

func (m *meter) advance(now actors.Cycle) {
	m.time += int64(len(m.up)) * int64(now-m.since)
	m.since = now
}
