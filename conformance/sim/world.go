package sim

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
	"github.com/leasehold/leasehold/wssec"
)

// begin is when every world begins; cycle 0 of its actors does so too.
const begin actors.Millis = 1_700_000_000_000

// world is one play of one seed.
type world struct {
	seed    uint64
	cfg     Config
	faults  Faults // those of the present act
	skew    Skew   // likewise
	calm    bool
	now     actors.Millis
	queue   queue
	rnd     *rand.Rand
	stage   *stage
	cast    cast
	procs   []*process // in the order of the cast
	byID    map[actors.ActorID]*process
	brokers []*process
	sites   []*site
	siteOf  map[actors.ActorID]*site

	certs wssec.Certificates
	cuts  map[[2]int]actors.Millis // pairs that cannot reach each other, and until when
	taps  []tapped

	renewed  []*wish
	bought   map[boughtKey]*bought
	buyer    map[actors.ReservationID]*process             // of holdings, by their buyers' names for them
	wire     map[actors.ReservationID]actors.ReservationID // those names, by the sellers'
	joints   joints
	afters   map[string][]actors.Predecessor // "manager reservation"
	closed   map[string]bool                 // "actor reservation" that operators asked to be closed
	aside    map[actors.ActorID]int          // tickets that brokers sold behind their books
	exported []actors.Ticket                 // what sites delegated to brokers
	latest   actors.Millis                   // end of the last term anybody was granted or asked for

	trace    trace
	counts   Counts
	spoken   map[spoken]int
	failure  *Failure
	legal    map[actors.Role]map[string]bool
	said     map[string]said
	pasts    map[string]past              // "actor reservation"
	forgot   map[string]bool              // "actor key" of records that were removed
	accounts map[actors.TicketID]*account // of grants, by the delegation they come from
	shares   map[actors.TicketID]*account // of leases, by the site's own delegation
	expected []byte                       // what a restart must show
}

func newWorld(seed uint64, cfg Config, on *stage) (*world, error) {
	w := &world{
		spoken: map[spoken]int{},
		seed:   seed, cfg: cfg, faults: cfg.Faults, skew: cfg.Skew, now: begin, rnd: rand.New(rand.NewPCG(seed, 0xfede)),
		byID: map[actors.ActorID]*process{}, siteOf: map[actors.ActorID]*site{}, cuts: map[[2]int]actors.Millis{},
		closed: map[string]bool{}, legal: legalMoves(), said: map[string]said{}, pasts: map[string]past{},
		joints: newJoints(), afters: map[string][]actors.Predecessor{}, buyer: map[actors.ReservationID]*process{}, wire: map[actors.ReservationID]actors.ReservationID{},
		bought: map[boughtKey]*bought{}, aside: map[actors.ActorID]int{},
		forgot: map[string]bool{}, accounts: map[actors.TicketID]*account{}, shares: map[actors.TicketID]*account{},
	}
	w.trace.each = cfg.script.each
	w.stage, w.cast = on, on.cast(cfg.Managers, cfg.Brokers, cfg.Sites)
	for i := range w.cast.members {
		if err := w.enter(&w.cast.members[i]); err != nil {
			return nil, err
		}
	}
	for _, s := range w.sites {
		if err := w.endow(s); err != nil {
			return nil, err
		}
	}
	for i, b := range cfg.Buys {
		w.stockUp(i, b)
	}
	for _, p := range w.procs {
		p.start()
	}
	if cfg.mutant == readsMapOrder {
		for id := range w.byID {
			w.trace.add(w.now, "%s", id)
		}
	}
	return w, nil
}

// enter gives a member of the cast its process.
func (w *world) enter(m *member) error {
	p := &process{member: m, w: w, disk: disk{}, index: len(w.procs), durable: reached{ticked: -1}}
	w.setClock(p)
	w.procs = append(w.procs, p)
	w.byID[m.ID] = p
	switch m.role {
	case actors.RoleManager:
		p.hands = &guest{p: p}
		margins := w.cfg.Margins
		margins.Keep = w.cfg.Keep
		p.fresh = func() actors.Machine {
			return manager.New(manager.Config{Rules: manager.Rules{Self: m.ID, Cycles: w.cycles(), Margins: margins, Paging: w.paging()}, Broker: w.brokers[0].ID})
		}
	case actors.RoleBroker:
		w.brokers = append(w.brokers, p)
		p.hands = idle{p}
		var allots policy.Broker = fcfs.Policy{}
		if w.cfg.Liar {
			allots = boaster{allots}
		}
		p.fresh = func() actors.Machine {
			return broker.New(broker.Config{Self: m.ID, Cycles: w.cycles(), Policy: allots, Keep: w.cfg.Keep})
		}
	case actors.RoleAuthority:
		s, err := newSite(p, len(w.sites)+1)
		if err != nil {
			return err
		}
		p.hands = s
		w.sites = append(w.sites, s)
		w.siteOf[m.ID] = s
		p.fresh = func() actors.Machine {
			return authority.New(authority.Config{
				Self: m.Location, Cycles: w.cycles(), Policy: watcher{firstfit.Policy{}, s}, Keep: w.cfg.Keep, Attempts: w.cfg.Attempts,
				Late: w.cfg.Late, Patience: w.cfg.Wait, Paging: w.paging(),
			})
		}
	}
	return nil
}

// paging lets every other seed keep the units of leases of three and more in records
// of their own, as those of large leases are.
func (w *world) paging() actors.Paging {
	if w.seed%2 == 0 {
		return actors.Paging{}
	}
	return actors.Paging{Page: 2, Whole: 2}
}

// endow gives a site its hosts and makes its delegations to brokers: what their
// configurations declare at every start.
func (w *world) endow(s *site) error {
	hosts := make([]actors.Host, w.cfg.Hosts)
	for i := range hosts {
		hosts[i] = actors.Host{Name: hostName(i), Type: s.kind(), Properties: actors.Properties{"rack": "r1"}}
	}
	if first := len(hosts) - 1; w.cfg.Later && first > 0 {
		s.p.chores = []actors.Event{actors.AddHosts{Hosts: hosts[:first]}}
		w.after(w.upTo(w.cfg.Chaos), func() { w.ask(s.p, actors.AddHosts{Hosts: hosts[first:]}, nil) })
	} else {
		s.p.chores = []actors.Event{actors.AddHosts{Hosts: hosts}}
	}
	for i, units := range w.cfg.Exports {
		b := w.brokers[i%w.cfg.Direct]
		export := actors.Export{
			Holder: b.ID, Type: s.kind(), Units: units, Term: actors.NewTerm(begin, begin+24*60*60*1000+actors.Millis(i)),
		}
		d := authority.Delegate(s.p.ID, export)
		t, err := w.export(s.p.member, d)
		if err != nil {
			return err
		}
		w.delegated(d)
		w.exported = append(w.exported, t)
		if w.cfg.mutant == sellsMore {
			t.Units++
		}
		s.p.chores = append(s.p.chores, export)
		if w.cfg.Claims && w.cfg.mutant != sellsMore {
			b.chores = append(b.chores, actors.Claim{Reservation: actors.ReservationID(d.ID), Authority: s.p.ID})
		} else {
			b.chores = append(b.chores, actors.Donate{Ticket: t})
		}
	}
	return nil
}

// cycles is how the actors divide time.
func (w *world) cycles() actors.Cycles { return actors.Cycles{Begin: begin, Length: w.cfg.Cycle} }

// after arranges something.
func (w *world) after(d actors.Millis, do func()) { w.queue.add(w.now+d, do) }

// chance comes true so many times in a thousand.
func (w *world) chance(permille int) bool { return permille > 0 && w.rnd.IntN(1000) < permille }

// upTo is a duration from 0 to most.
func (w *world) upTo(most actors.Millis) actors.Millis {
	if most <= 0 {
		return 0
	}
	return actors.Millis(w.rnd.Int64N(int64(most) + 1))
}

func (w *world) nameOf(id actors.ActorID) string {
	if p := w.byID[id]; p != nil {
		return p.Name
	}
	return string(id)
}

// sortedKeys is the one order in which the world walks through a map.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
