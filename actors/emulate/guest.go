package emulate

import (
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// guest is what is seen of one manager's leases from outside: what it asks for, the
// tickets it gets, and its reservations' moves. What it leases is its policy's
// business; see package adaptive.
type guest struct {
	Manager
	broker actors.ActorID
	slice  actors.Slice
	demand []int // at each sample
	leases []*lease
	byID   map[actors.ReservationID]*lease
	met    meter // units that can be used
	leased int64 // unit cycles that tickets covered, of leases that are over
	counts Counts
	cycles actors.Cycles
}

// lease is one reservation from its request to its end.
type lease struct {
	id      actors.ReservationID
	units   int
	term    actors.Term
	granted bool
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
	return g
}

// settings is what the guest's policy is told.
func (m Manager) settings(sample Length) policy.GuestSettings {
	millis := func(l Length) actors.Millis { return actors.Millis(int64(l) / 1e6) }
	s := policy.GuestSettings{Units: m.Units, Term: millis(m.Term), Lead: millis(m.Lead), Chunk: m.Chunk, Renew: m.Renew,
		Return: m.Surplus == "return", Least: m.Least, Most: m.Most, PerUnit: m.PerUnit}
	if f := m.Filter; f != nil {
		s.Filter = &policy.Filter{Window: max(int(f.Window/sample), 1), Step: f.Step, Damping: f.Damping}
	}
	return s
}

// said takes what the manager tells a broker.
func (g *guest) said(m actors.Message) {
	if m.Op != actors.OpTicket || g.byID[m.Reservation] != nil {
		return
	}
	g.counts.Requests++
	l := &lease{id: m.Reservation, units: m.Units, term: m.Term}
	g.leases, g.byID[l.id] = append(g.leases, l), l
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
		return
	}
	switch {
	case !l.granted:
		g.counts.Granted++
	case m.Ticket.Term.End > l.term.End:
		g.counts.Extended++
	}
	l.granted = true
	l.units, l.term = m.Ticket.Units, m.Ticket.Term
}

// moved takes a move of one of the manager's reservations.
func (g *guest) moved(m actors.Transition, now actors.Cycle) {
	l := g.byID[m.Reservation]
	if l == nil {
		return
	}
	if m.Why == "asked to close" && l.granted { // its policy gives it back before its term is over
		g.counts.Returned++
		g.drop(l, g.cycles.Start(now))
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
		if !l.term.Contains(at) {
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
