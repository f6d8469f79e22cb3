package sim

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
)

// Report is how a world went.
type Report struct {
	Seed   uint64
	Hash   uint64  // of everything that happened
	Lasted float64 // seconds of the world's time
	Counts Counts
	spoken map[spoken]int     // messages that were taken
	joint  map[string]float64 // the joint states of reservations, and the second of the first of each
}

// spoken is an operation, in XML-RPC or in SOAP.
type spoken struct {
	op    wire.Op
	calls bool
}

// Counts is how often things happened, so that a swarm in which something never
// does is noticed.
type Counts struct {
	Steps       int // things that happened
	Moves       int // of reservations, at all actors
	Messages    int // attempts at a message
	Dropped     int // of these, lost
	Lost        int // answers lost
	Repeated    int // messages that arrived twice
	Refused     int // messages answered with a fault
	GivenUp     int // messages a sender was told to have failed
	Declined    int // wishes of operators that were refused
	Crashes     int
	Stalls      int
	Cuts        int // pairs of actors separated
	Outages     int // of directories
	Unavailable int // directory operations or answers lost
	Changes     int // to directories
	Modified    int // modifies that ended
	Jumps       int // of clocks
	Unsaved     int // saves that failed
	Hangs       int // handlers that did not come back in time
	Bought      int // tickets brokers got from brokers
	Prolonged   int // of these, how often one was extended
	Edits       int // by operators, to directories
	Attacks     int // forgeries tried
	Aside       int // tickets sold behind a broker's books
	Proofs      int // of overselling, that somebody keeps
	Leases      int // redeemed by managers
	Extended    int // of these, how often a site extended one
	Measured    int // looks at what is known of a peer's clock
}

// Add sums up.
func (c *Counts) Add(o Counts) {
	for i, v := range o.fields() {
		*c.fields()[i] += *v
	}
}

func (c *Counts) fields() []*int {
	return []*int{
		&c.Steps, &c.Moves, &c.Messages, &c.Dropped, &c.Lost, &c.Repeated, &c.Refused, &c.GivenUp, &c.Declined, &c.Crashes,
		&c.Stalls, &c.Cuts, &c.Outages, &c.Unavailable, &c.Changes, &c.Edits, &c.Attacks, &c.Aside, &c.Proofs, &c.Leases, &c.Extended,
		&c.Modified, &c.Jumps, &c.Unsaved, &c.Hangs, &c.Bought, &c.Prolonged, &c.Measured,
	}
}

// mostSteps is more than any world needs that comes to rest.
const mostSteps = 1_000_000

// Run plays one world through its acts and reports on it. An error is a *Failure
// when the world broke a sentence. The same arguments always give the same answer.
func Run(seed uint64, cfg Config) (Report, error) {
	on, err := newStage()
	if err != nil {
		return Report{}, err
	}
	return run(seed, cfg, on)
}

func run(seed uint64, cfg Config, on *stage) (Report, error) {
	if err := cfg.check(); err != nil {
		return Report{}, err
	}
	w, err := newWorld(seed, cfg, on)
	if err != nil {
		return Report{}, err
	}
	w.play()
	r := Report{Seed: seed, Hash: w.trace.hash, Lasted: seconds(w.now), Counts: w.counts, spoken: w.spoken, joint: w.joints.seen}
	if w.failure != nil {
		w.failure.Trace = w.trace.last()
		return r, w.failure
	}
	return r, nil
}

// slack is how long after the last term everything must be over: the managers'
// grace, the sites' patience and the pauses between tries.
func (w *world) slack() actors.Millis { return 60_000 + 200*w.cfg.Cycle + 2*w.cfg.Skew.Most }

// play is the acts.
func (w *world) play() {
	w.latest = begin + w.cfg.Chaos
	var lasts []last
	chaosEnds := func() actors.Millis { return begin + w.cfg.Chaos }
	allOver := func() actors.Millis { return w.latest + w.slack() }
	lastOver := func() actors.Millis { return w.latest - 5*w.cfg.Cycle }
	forgotten := func() actors.Millis { return allOver() + actors.Millis(w.cfg.Keep+5)*w.cfg.Cycle }
	for _, act := range []struct {
		name   string
		begins func()
		ends   func() actors.Millis
		judge  func()
	}{
		{"chaos", w.plan, chaosEnds, nil},
		{"calm", w.calmDown, allOver, w.judgeRest},
		{"the last lease", func() { lasts = w.lastLeases() }, lastOver, func() { w.judgeLastLeases(lasts) }},
		{"its end", nil, allOver, w.judgeRest},
		{"oblivion", nil, forgotten, w.judgeOblivion},
	} {
		w.trace.add(w.now, "%s", act.name)
		if act.begins != nil {
			act.begins()
		}
		w.until(act.ends)
		if act.judge != nil && w.failure == nil {
			act.judge()
		}
		if w.failure != nil {
			return
		}
	}
}

// calmDown ends the faults, and the leases that would go on for ever.
func (w *world) calmDown() {
	w.calm, w.faults, w.skew = true, w.cfg.Faults.calm(), Skew{Most: min(w.cfg.Skew.Most, w.cfg.Cycle/4)}
	for _, p := range w.procs {
		w.setClock(p)
		p.full = 0
	}
	for _, s := range w.sites {
		s.away = 0
	}
	for _, r := range w.renewed {
		w.end(r)
	}
	w.sellOut()
}

// until lets things happen up to an instant that may move as they do.
func (w *world) until(end func() actors.Millis) {
	for w.failure == nil && len(w.queue.items) > 0 && w.queue.items[0].at <= end() {
		h := w.queue.next()
		w.now = h.at // time moves only here
		h.do()
		if w.counts.Steps++; w.counts.Steps > mostSteps {
			w.fail(saysPeace, "it goes on after %d steps", mostSteps)
		}
	}
	if w.failure == nil {
		w.now = max(w.now, end())
	}
}
