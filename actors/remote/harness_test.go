package remote_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// term is the one of every message and ticket here.
var term = actors.NewTerm(actors.Millis(start.UnixMilli()), actors.Millis(start.Add(24*time.Hour).UnixMilli())-1)

// node is one actor: a real endpoint behind a real server, and a real Remote,
// with a recording in place of the machine.
type node struct {
	*remote.Remote
	id       keys.Identity
	role     actors.Role
	clock    *clock.Manual
	registry *registry.Registry
	server   *httptest.Server
	endpoint *endpoint.Endpoint

	attempts chan remote.Attempt
	failed   chan actors.SendFailed

	mu       sync.Mutex
	taken    []actors.Message
	requests [][]byte // as they arrived
	front    func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

const (
	managerGUID = "33333333-3333-4333-8333-333333333333"
	brokerGUID  = "22222222-2222-4222-8222-222222222222"
	siteGUID    = "11111111-1111-4111-8111-111111111111"
)

func identity(t testing.TB, guid, name, seed string) keys.Identity {
	t.Helper()
	sum := sha256.Sum256([]byte(seed))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return keys.Identity{GUID: guid, Name: name, Key: key, Cert: certify(t, guid, key)}
}

func certify(t testing.TB, guid string, key crypto.Signer) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: guid},
		NotBefore: start.AddDate(0, -1, 0), NotAfter: start.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (n *node) location() actors.Location {
	return actors.Location{ID: actors.ActorID(n.id.GUID), Name: n.id.Name, URL: n.server.URL + endpoint.Root + n.id.Name}
}

func (n *node) peer() registry.Peer {
	return registry.Peer{Location: n.location(), Role: n.role, Certs: []*x509.Certificate{n.id.Cert}}
}

// federation starts a manager, a broker and a site that know each other. change
// edits the configuration of each Remote.
func federation(t testing.TB, change ...func(*remote.Config)) (manager, broker, site *node) {
	t.Helper()
	c := clock.NewManual(start)
	nodes := []*node{
		{id: identity(t, managerGUID, "manager", "manager"), role: actors.RoleManager},
		{id: identity(t, brokerGUID, "broker", "broker"), role: actors.RoleBroker},
		{id: identity(t, siteGUID, "site", "site"), role: actors.RoleAuthority},
	}
	for _, n := range nodes {
		n.clock, n.attempts, n.failed = c, make(chan remote.Attempt, 1000), make(chan actors.SendFailed, 1000)
		n.server = httptest.NewServer(n)
		t.Cleanup(n.server.Close)
	}
	for _, n := range nodes {
		var peers []registry.Peer
		for _, o := range nodes {
			if o != n {
				peers = append(peers, o.peer())
			}
		}
		var err error
		if n.registry, err = registry.New(actors.ActorID(n.id.GUID), peers); err != nil {
			t.Fatal(err)
		}
		n.endpoint, err = endpoint.New(endpoint.Config{
			Self: n.id, Location: n.location(), Role: n.role, Registry: n.registry, Clock: c,
			Ask: func(_ context.Context, ev actors.Event) error {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.taken = append(n.taken, ev.(actors.Receive).Message)
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		cfg := remote.Config{
			Self: n.id, Location: n.location(), Registry: n.registry, Clock: c,
			Chance: func() float64 { return 0 },
			Failed: func(f actors.SendFailed) { n.failed <- f },
			Trace:  func(a remote.Attempt) { n.attempts <- a },
		}
		for _, f := range change {
			f(&cfg)
		}
		if n.Remote, err = remote.New(cfg); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, stop := context.WithCancel(context.Background())
			stop()
			n.Close(ctx)
		})
	}
	return nodes[0], nodes[1], nodes[2]
}

// ServeHTTP records a request and hands it to the endpoint, or to what the test
// has put in front of it.
func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender went away
	}
	n.mu.Lock()
	n.requests = append(n.requests, body)
	front := n.front
	n.mu.Unlock()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(newReader(body))
	if front != nil {
		front(w, r, n.endpoint)
		return
	}
	n.endpoint.ServeHTTP(w, r)
}

// behind puts something in front of the endpoint; nil takes it away.
func (n *node) behind(front func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.front = front
}

func (n *node) messages() []actors.Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.taken
}

func (n *node) received() [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.requests
}

// attempt waits for the end of the next attempt.
func (n *node) attempt(t testing.TB) remote.Attempt {
	t.Helper()
	select {
	case a := <-n.attempts:
		return a
	case <-time.After(2 * time.Minute):
		t.Fatal("no attempt was made")
		panic("unreachable")
	}
}

// givenUp waits for the next message that is given up.
func (n *node) givenUp(t testing.TB) actors.SendFailed {
	t.Helper()
	select {
	case f := <-n.failed:
		return f
	case <-time.After(2 * time.Minute):
		t.Fatal("nothing was given up")
		panic("unreachable")
	}
}

// later waits until a goroutine sleeps and moves the clock.
func (n *node) later(t testing.TB, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	if err := n.clock.Await(ctx, 1); err != nil {
		t.Fatal("nobody sleeps")
	}
	n.clock.Advance(d)
}

// ask is a ticket request of the manager's.
func ask(reservation string, seq int) actors.Message {
	return actors.Message{
		Op: actors.OpTicket, From: managerGUID, To: brokerGUID, Reservation: actors.ReservationID(reservation),
		Slice: actors.Slice{ID: "s1", Name: "slice"}, Sequence: seq, Type: "site.node", Units: 2, Term: term,
	}
}

// grant is an updateTicket of the broker's, whose ticket is not signed yet. Base is
// what the site exported.
func grant(t testing.TB, broker, site *node) actors.Message {
	t.Helper()
	exported, err := remote.Grant(actors.Ticket{Delegation: actors.Delegation{
		ID: "export", Issuer: siteGUID, Holder: brokerGUID, Type: "site.node", Units: 10, Term: term,
	}}, site.id, broker.id.Cert, ticket.SHA256Chain)
	if err != nil {
		t.Fatal(err)
	}
	m := ask("r1", 1)
	m.Op, m.From, m.To = actors.OpUpdateTicket, brokerGUID, managerGUID
	m.Ticket = &actors.Ticket{
		Delegation: actors.Delegation{ID: "leaf", Issuer: brokerGUID, Holder: managerGUID, Type: "site.node", Units: 2, Term: term,
			Properties: actors.Properties{"a": "b"}},
		Ancestors: append([]actors.Delegation{exported.Delegation}, exported.Ancestors...),
		Authority: site.location(),
		Base:      exported.Text,
	}
	return m
}

// hangUp drops the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// newEndpoint is another endpoint of a node's, with another actor behind it.
func newEndpoint(t testing.TB, n *node, actor func(context.Context, actors.Event) error) *endpoint.Endpoint {
	t.Helper()
	e, err := endpoint.New(endpoint.Config{
		Self: n.id, Location: n.location(), Role: n.role, Registry: n.registry, Clock: n.clock, Ask: actor,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// signature is the SignatureValue of a sealed request.
func signature(request []byte) []byte {
	b, err := base64.StdEncoding.DecodeString(between(request, "ds:SignatureValue"))
	if err != nil {
		return []byte("not Base64")
	}
	return b
}
