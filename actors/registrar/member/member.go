/*
Package member joins actor registries (package registrar, and deployed ones): it
registers an actor and keeps its registration fresh, asks who else is there, and says
which of them the actor is to know.

The registry's own certificate is pinned. When another one answers, nothing is sent and
nothing is believed: the connection ends in the handshake. What is then read is the word
of the registry's operators about who holds which key, so an actor learned from it is
trusted as far as the configuration says, and never more than one that the
administrator wrote down: those win, and so does what was learned before.

member.go calls, pin.go pins, edges.go decides.
*/
package member

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registrar"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/client"
	"github.com/leasehold/leasehold/wssec/keys"
)

// Config says how one actor belongs to one registry.
type Config struct {
	URL  string // of the registry, https; with or without a slash at the end
	Pin  Pin    // the certificate of its server
	Self keys.Identity
	// Location and Role are what is registered. An empty URL is registered as none.
	Location    actors.Location
	Role        actors.Role
	Description string
	Limit       time.Duration // longest a call may take; 0 means 30 s
}

// Member is one actor in one registry. It is safe for concurrent use.
type Member struct {
	cfg   Config
	calls *client.Client
}

// New makes a Member. A registry without TLS, or whose certificate is not pinned, is an
// error: whoever is on the way could say who the actor's peers are.
func New(cfg Config) (*Member, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil:
		return nil, fmt.Errorf("member: %q is no https address", cfg.URL)
	case cfg.Pin.zero():
		return nil, errors.New("member: the registry's certificate is not pinned")
	case cfg.Self.Key == nil || cfg.Self.Cert == nil:
		return nil, errors.New("member: Config.Self has no key or no certificate")
	}
	// One slash at the end: deployed registries tell actors from questions by it
	// (actor-registry 4).
	cfg.URL = strings.TrimRight(cfg.URL, "/") + "/"
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cfg.Self.Cert.Raw}, PrivateKey: cfg.Self.Key, Leaf: cfg.Self.Cert}},
		// The pin decides, and neither names nor issuers: deployed servers made their
		// certificates themselves.
		InsecureSkipVerify: true,
		VerifyConnection:   cfg.Pin.verify,
	}, IdleConnTimeout: 30 * time.Second}
	return &Member{cfg: cfg, calls: client.New(client.Config{
		HTTP: &http.Client{Transport: transport}, Limit: cfg.Limit, Limits: xmlrpc.Limits{Bytes: 32 << 20, Elements: 400_000, Text: 4 << 20},
	})}, nil
}

// Close gives connections back.
func (m *Member) Close() { m.calls.CloseIdle() }

// ErrRegistry is wrapped by what a registry said instead of success.
var ErrRegistry = errors.New("the registry refused")

// insert makes a call that is answered by a status.
func (m *Member) insert(ctx context.Context, texts ...string) error {
	params := make([]xmlrpc.Value, len(texts))
	for i, s := range texts {
		params[i] = xmlrpc.String(s)
	}
	a, err := m.calls.Call(ctx, m.cfg.URL, xmlrpc.Call{Method: registrar.Prefix + "insert", Params: params})
	if err != nil {
		return fmt.Errorf("member: %s: %w", m.cfg.URL, err)
	}
	// Some failures of deployed registries lack the colon (actor-registry 1.3).
	if text, ok := a.Value.Text(); !ok || strings.Contains(text, "ERROR") || !strings.Contains(text, "SUCCESS") {
		return fmt.Errorf("member: %s: %w: %.200q", m.cfg.URL, ErrRegistry, text)
	}
	return nil
}

// Register says who and where the actor is. It may be repeated, and is then a heartbeat.
func (m *Member) Register(ctx context.Context) error {
	where := m.cfg.Location.URL
	if where == "" {
		where = registrar.None
	}
	return m.insert(ctx, m.cfg.Location.Name, registrar.NumberOf(m.cfg.Role), m.cfg.Self.GUID, m.cfg.Description, where,
		"leasehold", "leasehold", fmt.Sprintf("%T", m.cfg.Self.Cert.PublicKey), registrar.Certificate64(m.cfg.Self.Cert.Raw))
}

// Heartbeat says that the actor is still there.
func (m *Member) Heartbeat(ctx context.Context) error { return m.insert(ctx, m.cfg.Self.GUID) }

// Verified are the actors that the registry's operators have verified and that were
// heard of lately, but for those of some guids. What of an answer makes no sense is left
// out, and said in skipped.
func (m *Member) Verified(ctx context.Context, but []string) (found []Found, skipped []error, err error) {
	guids := make([]xmlrpc.Value, len(but))
	for i, g := range but {
		guids[i] = xmlrpc.String(g)
	}
	a, err := m.calls.Call(ctx, m.cfg.URL, xmlrpc.Call{Method: registrar.Prefix + "getActorsVerifiedOtherThan",
		Params: []xmlrpc.Value{xmlrpc.Array(guids...), xmlrpc.Bool(true)}})
	if err != nil {
		return nil, nil, fmt.Errorf("member: %s: %w", m.cfg.URL, err)
	}
	if a.Value.Kind() != xmlrpc.KindStruct {
		return nil, nil, fmt.Errorf("member: %s: an answer of kind %v", m.cfg.URL, a.Value.Kind())
	}
	for guid, v := range a.Value.Members() {
		if guid == "STATUS" {
			text, _ := v.Member("STATUS").Text()
			if strings.Contains(text, "ERROR") {
				return nil, nil, fmt.Errorf("member: %s: %w: %.200q", m.cfg.URL, ErrRegistry, text)
			}
			continue
		}
		f, err := read(guid, v)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("member: %s: actor %.64q: %w", m.cfg.URL, guid, err))
			continue
		}
		if !slices.Contains(but, string(f.ID)) {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b Found) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return found, skipped, nil
}
