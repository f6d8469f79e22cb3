package remote

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// Config is what a Remote needs. Fields without a stated default are required.
type Config struct {
	Self     keys.Identity      // signs messages and tickets; its GUID is the actor's
	Location actors.Location    // own name, and the URL that answers should be sent to
	Registry *registry.Registry // where peers are, their keys, and how they sign
	// Failed hears that a message was given up. It is called from one goroutine
	// at a time and may block; Send never waits for it.
	Failed func(actors.SendFailed)

	// Strength remembers which peers have answered without SHA-1, from whom SHA-1 is not
	// taken again (wssec A13); nil means for as long as the Remote lives. Stronger hears
	// that a peer is one of them from now on, to make that durable; it may be called
	// from several goroutines. nil means nobody.
	Strength *wssec.Strength
	Stronger func(guid string)

	// Clocks takes in the times that peers write into their answers; nil means nobody
	// does.
	Clocks *clock.Offsets

	// Calls is where peers that speak XML-RPC should send their answers; empty means the
	// usual form of Location's URL.
	Calls string

	Client *http.Client  // nil means one with TLS defaults, no proxy and the time limit below
	Limit  time.Duration // longest a single attempt may take; 0 means 30 s
	Clock  clock.Clock   // nil means the real one
	// NewID makes message ids, each one once; nil means random UUIDs.
	NewID func() string
	// Chance gives numbers in [0, 1) that spread retries; nil means the runtime's.
	Chance func() float64
	// Trace sees every attempt when it ends, those of one reservation in order. It is
	// called from several goroutines and must not block. nil means nobody.
	Trace func(Attempt)
	Log   logrus.FieldLogger // nil discards

	Retry    Backoff       // see its fields
	Patience time.Duration // how long the useless is tried, see the package comment; 0 means one hour
	Queue    int           // messages that may wait for one peer; 0 means 4096
	Parallel int           // messages under way to one peer, each of another reservation; 0 means 8
	Life     time.Duration // how long a sealed message is good for; 0 means 5 minutes
	Skew     time.Duration // how far a peer's clock may be off; 0 means 2 minutes
}

// Attempt is one try at delivering a message.
type Attempt struct {
	Message actors.Message // with the ID this attempt had on the wire
	Peer    string         // its name
	Try     int            // counted from 1
	Took    time.Duration
	Sent    int   // octets of the request; 0 when there was nothing to send
	Err     error // nil when delivered
	Final   bool  // delivered or given up
}

// complete checks what is required and fills in the defaults.
func (c *Config) complete() error {
	switch {
	case c.Self.Key == nil || c.Self.Cert == nil || c.Self.GUID == "":
		return errors.New("remote: Config.Self has no key, certificate or GUID")
	case c.Location.Name == "" || string(c.Location.ID) != c.Self.GUID:
		return errors.New("remote: Config.Location has no name, or not the GUID of Self")
	case c.Registry == nil || c.Failed == nil:
		return errors.New("remote: Config needs Registry and Failed")
	case c.Queue < 0 || c.Parallel < 0 || c.Patience < 0 || c.Limit < 0 || c.Life < 0 || c.Skew < 0:
		return errors.New("remote: Config.Queue, Parallel, Patience, Limit, Life and Skew are not negative")
	}
	if c.Life > wssec.MaxLifetime {
		return fmt.Errorf("remote: Config.Life is over the limit of %v", wssec.MaxLifetime)
	}
	c.Calls = cmp.Or(c.Calls, leasing.Address(c.Location.URL))
	orDefault(&c.Limit, 30*time.Second)
	orDefault(&c.Patience, time.Hour)
	orDefault(&c.Life, 5*time.Minute)
	orDefault(&c.Skew, 2*time.Minute)
	orDefault(&c.Queue, 4096)
	orDefault(&c.Parallel, 8)
	c.Retry = c.Retry.complete()
	if c.Clock == nil {
		c.Clock = clock.Real()
	}
	if c.NewID == nil {
		c.NewID = randomUUID
	}
	if c.Chance == nil {
		c.Chance = mathrand.Float64
	}
	if c.Strength == nil {
		c.Strength = new(wssec.Strength)
	}
	if c.Stronger == nil {
		c.Stronger = func(string) {}
	}
	if c.Trace == nil {
		c.Trace = func(Attempt) {}
	}
	if c.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		c.Log = silent
	}
	c.Log = c.Log.WithField("actor", c.Location.Name)
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Parallel, IdleConnTimeout: 90 * time.Second, DisableCompression: true}}
	if c.Client != nil {
		client = *c.Client
	}
	// A redirect is an address that the peer, or somebody on the way, made up.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Client = &client
	return nil
}

func orDefault[T time.Duration | int](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

func randomUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: the runtime ends the program first
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
