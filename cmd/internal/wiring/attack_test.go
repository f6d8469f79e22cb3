package wiring_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// tap stands between a manager and a site and keeps the redeem that passes.
type tap struct {
	to string

	mu     sync.Mutex
	redeem []byte
	kind   string
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if strings.Trim(r.Header.Get("SOAPAction"), `"`) == "redeem" {
		p.mu.Lock()
		p.redeem, p.kind = body, r.Header.Get("Content-Type")
		p.mu.Unlock()
	}
	code, kind, answer := postTo(p.to+r.URL.Path, r.Header.Get("Content-Type"), strings.Trim(r.Header.Get("SOAPAction"), `"`), body)
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	w.Write(answer)
}

func postTo(url, kind, action string, body []byte) (code int, answerKind string, answer []byte) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 599, "", []byte(err.Error())
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("SOAPAction", `"`+action+`"`)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 599, "", []byte(err.Error())
	}
	defer resp.Body.Close()
	answer, _ = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("Content-Type"), answer
}

// kept is everything an actor keeps: its records and whom it knows.
type kept struct {
	records map[string]string
	peers   []registry.Peer
}

func keptBy(t *testing.T, a *wiring.Actor) kept {
	t.Helper()
	k := kept{records: map[string]string{}, peers: a.Registry.Peers()}
	if err := a.Store().Load(t.Context(), func(s actors.Stored) error {
		// Evidence is held against the attacker, and time goes on as it is written.
		if !strings.HasPrefix(s.Key, "evidence/") && s.Key != "clock/reached" {
			k.records[s.Key] = string(s.Data)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return k
}

// difference says in which records two states differ.
func (k kept) difference(o kept) string {
	var out []string
	for key, data := range o.records {
		if old, ok := k.records[key]; !ok {
			out = append(out, fmt.Sprintf("record %s is new: %.300s", key, data))
		} else if old != data {
			out = append(out, fmt.Sprintf("record %s was\n%.600s\nand is\n%.600s", key, old, data))
		}
	}
	for key := range k.records {
		if _, ok := o.records[key]; !ok {
			out = append(out, "record "+key+" is gone")
		}
	}
	if !reflect.DeepEqual(k.peers, o.peers) {
		out = append(out, "the registry has changed")
	}
	return strings.Join(out, "\n")
}

// TestAttacksOnASite: a manager that turns evil, and somebody on the way, send a site
// with its real endpoint and store a replayed redeem, one under another's AuthToken
// and ones with forged chains. Pins, ledgers and reservations stay as they are, and
// the lease goes on (wssec A4, A5, A6, A22).
func TestAttacksOnASite(t *testing.T) {
	t.Parallel()
	for _, policy := range []wssec.Policy{wssec.Strict.Policy(), wssec.Legacy.Policy(), {Profile: wssec.LegacyStrong, MTOM: true}} {
		t.Run(policy.Profile.String(), func(t *testing.T) {
			t.Parallel()
			siteDir, site := part(t, actors.RoleAuthority)
			brokerDir, broker := part(t, actors.RoleBroker)
			managerDir, manager := part(t, actors.RoleManager)
			for _, c := range []*config.Config{&broker, &manager} {
				c.Clock = site.Clock
			}
			s, b, m := site, broker, manager
			wire := &tap{to: site.Listen.URL}
			front := httptest.NewServer(wire)
			defer front.Close()
			introduce(&site, b, policy)
			introduce(&site, m, policy)
			introduce(&broker, s, policy)
			introduce(&broker, m, policy)
			introduce(&manager, s, policy)
			introduce(&manager, b, policy)
			manager.Peers[0].URL = front.URL + endpoint.Root + "site"
			site.Actors[0].Exports = []config.Export{{To: "broker", Type: starter.Type, Units: 3, Until: time.Now().Add(24 * time.Hour).Truncate(time.Second)}}
			manager.Actors[0].DefaultBroker = "broker"
			broker.Actors[0].Claims = []config.Claim{{From: "site", Reservation: wiring.ExportID(site, site.Actors[0], site.Actors[0].Exports[0])}}

			victim := serve(t, siteDir, site).Actors[0]
			serve(t, brokerDir, broker)
			p := serve(t, managerDir, manager)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			r := active(t, ctx, p)

			id, err := keys.Load(m.Actors[0].Keys)
			if err != nil {
				t.Fatal(err)
			}
			url := site.Listen.URL + endpoint.Root + "site"
			insider := evilManager{id: id, site: victim.Identity.GUID, siteKey: victim.Identity.Cert.PublicKey, policy: policy, self: actors.Location{ID: actors.ActorID(id.GUID), Name: m.Actors[0].Name, URL: m.Listen.URL}}
			before := settled(t, victim)
			for _, a := range attacksOn(t, wire, insider, b.Actors[0].GUID) {
				code, _, answer := postTo(url, a.kind, "redeem", a.body)
				if again := a.again && !(a.name == "replayed" && policy.Profile == wssec.Strict); (code == http.StatusOK) != again {
					t.Errorf("%s: answer %d %.200s", a.name, code, answer)
				}
				if diff := before.difference(keptBy(t, victim)); diff != "" {
					t.Errorf("%s: %s", a.name, diff)
				}
			}
			if got, err := p.Manage.Close(ctx, manage.Ref{Reservation: r}); err != nil {
				t.Errorf("%v %+v", err, got)
			}
			if got, err := p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r}, States: []string{"Closed"}, Timeout: 2 * time.Minute}); err != nil {
				t.Errorf("%v: %+v", err, got)
			}
		})
	}
}

// active has a lease, which may take the broker some time to have units for.
func active(t *testing.T, ctx context.Context, p *wiring.Process) string {
	t.Helper()
	for {
		r, err := p.Manage.Request(ctx, manage.Order{Slice: "demo", Type: string(starter.Type), Units: 2, Length: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		r, err = p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{"Active"}, Timeout: 2 * time.Minute})
		if err == nil {
			return r.Reservation
		}
		if ctx.Err() != nil || r.State != "Failed" {
			t.Fatalf("%v: %+v", err, r)
		}
	}
}

// settled is what an actor keeps when nothing is under way any more.
func settled(t *testing.T, a *wiring.Actor) kept {
	t.Helper()
	last := keptBy(t, a)
	for still := 0; still < 10; still++ {
		time.Sleep(50 * time.Millisecond)
		now := keptBy(t, a)
		if last.difference(now) != "" {
			still = 0
		}
		last = now
	}
	return last
}

// evilManager signs what it likes with a key that is pinned.
type evilManager struct {
	id   keys.Identity
	site string

	siteKey crypto.PublicKey
	policy  wssec.Policy
	self    actors.Location
}

func (e evilManager) seal(t *testing.T, m wire.Message) attempt {
	t.Helper()
	body, err := soap.EncodeBody(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	octets, err := wssec.Seal{Signer: e.id.Key, Cert: e.id.Cert, GUID: e.id.GUID, Name: e.self.Name, To: e.site, MessageID: m.MessageID,
		Created: now, Expires: now.Add(time.Minute), Profile: e.policy.Profile}.Request(body)
	if err != nil {
		t.Fatal(err)
	}
	return attempt{kind: soap.PlainType, body: octets}
}

// attempt is one attack as it is sent.
type attempt struct {
	name, kind string
	body       []byte
	again      bool // to the site it repeats what was taken, and gets the same answer
}

func (a attempt) called(name string, again bool) attempt { a.name, a.again = name, again; return a }

func attacksOn(t *testing.T, p *tap, e evilManager, broker actors.ActorID) (out []attempt) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	envelope, _, err := soap.Unpack(p.kind, p.redeem)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xmltree.Parse(envelope, xmltree.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	_, payload, err := soap.DecodeEnvelope(doc)
	if err != nil {
		t.Fatal(err)
	}
	good, err := soap.DecodeBody(payload)
	if err != nil {
		t.Fatal(err)
	}
	scheme := registry.Peer{Policy: e.policy}.Tickets()
	in, err := translate.Incoming(good, actors.ActorID(e.id.GUID), func(text string) (actors.Ticket, error) {
		c, err := scheme.Verify(text, func(string) []crypto.PublicKey { return []crypto.PublicKey{e.siteKey} })
		if err != nil {
			return actors.Ticket{}, err
		}
		return translate.FromChain(c, text), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	genuine := in.Ticket.Text
	out = append(out, attempt{"replayed", p.kind, p.redeem, true})
	for name, guid := range map[string]string{"broker": string(broker), "stranger": "99999999-9999-4999-8999-999999999999", "site": e.site, "own alias": "actorKey"} {
		swapped := bytes.Replace(p.redeem, []byte(`sec:guid="`+e.id.GUID), []byte(`sec:guid="`+guid), 1)
		if bytes.Equal(swapped, p.redeem) {
			t.Fatal("no AuthToken in the redeem")
		}
		out = append(out, attempt{"AuthToken of the " + name, p.kind, swapped, false})
	}
	n := 0
	forged := func(text, reservation string) attempt {
		n++
		m := in
		m.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
		if reservation != "" {
			m.Reservation = actors.ReservationID(reservation)
		}
		tk := *in.Ticket
		tk.Text, tk.Authority = text, actors.Location{ID: actors.ActorID(e.site), Name: "site", URL: "http://evil.test/"}
		m.Ticket = &tk
		w, err := translate.Outgoing(m, e.self)
		if err != nil {
			t.Fatal(err)
		}
		return e.seal(t, w)
	}
	const other = "5c5e7a7e-0000-4000-8000-00000000abcd"
	out = append(out, forged(genuine, other).called("the same ticket for another reservation", false))
	for _, reservation := range []string{"", other} {
		out = append(out,
			forged(strings.Replace(genuine, "<units>2<", "<units>3<", 1), reservation).called("more units, reservation "+reservation, false),
			forged(forgedRoot(t, e, scheme, in), reservation).called("a root of its own, reservation "+reservation, false),
			forged(selfMade(t, e, scheme, in, genuine), reservation).called("carved from its own, reservation "+reservation, reservation == ""),
		)
	}
	return out
}

// forgedRoot is a chain whose root bears the site's name and the manager's key.
func forgedRoot(t *testing.T, e evilManager, scheme ticket.Scheme, m actors.Message) string {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: e.site}, NotBefore: e.id.Cert.NotBefore, NotAfter: e.id.Cert.NotAfter}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, e.id.Key.Public(), e.id.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	rec := ticket.Record{GUID: "forged-root", Issuer: e.site, Holder: e.site, Units: 3, Type: string(starter.Type),
		Start: int64(m.Term.Start), NewStart: int64(m.Term.NewStart), End: int64(m.Term.End)}
	text, err := scheme.Root(rec, e.id.Key, cert)
	if err != nil {
		t.Fatal(err)
	}
	rec.GUID, rec.Holder = "forged-leaf", e.id.GUID
	if text, err = scheme.Delegate(text, rec, e.id.Key, e.id.Cert); err != nil {
		t.Fatal(err)
	}
	return text
}

// selfMade is the manager's own ticket with a record of its own on top: it never
// gave anything away, and holds its units twice.
func selfMade(t *testing.T, e evilManager, scheme ticket.Scheme, m actors.Message, genuine string) string {
	t.Helper()
	rec := ticket.Record{GUID: "self-made", Issuer: e.id.GUID, Holder: e.id.GUID, Units: 2, Type: string(starter.Type),
		Start: int64(m.Term.Start), NewStart: int64(m.Term.NewStart), End: int64(m.Term.End)}
	text, err := scheme.Delegate(genuine, rec, e.id.Key, e.id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
