package scale

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/memory"
)

// Config is one setting of the experiment.
type Config struct {
	Nodes    int          // N: at the site
	PerLease int          // n: nodes in one lease; it divides Nodes
	Term     actors.Cycle // t: length of a lease in ticks; more than Lead
	// Stores opens the store of the actor called name; nil keeps everybody's records
	// in memory.
	Stores func(ctx context.Context, name string) (store.Store, error)
	// Wire lets the actors speak signed SOAP over loopback connections, under the
	// strict profile, instead of calling each other.
	Wire bool
}

// Lead is how many ticks before its start a lease is asked for: the earliest that a
// broker with the legacy margins can serve in time, and a little.
const Lead = 6

// resource is the type of every node.
const resource actors.ResourceType = "site.node"

// A World is one manager, one broker and one site at work. Make it with Open; it is
// used by one goroutine.
type World struct {
	cfg    Config
	cycles actors.Cycles
	clock  *clock.Manual
	cast   [3]*player // manager, broker, site
	byID   map[actors.ActorID]*player
	carry  carrier

	tick   actors.Cycle
	asked  int // leases
	flips  atomic.Int64
	writes atomic.Int64 // records handed to stores

	busy    atomic.Int64  // what was handed over and has not been carried out
	drained chan struct{} // has a token when busy may have become 0
	mu      sync.Mutex
	failure error

	stop   context.CancelFunc
	served sync.WaitGroup
}

// carrier takes the actors' messages to one another.
type carrier interface {
	send(from *player, m actors.Message)
	close() error
}

// player is one actor with its host.
type player struct {
	self    actors.Location
	role    actors.Role
	machine *counted
	host    *host.Host
	store   store.Store
	next    actors.Cycle // of the host's next Tick, as it said when it went to sleep
	woken   bool         // the clock has come to it, and it has not gone back to sleep
}

// counted is a machine that counts the events it was given.
type counted struct {
	actors.Machine
	w     *World
	steps int64 // since the host last went to sleep
}

// Step passes an event on (actors.Machine). In this world nothing is ever refused.
func (c *counted) Step(now actors.Cycle, ev actors.Event) (actors.Effects, error) {
	switch ev := ev.(type) {
	case actors.Tick:
	case actors.ActionsDone:
		c.steps += int64(len(ev.Done))
	default:
		c.steps++
	}
	fx, err := c.Machine.Step(now, ev)
	if err != nil {
		c.w.fail(fmt.Errorf("cycle %d: %T: %w", now, ev, err))
	}
	return fx, err
}

// tallied is a store that counts the records it is given.
type tallied struct {
	store.Store
	w *World
}

// Save keeps the batch (store.Store).
func (s tallied) Save(ctx context.Context, batch []actors.Record) error {
	s.w.writes.Add(int64(len(batch)))
	return s.Store.Save(ctx, batch)
}

// Open makes a world that has not ticked yet. Its site has all its nodes, and its
// broker a ticket for them.
func Open(ctx context.Context, cfg Config) (*World, error) {
	if cfg.Nodes < 1 || cfg.PerLease < 1 || cfg.Nodes%cfg.PerLease != 0 || cfg.Term <= Lead {
		return nil, fmt.Errorf("scale: %d nodes in leases of %d over %d ticks", cfg.Nodes, cfg.PerLease, cfg.Term)
	}
	w := &World{cfg: cfg, byID: map[actors.ActorID]*player{}, drained: make(chan struct{}, 1)}
	// Real clocks date what crosses the wire, and a term that is over for them is
	// not worth sending; virtual time begins now and only runs faster.
	begin := time.Now().Truncate(time.Second)
	w.clock = clock.NewManual(begin)
	w.cycles = actors.Cycles{Begin: clock.Millis(begin), Length: 1000}
	for i, name := range [...]string{"manager", "broker", "site"} {
		p := &player{self: actors.Location{ID: actors.ActorID(actors.DeriveID("scale", name)), Name: name}, role: actors.Role(i + 1), next: actors.Never}
		w.cast[i], w.byID[p.self.ID] = p, p
	}
	var err error
	if cfg.Wire {
		err = w.openWire()
	} else {
		w.carry = local{w}
	}
	if err != nil {
		return nil, err
	}
	machines := [...]actors.Machine{
		manager.New(manager.Config{Rules: manager.Rules{Self: w.cast[0].self.ID, Cycles: w.cycles, Margins: manager.LegacyMargins()}, Broker: w.cast[1].self.ID}),
		broker.New(broker.Config{Self: w.cast[1].self.ID, Cycles: w.cycles, Policy: fcfs.Policy{}}),
		authority.New(authority.Config{Self: w.cast[2].self, Cycles: w.cycles, Policy: firstfit.Policy{}}),
	}
	for i, p := range w.cast {
		if err := w.engage(ctx, p, machines[i]); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	serving, stop := context.WithCancel(context.Background())
	w.stop = stop
	for _, p := range w.cast {
		w.busy.Add(1)
		p.woken = true
		w.served.Go(func() {
			if err := p.host.Serve(serving); !errors.Is(err, context.Canceled) {
				w.fail(err)
			}
		})
	}
	if err := w.introduce(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// engage gives a player its machine, its store and its host.
func (w *World) engage(ctx context.Context, p *player, m actors.Machine) error {
	p.machine = &counted{Machine: m, w: w}
	p.store = memory.New()
	if w.cfg.Stores != nil {
		var err error
		if p.store, err = w.cfg.Stores(ctx, p.self.Name); err != nil {
			return err
		}
	}
	var err error
	log := logrus.New()
	log.SetLevel(logrus.ErrorLevel)
	p.host, err = host.New(ctx, host.Config{Self: p.self, Role: p.role, Machine: p.machine, Store: tallied{p.store, w}, Cycles: w.cycles,
		Clock: w.clock, Look: 1 << 62, Log: log,
		Send: func(m actors.Message) { w.carry.send(p, m) },
		Run:  func(a actors.Action) { w.run(p, a) },
		Idle: func(next actors.Cycle) { w.idle(p, next) },
	})
	return err
}

// run is the null handler: every action succeeds at once.
func (w *World) run(p *player, a actors.Action) {
	if a.Verb == actors.Setup {
		w.flips.Add(1)
	}
	w.deliver(p, actors.ActionDone{Reservation: a.Reservation, Unit: a.Unit.ID, Verb: a.Verb, Sequence: a.Sequence})
}

// deliver gives a player an event.
func (w *World) deliver(p *player, ev actors.Event) {
	w.busy.Add(1)
	p.host.Deliver(ev)
}

// idle hears that a host has carried out what it was given.
func (w *World) idle(p *player, next actors.Cycle) {
	p.next = next
	done := p.machine.steps
	p.machine.steps = 0
	if p.woken {
		p.woken = false
		done++
	}
	w.finish(done)
}

// finish takes n things off the list of what is going on.
func (w *World) finish(n int64) {
	if w.busy.Add(-n) == 0 {
		select {
		case w.drained <- struct{}{}:
		default:
		}
	}
}

// fail keeps the first thing that went wrong.
func (w *World) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure == nil {
		w.failure = err
	}
}

// drain waits until everything has been carried out, and says what went wrong.
func (w *World) drain() error {
	for w.busy.Load() != 0 {
		select {
		case <-w.drained:
		case <-time.After(5 * time.Minute):
			return fmt.Errorf("scale: tick %d does not come to rest; first failure: %w", w.tick, w.failed())
		}
	}
	return w.failed()
}

func (w *World) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// introduce tells the site about its nodes and the broker about its stock.
func (w *World) introduce() error {
	site, br := w.cast[2], w.cast[1]
	hosts := make([]actors.Host, w.cfg.Nodes)
	for i := range hosts {
		hosts[i] = actors.Host{Name: fmt.Sprintf("node%07d", i), Type: resource}
	}
	w.deliver(site, actors.AddHosts{Hosts: hosts})
	export := actors.Export{Holder: br.self.ID, Type: resource, Units: w.cfg.Nodes,
		Term: actors.NewTerm(w.cycles.Begin, w.cycles.Begin+1<<50)}
	w.deliver(site, export)
	t := actors.Ticket{Delegation: authority.Delegate(site.self.ID, export), Authority: site.self, Text: "local"}
	if wire, ok := w.carry.(*wired); ok {
		var err error
		if t, err = wire.grant(t); err != nil {
			return err
		}
	}
	w.deliver(br, actors.Donate{Ticket: t})
	return w.drain()
}

// Ticks moves the world on, tick after tick, each when everything before it has been
// carried out.
func (w *World) Ticks(n actors.Cycle) error {
	for range n {
		w.tick++
		for _, p := range w.cast {
			if p.next <= w.tick {
				p.woken = true
				w.busy.Add(1)
			}
		}
		w.clock.AdvanceTo(clock.Time(w.cycles.Start(w.tick)))
		if w.tick%w.cfg.Term == 0 {
			w.ask()
		}
		if w.busy.Load() != 0 {
			if err := w.drain(); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask requests all nodes for the term that begins Lead ticks from now.
func (w *World) ask() {
	start := w.cycles.Start(w.tick + Lead)
	term := actors.NewTerm(start, start+actors.Millis(w.cfg.Term)*w.cycles.Length-1)
	for range w.cfg.Nodes / w.cfg.PerLease {
		w.asked++
		w.deliver(w.cast[0], actors.Request{Reservation: actors.ReservationID(actors.DeriveID("scale lease", fmt.Sprint(w.asked))),
			Slice: actors.Slice{ID: actors.SliceID(actors.DeriveID("scale slice")), Name: "scale"}, Type: resource, Units: w.cfg.PerLease, Term: term})
	}
}

// Flips is how many nodes have changed hands so far.
func (w *World) Flips() int64 { return w.flips.Load() }

// Writes is how many records the stores have been given so far.
func (w *World) Writes() int64 { return w.writes.Load() }

// Close ends the hosts. The stores stay as they are.
func (w *World) Close() error {
	if w.stop != nil {
		w.stop()
		w.served.Wait()
	}
	var err error
	if w.carry != nil {
		err = w.carry.close()
	}
	for _, p := range w.cast {
		if p.store != nil {
			err = errors.Join(err, p.store.Close())
		}
	}
	return err
}
