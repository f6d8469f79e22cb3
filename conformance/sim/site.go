package sim

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/ldapschema"
)

// site is what an authority's process has besides its machine: package cod, which
// dies and is loaded again with it, and what cod writes to and drives, which
// stays. It is cod/site on the world's clock.
type site struct {
	p    *process
	cfg  cod.Config
	dir  *memdir.Dir
	book books
	rack rack
	away actors.Millis // the directory does not answer before

	machine *cod.Machine // nil until the directory was read
	waiting []actors.Action
	writing map[cod.Token]*writing
	alarm   actors.Millis

	// What the judges know of its disk.
	leases  map[actors.ReservationID]map[actors.UnitID]actors.Unit
	units   map[actors.UnitID]actors.Unit
	onHost  map[string]actors.UnitID
	tickets map[actors.TicketID]actors.ReservationID // that were presented
	served  map[actors.UnitID]bool                   // were reported to be set up
	ended   map[actors.ReservationID]actors.Cycle    // when it began to close a lease, by its clock
	lame    map[actors.UnitID]actors.SliceID         // whose they were that were dropped with their hosts, which are in quarantine
}

// writing is a Write under way.
type writing struct {
	cod.Write
	applied int
}

func newSite(p *process, n int) (*site, error) {
	s := &site{
		p: p, writing: map[cod.Token]*writing{}, leases: map[actors.ReservationID]map[actors.UnitID]actors.Unit{},
		units: map[actors.UnitID]actors.Unit{}, onHost: map[string]actors.UnitID{}, lame: map[actors.UnitID]actors.SliceID{},
		served: map[actors.UnitID]bool{}, ended: map[actors.ReservationID]actors.Cycle{}, tickets: map[actors.TicketID]actors.ReservationID{},
	}
	s.cfg = cod.Config{
		Owner: string(p.ID), Base: ldapschema.DN(fmt.Sprintf("dc=%s,dc=test", p.Name)), Domain: p.Name + ".test",
		Network: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n), 0, 0}), 23), BlockBits: p.w.cfg.Block,
		DriverPatience: 60_000, RetryMost: 5_000,
	}
	s.book = newBooks(s)
	s.rack = rack{s: s, hosts: map[string]*iron{}, calls: map[actors.UnitID]cod.Drive{}}
	for i := range p.w.cfg.Hosts {
		s.rack.hosts[hostName(i)] = &iron{}
	}
	var err error
	if s.dir, err = memdir.New(s.cfg.Base); err != nil {
		return nil, err
	}
	base, err := cod.Base(s.cfg)
	if err != nil {
		return nil, err
	}
	for _, e := range base {
		s.book.base[e.DN.Normal()] = true
	}
	for _, e := range append(base, s.book.strangers()...) {
		if err := s.book.apply(ldapschema.AddEntry(e), outsider); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func hostName(i int) string { return fmt.Sprintf("h%d", i+1) }

// boot reads the directory; actions wait meanwhile.
func (s *site) boot() { s.load(1) }

func (s *site) load(try int) {
	w := s.p.w
	s.p.later(1+w.upTo(w.faults.Lookup), func() {
		if s.lost() {
			s.p.w.trace.add(w.now, "%s cannot read its directory", s.p.Name)
			s.p.later(w.backoff(try), func() { s.load(try + 1) })
			return
		}
		entries, err := s.dir.List(context.Background(), s.cfg.Base)
		if err != nil {
			w.fail(saysLoadable, "%s: %v", s.p.Name, err)
			return
		}
		m, err := cod.New(s.cfg)
		if err != nil {
			w.fail(saysLoadable, "%s: %v", s.p.Name, err)
			return
		}
		if notes := m.Load(entries); len(notes) > 0 {
			w.fail(saysLoadable, "%s: %v", s.p.Name, notes)
		}
		s.machine = m
		s.step(cod.Tick{})
		waiting := s.waiting
		s.waiting = nil
		for _, a := range waiting {
			s.run(a)
		}
	})
}

// crash ends what is under way. A write may have reached the directory all the
// same, and a driver may have done its work.
func (s *site) crash() {
	w := s.p.w
	for _, t := range sortedKeys(s.writing) {
		if wr := s.writing[t]; wr.applied < len(wr.Changes) && w.rnd.IntN(2) == 0 {
			_ = s.book.apply(wr.Changes[wr.applied], ours)
		}
	}
	clear(s.writing)
	s.rack.abandon()
	s.machine, s.waiting, s.alarm = nil, nil, 0
}

// run takes an action of the authority.
func (s *site) run(a actors.Action) {
	if s.machine == nil {
		s.waiting = append(s.waiting, a)
		return
	}
	s.step(cod.Do{Action: a})
}

// owes looks at what waits for the directory to be read.
func (s *site) owes(u actors.Unit) bool {
	return slices.ContainsFunc(s.waiting, func(a actors.Action) bool { return a.Unit.ID == u.ID && a.Sequence == u.Sequence })
}

// step gives cod one event and starts what it asks for.
func (s *site) step(ev cod.Event) {
	w := s.p.w
	fx := s.machine.Step(s.p.local(), ev)
	for _, wr := range fx.Write {
		s.writing[wr.Token] = &writing{Write: wr}
		s.write(s.writing[wr.Token])
	}
	for _, r := range fx.Read {
		s.read(r)
	}
	for _, d := range fx.Drive {
		s.rack.drive(d)
	}
	for _, done := range fx.Report {
		if done.Verb == actors.Setup && done.Code == cod.CodeDone {
			s.served[done.Unit] = true
		}
		w.trace.add(w.now, "%s reports %s of %s #%d: %d %s", s.p.Name, done.Verb, short(done.Unit), done.Sequence, done.Code, done.Note)
		s.p.post(done, nil)
	}
	if fx.Wake != actors.Forever && fx.Wake != s.alarm {
		at := fx.Wake
		s.alarm = at
		s.p.later(min(max(0, at-s.p.local()), longestSleep), func() {
			if s.alarm == at {
				s.alarm = 0
				s.step(cod.Tick{})
			}
		})
	}
}

// write carries out the next change of a Write, and the rest after it.
func (s *site) write(wr *writing) {
	w := s.p.w
	s.p.later(1+w.upTo(w.faults.Lookup), func() {
		o, note := s.change(wr)
		if o == cod.Done && wr.applied < len(wr.Changes) {
			s.write(wr)
			return
		}
		delete(s.writing, wr.Token)
		s.step(cod.Written{Token: wr.Token, Applied: wr.applied, Outcome: o, Note: note})
	})
}

// change applies one change. Either the request or its answer may be lost.
func (s *site) change(wr *writing) (cod.Outcome, string) {
	w := s.p.w
	c := wr.Changes[wr.applied]
	lost := s.lost()
	if lost && w.rnd.IntN(2) == 0 {
		w.trace.add(w.now, "%s: the directory does not hear %v %s", s.p.Name, c.Kind, c.DN)
		return cod.Unavailable, "no answer"
	}
	if w.cfg.mutant == sharesAddress {
		c = s.book.collide(c)
	}
	err := s.book.apply(c, ours)
	w.trace.add(w.now, "%s: %v %s %v", s.p.Name, c.Kind, c.DN, outcomeOf(err))
	if lost {
		w.trace.add(w.now, "%s does not hear of it", s.p.Name)
		return cod.Unavailable, "no answer"
	}
	if err != nil {
		return outcomeOf(err), err.Error()
	}
	wr.applied++
	return cod.Done, ""
}

func (s *site) read(r cod.Read) {
	w := s.p.w
	s.p.later(1+w.upTo(w.faults.Lookup), func() {
		found := cod.Found{Token: r.Token}
		if s.lost() {
			found.Outcome, found.Note = cod.Unavailable, "no answer"
		} else {
			e, err := s.dir.Read(context.Background(), r.DN)
			found.Entry, found.Outcome = e, outcomeOf(err)
			if err != nil {
				found.Note = err.Error()
			}
		}
		s.step(found)
	})
}

// lost reports whether the directory does not answer now.
func (s *site) lost() bool {
	w := s.p.w
	if s.away > w.now || w.chance(w.faults.Away) {
		w.counts.Unavailable++
		return true
	}
	return false
}

// outcomeOf is what cod is told about an error of the directory.
func outcomeOf(err error) cod.Outcome {
	switch {
	case err == nil:
		return cod.Done
	case errors.Is(err, directory.ErrExists):
		return cod.Exists
	case errors.Is(err, directory.ErrNotFound):
		return cod.Missing
	case errors.Is(err, directory.ErrConflict):
		return cod.Conflict
	case errors.Is(err, directory.ErrUnavailable):
		return cod.Unavailable
	}
	return cod.Refused
}
