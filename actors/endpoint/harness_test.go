package endpoint_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// party is an actor of the tests.
type party struct {
	keys.Identity
	role actors.Role
}

func newParty(t testing.TB, guid, name string, role actors.Role) party {
	t.Helper()
	sum := sha256.Sum256([]byte("key of " + name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return party{keys.Identity{GUID: guid, Name: name, Key: key, Cert: certify(t, guid, key)}, role}
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

func (p party) id() actors.ActorID { return actors.ActorID(p.GUID) }

func (p party) location() actors.Location {
	return actors.Location{ID: p.id(), Name: p.Name, URL: "http://" + p.Name + ".test/orca/services/" + p.Name}
}

func (p party) peer() registry.Peer {
	return registry.Peer{Location: p.location(), Role: p.role, Certs: []*x509.Certificate{p.Cert}}
}

// seal is what p would send to another actor; change edits the seal first.
func (p party) seal(t testing.TB, to party, m wire.Message, change ...func(*wssec.Seal)) []byte {
	t.Helper()
	body, err := soap.EncodeBody(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	s := wssec.Seal{
		Signer: p.Key, Cert: p.Cert, GUID: p.GUID, Name: p.Name, To: to.GUID, MessageID: m.MessageID,
		Created: start, Expires: start.Add(5 * time.Minute), Profile: wssec.Strict,
	}
	for _, f := range change {
		f(&s)
	}
	env, err := s.Request(body)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// world is a federation of three, a second manager and broker, and a stranger.
type world struct{ manager, broker, site, manager2, broker2, evil party }

func newWorld(t testing.TB) world {
	return world{
		manager:  newParty(t, "33333333-3333-4333-8333-333333333333", "manager", actors.RoleManager),
		broker:   newParty(t, "22222222-2222-4222-8222-222222222222", "broker", actors.RoleBroker),
		site:     newParty(t, "11111111-1111-4111-8111-111111111111", "site", actors.RoleAuthority),
		manager2: newParty(t, "66666666-6666-4666-8666-666666666666", "manager2", actors.RoleManager),
		broker2:  newParty(t, "55555555-5555-4555-8555-555555555555", "broker2", actors.RoleBroker),
		evil:     newParty(t, "44444444-4444-4444-8444-444444444444", "evil", actors.RoleManager),
	}
}

func (w world) registered() []party {
	return []party{w.manager, w.broker, w.site, w.manager2, w.broker2}
}

// service is one actor behind an endpoint.
type service struct {
	*endpoint.Endpoint
	party    party
	registry *registry.Registry
	clock    *clock.Manual
	log      *logtest.Hook

	mu     sync.Mutex
	taken  []actors.Message
	traced []endpoint.Exchange
	answer error // of the actor
}

func (w world) serve(t testing.TB, p party, change ...func(*endpoint.Config)) *service {
	t.Helper()
	var peers []registry.Peer
	for _, o := range w.registered() {
		if o.GUID != p.GUID {
			peers = append(peers, o.peer())
		}
	}
	reg, err := registry.New(p.id(), peers)
	if err != nil {
		t.Fatal(err)
	}
	log, hook := logtest.NewNullLogger()
	log.SetLevel(logrus.DebugLevel)
	s := &service{party: p, registry: reg, clock: clock.NewManual(start), log: hook}
	cfg := endpoint.Config{
		Self: p.Identity, Location: p.location(), Role: p.role, Registry: reg, Clock: s.clock, Log: log,
		Ask: func(_ context.Context, ev actors.Event) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.answer == nil {
				s.taken = append(s.taken, ev.(actors.Receive).Message)
			}
			return s.answer
		},
		Trace: func(x endpoint.Exchange) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.traced = append(s.traced, x)
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	if s.Endpoint, err = endpoint.New(cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *service) messages() []actors.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// post sends octets as an operation; change edits the HTTP request first.
func (s *service) post(op string, body []byte, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, endpoint.Root+s.party.Name, bytes.NewReader(body))
	r.Header.Set("Content-Type", "text/xml; charset=UTF-8")
	r.Header.Set("SOAPAction", `"`+op+`"`)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// kindOf is the kind of the fault in an answer, and whether the service signed it
// for a peer who had sent the request.
func (s *service) kindOf(t testing.TB, rec *httptest.ResponseRecorder, caller party, request []byte) (actors.Kind, bool) {
	t.Helper()
	doc, err := xmltree.Parse(rec.Body.Bytes(), xmltree.DefaultLimits())
	if err != nil {
		t.Fatalf("answer %d is no XML: %v\n%s", rec.Code, err, rec.Body)
	}
	_, payload, err := soap.DecodeEnvelope(doc)
	if err != nil {
		t.Fatal(err)
	}
	signed := false
	if v, err := s.openAnswer(doc, caller, request); err == nil {
		payload, signed = v.Body(), true
	}
	f, err := soap.DecodeFault(payload)
	if err != nil {
		t.Fatalf("answer %d is no fault: %v\n%s", rec.Code, err, rec.Body)
	}
	return translate.KindOf(f), signed
}

// openAnswer opens an answer as the caller would.
func (s *service) openAnswer(doc *xmltree.Document, caller party, request []byte) (wssec.Verified, error) {
	return wssec.OpenResponse(doc, wssec.Opening{
		Trust: wssec.Pins{{GUID: s.party.GUID, Key: s.party.Cert.PublicKey}}, Self: caller.GUID, Now: s.clock.Now(),
	}, s.party.GUID, signatureOf(request))
}

// signatureOf is the SignatureValue of a sealed request.
func signatureOf(request []byte) []byte {
	_, rest, _ := bytes.Cut(request, []byte("<ds:SignatureValue>"))
	value, _, _ := bytes.Cut(rest, []byte("<"))
	return decode64(value)
}

// term is one that both tickets and messages of the tests use.
var term = actors.NewTerm(actors.Millis(start.UnixMilli()), actors.Millis(start.Add(24*time.Hour).UnixMilli())-1)

// leaf is a ticket from the site through a broker to a holder.
func (w world) leaf(t testing.TB, through, holder party) actors.Ticket {
	t.Helper()
	rec := func(guid string, issuer, holder party, units int) ticket.Record {
		return ticket.Record{GUID: guid, Issuer: issuer.GUID, Holder: holder.GUID, Units: units, Type: "site.node",
			Start: int64(term.Start), NewStart: int64(term.NewStart), End: int64(term.End)}
	}
	text, err := ticket.Root(rec("root", w.site, w.site, 10), w.site.Key, w.site.Cert)
	if err == nil {
		text, err = ticket.Delegate(text, rec("export", w.site, through, 10), w.site.Key, through.Cert)
	}
	if err == nil {
		text, err = ticket.Delegate(text, rec("leaf", through, holder, 2), through.Key, holder.Cert)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := ticket.Verify(text, func(string) []crypto.PublicKey { return []crypto.PublicKey{w.site.Cert.PublicKey} })
	if err != nil {
		t.Fatal(err)
	}
	tk := translate.FromChain(c, text)
	tk.Authority = w.site.location()
	return tk
}

// message is a sound message of an operation, from whoever may send it to whoever
// takes it.
func (w world) message(t testing.TB, op actors.Op) (from, to party, m actors.Message) {
	t.Helper()
	m = actors.Message{
		ID: "00000000-0000-4000-8000-00000000abcd", Op: op, Reservation: "r1", Slice: actors.Slice{ID: "s1", Name: "slice"},
		Sequence: 7, Type: "site.node", Units: 2, Term: term, Properties: actors.Properties{"a": "b <&> c"},
	}
	from, to = w.manager, w.broker
	switch op {
	case actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease, actors.OpClose:
		to = w.site
		tk := w.leaf(t, w.broker, w.manager)
		m.Ticket = &tk
	case actors.OpUpdateTicket:
		from, to = w.broker, w.manager
		tk := w.leaf(t, w.broker, w.manager)
		m.Ticket = &tk
	case actors.OpUpdateLease:
		from, to = w.site, w.manager
		m.Lease = &actors.Lease{Units: []actors.Unit{{ID: "u1", State: actors.UnitActive, Sequence: 1, Properties: actors.Properties{"ip": "10.0.0.1"}}, {ID: "u2", State: actors.UnitActive, Sequence: 1}}}
	}
	m.From, m.To = from.id(), to.id()
	return from, to, m
}

func (w world) wire(t testing.TB, from party, m actors.Message) wire.Message {
	t.Helper()
	out, err := translate.Outgoing(m, from.location())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var ops = []actors.Op{
	actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish, actors.OpRedeem, actors.OpExtendLease,
	actors.OpModifyLease, actors.OpUpdateTicket, actors.OpUpdateLease, actors.OpClose,
}

func withRSA(t testing.TB, p party) party {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.Key, p.Cert = key, certify(t, p.GUID, key)
	return p
}

func decode64(b []byte) []byte {
	out, _ := base64.StdEncoding.DecodeString(string(b))
	return out
}
