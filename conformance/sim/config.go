package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manager"
)

// Config says what kind of world is played. The zero value is not playable; Swarm
// and Plain make complete ones.
type Config struct {
	Managers int        // service managers
	Brokers  int        // brokers; sites delegate to the first Direct of them in turn
	Direct   int        // and the others have only what they buy
	Sites    int        // site authorities, each with hosts of a type of its own
	Hosts    int        // per site
	Exports  []int      // units of each delegation that a site makes
	Claims   bool       // brokers fetch what was exported to them, instead of being handed it
	Buys     []Purchase // what brokers buy from each other
	Later    bool       // a site learns of its last host some time after its start
	Leases   int        // reservations the operators ask for in act one
	Groups   int        // and lease groups
	Lead     int        // cycles from a request to its start, at least
	Shortest int        // cycles a term lasts beyond its first, at least
	Batch    int        // events that share one save, at most
	Signed   bool       // messages are sealed and opened by wssec; tickets are signed in every world
	// Calls says who speaks XML-RPC with whom instead of SOAP: nobody, some pairs of
	// actors, or everybody.
	Calls Calls
	// Hasty makes couriers send without waiting for the answer to the message
	// before, as legacy peers do, so that messages overtake each other.
	Hasty bool
	// Liar makes the sites' policies name hosts that are taken, and hosts twice; and the
	// brokers' grant what is not there.
	Liar bool

	Cycle    actors.Millis   // length of a cycle
	Chaos    actors.Millis   // how long act one lasts
	Keep     actors.Cycle    // how long actors remember what is over
	Attempts int             // teardowns before a host is quarantined
	Block    int             // prefix length of a slice's addresses
	Patience actors.Millis   // how long couriers try what is useless
	Margins  manager.Margins // of the managers; Keep is not used
	Late     actors.Cycle    // how long after its end a site closes a lease
	Wait     actors.Cycle    // how long a site waits for all hosts before it takes fewer
	Last     bool            // when all is over, everything is leased once more

	Skew    Skew // of the actors' clocks
	SetBack bool // at a restart a clock counts although the actor has been further (host.Config.SetBack)

	Faults Faults

	script script // of a story; empty in swarms
	mutant mutant // what is broken on purpose; for tests of the judges
}

// Calls is how many pairs of actors speak XML-RPC with one another.
type Calls uint8

// The federations.
const (
	NoCalls   Calls = iota // everybody speaks SOAP
	SomeCalls              // half of all pairs, so that one lease goes over both
	AllCalls
)

// Purchase is what one broker buys from another, to sell it on. Brokers and sites are
// counted from 0.
type Purchase struct {
	From, By int
	Site     int          // whose hosts
	Units    int          // at a time
	Cycles   actors.Cycle // length of each term
	Standing bool         // it is renewed, and asked for anew
}

// Skew is how wrong clocks are. Each actor has its own.
type Skew struct {
	Most  actors.Millis // a clock is never further from the world's time than this
	Drift int           // it gains or loses up to so many milliseconds in a thousand seconds
	Jump  int           // per second: one of them is set, to anything within Most
}

// Faults is what goes wrong in act one. Chances are in thousandths, durations are
// the longest possible.
type Faults struct {
	Drop     int           // a message is lost
	Lost     int           // an answer is lost
	Repeat   int           // a message arrives twice, perhaps much later
	Delay    actors.Millis // a message or answer takes up to this long
	Cut      int           // per second: two actors cannot reach each other for a while
	Crash    int           // per batch: the process dies somewhere in it
	PowerCut int           // per second: a process dies while it waits
	Store    int           // per save: the disk refuses it, or takes it and says that it did not
	Full     int           // per second: a disk refuses everything for a while
	Stall    int           // per batch: the process stands still for a while
	Work     actors.Millis // a handler takes up to this long
	Setup    int           // a setup fails
	Teardown int           // a teardown fails
	Join     int           // a join or leave fails
	Unready  int           // a driver says "not yet"
	Hang     int           // a handler does not come back until its time is over
	Lookup   actors.Millis // a directory operation takes up to this long
	Away     int           // a directory operation, or its answer, is lost
	Outage   int           // per second: a directory is away for a while
	Close    int           // a reservation is closed early by somebody, and again; holdings too
	Extend   int           // a reservation is extended by hand
	Modify   int           // a lease is modified, and again
	Meddle   int           // per second: somebody edits a directory
	Attack   int           // per second: somebody forges a message
	Aside    int           // per second: the broker sells behind its books
}

// check says why no world can be played from c, or nil.
func (c Config) check() error {
	if c.Managers < 1 || c.Managers > mostManagers || c.Sites < 1 || c.Sites > mostSites ||
		c.Direct < 1 || c.Brokers < c.Direct || c.Brokers > mostBrokers {
		return fmt.Errorf("sim: a federation has 1 to %d managers, 1 to %d sites and 1 to %d brokers, some of which have direct stock",
			mostManagers, mostSites, mostBrokers)
	}
	for _, b := range c.Buys {
		if b.From < 0 || b.By < 0 || b.From >= c.Brokers || b.By >= c.Brokers || b.From == b.By || b.Site < 0 || b.Site >= c.Sites ||
			b.Units < 1 || b.Cycles < 1 {
			return fmt.Errorf("sim: no broker can make the purchase %+v", b)
		}
	}
	if c.Hosts < 1 || len(c.Exports) == 0 || c.Cycle < 1 || c.Batch < 1 {
		return errors.New("sim: a world needs hosts, exports, a cycle and a batch of 1 at least")
	}
	return nil
}

// Plain is a world of one manager, one broker and one site in which nothing goes
// wrong and nobody asks for anything: stories build on it.
func Plain() Config {
	return Config{
		Managers: 1, Brokers: 1, Direct: 1, Sites: 1, Hosts: 4, Exports: []int{4}, Batch: 1, Cycle: 1000, Chaos: 60_000, Keep: 30, Attempts: 3, Block: 28,
		Patience: 60_000, Margins: manager.LegacyMargins(), Last: true,
	}
}

// Swarm draws a world from its seed. Each kind of fault is absent in half of all
// worlds, so that worlds differ in kind and not only in detail.
func Swarm(seed uint64) Config {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	maybe := func(most int) int { return r.IntN(2) * r.IntN(most+1) }
	long := func(most int) actors.Millis { return actors.Millis(1 + maybe(most)) }
	margins := manager.LegacyMargins()
	if r.IntN(2) == 0 {
		margins = manager.Margins{
			Redeem: actors.Cycle(1 + r.IntN(3)), Renew: actors.Cycle(2 + r.IntN(5)), Close: actors.Cycle(r.IntN(3)),
			Retry: actors.Cycle(1 + r.IntN(4)), RetryMax: 16, Grace: actors.Cycle(1 + r.IntN(10)),
		}
	}
	hosts := 1 + r.IntN(6)
	aside := 0 // in few worlds, so that in most nobody may be accused of anything
	if seed%8 == 5 {
		aside = 200
	}
	exports := [][]int{{max(1, hosts-1)}, {hosts}, {hosts + 2}, {(hosts + 1) / 2, (hosts + 2) / 2}}[r.IntN(4)]
	cfg := Config{
		Managers: 1 + r.IntN(mostManagers), Sites: 1 + r.IntN(mostSites), Hosts: hosts, Exports: exports, Later: r.IntN(2) == 0,
		Leases: 1 + r.IntN(8), Shortest: 1,
		Batch: 1 + r.IntN(4), Signed: r.IntN(8) == 0, Hasty: r.IntN(4) == 0, Liar: r.IntN(4) == 0,
		Cycle: []actors.Millis{300, 1000, 1000, 3000}[r.IntN(4)], Chaos: actors.Millis(20_000 + r.IntN(60_000)),
		Keep: []actors.Cycle{20, 60, 600}[r.IntN(3)], Attempts: 2 + r.IntN(4), Block: 28,
		Patience: actors.Millis(5_000 + r.IntN(60_000)), Last: r.IntN(3) == 0,
		Margins: margins, Late: actors.Cycle(1 + maybe(3)), Wait: actors.Cycle(1 + r.IntN(8)),
		Faults: Faults{
			Drop: maybe(200), Lost: maybe(200), Repeat: maybe(200), Delay: long(4_000), Cut: maybe(50),
			Crash: maybe(200), PowerCut: maybe(50), Stall: maybe(40), Store: maybe(150), Full: maybe(20),
			Work: long(6_000), Setup: maybe(300), Teardown: maybe(400), Join: maybe(200), Unready: maybe(300), Hang: maybe(60),
			Lookup: long(500), Away: maybe(100), Outage: maybe(30),
			Close: maybe(600), Extend: maybe(600), Modify: maybe(600), Meddle: maybe(400), Attack: maybe(600), Aside: aside,
		},
		Skew: Skew{Most: []actors.Millis{0, 0, 500, 3_000, 20_000}[r.IntN(5)], Drift: maybe(500), Jump: maybe(60)},
	}
	cfg.Groups = r.IntN(2) * r.IntN(3)
	cfg.Brokers, cfg.Claims = 1+r.IntN(2)*r.IntN(mostBrokers), r.IntN(2) == 0
	cfg.Direct = 1 + r.IntN(cfg.Brokers)
	for by := 1; by < cfg.Brokers; by++ {
		for range 1 + r.IntN(2) {
			cfg.Buys = append(cfg.Buys, Purchase{From: r.IntN(by), By: by, Site: r.IntN(cfg.Sites), Units: 1 + r.IntN(hosts),
				Cycles: actors.Cycle(8 + r.IntN(40)), Standing: r.IntN(4) > 0})
		}
	}
	cfg.SetBack = r.IntN(3) == 0
	cfg.Calls = Calls(r.IntN(3))
	return cfg
}

// calm is what remains of the faults when they are over: time still passes.
func (f Faults) calm() Faults {
	return Faults{Delay: min(f.Delay, 20), Work: min(f.Work, 300), Lookup: min(f.Lookup, 10)}
}
