package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire/xmlrpc/server"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// Root is the path under which actors are found (wire contract 1.1).
const Root = "/orca/services/"

// Config is what an Endpoint needs. Fields without a stated default are required.
type Config struct {
	Self     keys.Identity      // signs answers; its GUID is the only destination taken
	Location actors.Location    // the actor; its Name is the last part of the path, its URL where its WSDL says it is
	Role     actors.Role        // decides which operations are offered
	Registry *registry.Registry // who may ask, for what, and how they sign
	// Ask hands an event to the actor and returns when its effects are durable,
	// or with the reason why the actor refused it. A host's Ask will do.
	Ask func(context.Context, actors.Event) error

	Clock clock.Clock // nil means the real one
	// Clocks takes in the times that peers write into their requests; nil means nobody
	// does.
	Clocks *clock.Offsets
	Skew   time.Duration // how far a peer's clock may be off; 0 means 2 minutes
	Replay int           // messages remembered to tell repetitions; 0 means 200,000
	// Journal outlives the process with what has been taken from peers that do not
	// date their messages. Without one, a restart forgets it: such peers must not be
	// served then. It belongs to this endpoint.
	Journal *Journal
	// Budget bounds the octets of XML-RPC calls that are held while they arrive. It may
	// be that of other endpoints too; nil means 64 MiB for this one.
	Budget *server.Budget
	Window time.Duration // how long undated messages are remembered; 0 means 24 h
	Room   int           // how many of one peer; 0 means 65,536
	Body   int64         // octets of a request; 0 means 4 MiB
	Checks int           // requests verified at once; 0 means GOMAXPROCS
	Wait   time.Duration // longest time for Ask; 0 means 20 s
	// Trace sees every request when it ends. It is called from several goroutines
	// and must not block. nil means nobody.
	Trace func(Exchange)
	Log   logrus.FieldLogger // nil discards
}

// Exchange is one request as it ended.
type Exchange struct {
	Op      string         // SOAPAction, as far as it was one of ours
	Peer    string         // registered name of the verified peer; empty if there is none
	Message actors.Message // zero unless it was handed to the actor
	Took    time.Duration
	Read    int   // octets of the request
	Err     error // nil when the actor took it
}

// Endpoint serves one actor. It is an http.Handler; make one with New.
type Endpoint struct {
	cfg     Config
	since   time.Time // nothing that was signed before is taken: it may have been seen by a former life
	checks  chan struct{}
	replay  *wssec.Replay // dated messages
	once    *wssec.Once   // undated ones
	strong  wssec.Strength
	noted   sync.Map // GUIDs whose strength is in the journal
	certs   wssec.Certificates
	tickets ticket.Memo
	public  description
	calls   *server.Server // the same actor as XML-RPC

	mu     sync.Mutex
	counts Counts
}

// New makes an Endpoint. What peers dated before this moment is refused, because
// the cache that would tell a replay begins empty; they will sign again. What
// undated messages were taken before, the journal says.
func New(cfg Config) (*Endpoint, error) {
	switch {
	case cfg.Self.Key == nil || cfg.Self.Cert == nil || cfg.Self.GUID == "":
		return nil, errors.New("endpoint: Config.Self has no key, certificate or GUID")
	case cfg.Location.Name == "" || strings.Contains(cfg.Location.Name, "/") || string(cfg.Location.ID) != cfg.Self.GUID:
		return nil, errors.New("endpoint: Config.Location has no usable name, or not the GUID of Self")
	case portOf(cfg.Role) == 0:
		return nil, errors.New("endpoint: Config.Role is none of the three")
	case cfg.Registry == nil || cfg.Ask == nil:
		return nil, errors.New("endpoint: Config needs Registry and Ask")
	case cfg.Skew < 0 || cfg.Replay < 0 || cfg.Body < 0 || cfg.Checks < 0 || cfg.Wait < 0 || cfg.Window < 0 || cfg.Room < 0:
		return nil, errors.New("endpoint: no number in Config may be negative")
	}
	orDefault(&cfg.Skew, 2*time.Minute)
	orDefault(&cfg.Replay, 200_000)
	orDefault(&cfg.Body, 4<<20)
	orDefault(&cfg.Checks, runtime.GOMAXPROCS(0))
	orDefault(&cfg.Wait, 20*time.Second)
	orDefault(&cfg.Window, 24*time.Hour)
	orDefault(&cfg.Room, 1<<16)
	if cfg.Clock == nil {
		cfg.Clock = clock.Real()
	}
	if cfg.Trace == nil {
		cfg.Trace = func(Exchange) {}
	}
	if cfg.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		cfg.Log = silent
	}
	cfg.Log = cfg.Log.WithField("actor", cfg.Location.Name)
	public, err := cfg.describe()
	if err != nil {
		return nil, fmt.Errorf("endpoint: Config.Location: %w", err)
	}
	e := &Endpoint{
		cfg: cfg, public: public, since: cfg.Clock.Now(),
		checks: make(chan struct{}, cfg.Checks), replay: wssec.NewReplay(cfg.Replay, wssec.MaxLifetime+2*cfg.Skew),
		once: wssec.NewOnce(cfg.Room, cfg.Window),
	}
	if err := cfg.Journal.load(e.once, &e.strong, e.since); err != nil {
		return nil, err
	}
	if e.calls, err = e.rpc(); err != nil {
		return nil, err
	}
	e.counts.Taken, e.counts.Refused = make(map[string]int), make(map[string]int)
	return e, nil
}

func orDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}
