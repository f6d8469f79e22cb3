package peers

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
	"github.com/leasehold/leasehold/wssec/keys"
)

// The two actors of these tests, as authToken has the first.
const (
	managerGUID = "33333333-3333-4333-8333-333333333333"
	brokerGUID  = "22222222-2222-4222-8222-222222222222"
)

// sealed is a message in one of the profiles for deployed actors.
func sealed(t testing.TB, id identity, profile wssec.Profile, m wire.Message) (text string, confirm []byte) {
	t.Helper()
	now := time.Now()
	octets, confirm, err := wssec.Seal{
		Signer: id.key, Cert: id.cert, GUID: managerGUID, Name: "sm", To: brokerGUID, MessageID: "m",
		Created: now, Expires: now.Add(time.Minute), Profile: profile,
	}.RequestConfirm([]byte(body(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	return string(octets), confirm
}

var deployed = map[wssec.Profile][]string{
	wssec.Legacy: {"Body"}, wssec.LegacyStrong: {"AuthToken", "BinarySecurityToken", "Body"},
}

// TestLegacySealed: what the profiles for deployed actors seal, WSS4J verifies and
// an Axis2 service behind Rampart acts upon, for every operation.
func TestLegacySealed(t *testing.T) {
	t.Parallel()
	axis, ids := useRampart(t)
	wss := use(t, startWSS4J)
	signers(t, wss)
	inbox.Lock()
	defer inbox.Unlock()
	for _, id := range ids {
		at := string(axis.ask(t, "serveSigned", []byte(id.name), []byte(suites[0].method), []byte(suites[0].digest))[0])
		for profile, parts := range deployed {
			for kind, m := range everything() {
				text, confirm := sealed(t, id, profile, m)
				var names []string
				for _, n := range wss.ask(t, "verify", []byte("plain"), []byte(text)) {
					names = append(names, string(n))
				}
				slices.Sort(names)
				if !slices.Equal(names, parts) {
					t.Errorf("%s %v %s: WSS4J found %q signed", id.name, profile, kind, names)
				}
				_, answer := post(t, at, m.Op.String(), []byte(text))
				if err := answered(t, answer, m.Op); err != nil {
					t.Fatalf("%s %v %s: %v\n%s", id.name, profile, kind, err, answer)
				}
				got := axis.ask(t, "received")
				if back, err := soap.DecodeBody(parse(t, string(got[0])).Root()); len(got) != 1 || err != nil || !reflect.DeepEqual(back, m) {
					t.Errorf("%s %v %s: Axis2 received %q, %v", id.name, profile, kind, got, err)
				}
				confirmed, _ := find(t, parse(t, answer), confirmNS, "SignatureConfirmation").Attr("", "Value")
				if confirmed != base64.StdEncoding.EncodeToString(confirm) {
					t.Errorf("%s %v %s: Rampart confirms %q", id.name, profile, kind, confirmed)
				}
			}
		}
	}
}

// opening is what the broker knows of the manager.
func opening(id identity, change func(*wssec.Policy)) wssec.Opening {
	p := wssec.Legacy.Policy()
	p.Tokens = wssec.TokenDirect | wssec.TokenIssuerSerial | wssec.TokenSKI | wssec.TokenThumbprint | wssec.TokenTransform
	if change != nil {
		change(&p)
	}
	return wssec.Opening{
		Trust: wssec.Pins{{GUID: managerGUID, Key: id.cert.PublicKey, Cert: id.cert}}, Self: brokerGUID, Now: time.Now(), Skew: time.Minute,
		Policy: func(string) wssec.Policy { return p },
	}
}

// TestLegacyOpened: the profile for deployed actors opens what WSS4J signs in all
// shapes and with all forms of token, and nothing that was changed, wrapped or
// signed by a stranger.
func TestLegacyOpened(t *testing.T) {
	t.Parallel()
	p := use(t, startWSS4J)
	ids := signers(t, p)
	eachMessage(t, ids, func(t *testing.T, id identity, s suite, e envelope, size int) {
		for _, how := range []struct{ profile, reference, parts string }{
			{"plain", "direct", "Body"},
			{"bsp", "direct", "Body AuthToken"},
			{"bsp", "issuer", "Body"},
			{"plain", "ski", "Body"},
			{"bsp", "thumbprint", "Timestamp Body"},
			{"plain", "direct", "Body STRTransform"},
			{"bsp", "direct", "Body STRTransform"},
		} {
			text := string(p.ask(t, "sign", []byte(how.profile), []byte(id.name), []byte(s.method), []byte(s.digest),
				[]byte(how.reference), []byte(how.parts), []byte(e.String()))[0])
			v, err := wssec.OpenRequest(parse(t, text), opening(id, nil))
			if err != nil {
				t.Errorf("%v: %v\n%s", how, err, text)
				continue
			}
			if m, err := soap.DecodeBody(v.Body()); err != nil || !reflect.DeepEqual(m, message(size)) || v.GUID() != managerGUID {
				t.Errorf("%v: opened as %+v of %s, %v", how, m, v.GUID(), err)
			}
			stranger := ids[0]
			if stranger.name == id.name {
				stranger = ids[1]
			}
			if _, err := wssec.OpenRequest(parse(t, text), opening(stranger, nil)); !errors.Is(err, wssec.ErrRefused) {
				t.Errorf("%v: a stranger's: %v", how, err)
			}
			if _, err := wssec.OpenRequest(parse(t, tamper(t, text)), opening(id, nil)); !errors.Is(err, dsig.ErrDigest) {
				t.Errorf("%v: changed: %v", how, err)
			}
		}
	})
	text := seal(t, shapes["ours"](body(t, message(0))), ids[1], suites[0])
	if _, err := wssec.OpenRequest(parse(t, text), opening(ids[1], nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := wssec.OpenRequest(parse(t, wrapBody(t, text, "soapenv")), opening(ids[1], nil)); !errors.Is(err, wssec.ErrRefused) {
		t.Errorf("wrapped: %v", err)
	}
}

// TestActorTakesRampart: an Axis2 client with Rampart, made from our WSDL, gets its
// requests through to an actor behind our endpoint, and takes its answers.
func TestActorTakesRampart(t *testing.T) {
	t.Parallel()
	axis, ids := useRampart(t)
	for id, s := range combinations(ids) {
		taken := make(chan actors.Message, 1)
		at := broker(t, id, wssec.Legacy.Policy(), func(_ context.Context, ev actors.Event) error {
			taken <- ev.(actors.Receive).Message
			return nil
		})
		for n, op := range []actors.Op{actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish} {
			for _, mtom := range []string{"false", "true"} {
				m := request(op, mtom)
				self := actors.Location{ID: managerGUID, Name: "sm", URL: m.ReplyTo}
				w, err := translate.Outgoing(m, self)
				if err != nil {
					t.Fatal(err)
				}
				call := func(token string) []byte {
					return axis.ask(t, "callSigned", []byte(at), []byte(w.Op.String()), []byte(body(t, w)), []byte(mtom),
						[]byte(id.name), []byte(s.method), []byte(s.digest), []byte("false"), []byte(token))[0]
				}
				// Signed by a key that is not pinned to the GUID in the token.
				if got := call(strings.Replace(authToken, "33333333", "44444444", 1)); string(got) != "fault" || len(taken) != 0 {
					t.Fatalf("%s: somebody else's token: %s", w.Op, got)
				}
				if got := call(authToken); string(got) != "answered" || len(taken) != 1 {
					t.Fatalf("%s %v, request %d: %s", id.name, w.Op, n, got)
				}
				if got := <-taken; got.Op != op || got.From != managerGUID || got.Reservation != m.Reservation || got.Units != m.Units ||
					got.Term != m.Term || !reflect.DeepEqual(got.Properties, m.Properties) {
					t.Errorf("%s: the actor heard %+v", w.Op, got)
				}
			}
		}
	}
}

func request(op actors.Op, id string) actors.Message {
	return actors.Message{
		ID: "7a1d1c1e-0000-4000-8000-00000000000" + id, Op: op, From: managerGUID, To: brokerGUID, Reservation: "reservation & " + actors.ReservationID(id),
		Slice: actors.Slice{ID: "9a1d3c77-52c6-44b2-93a5-5f5b7d0a2001", Name: "demo <slice>"}, Sequence: 1, Type: "site.node", Units: 2,
		Term:       actors.NewTerm(1700000000000, 1700086399999),
		Properties: actors.Properties{"image": "debian", "key": "ssh-rsa AAAA\n\té"}, ReplyTo: "http://sm.example:8080/orca/services/sm",
	}
}

// broker serves a broker to which the manager, who signs as id, is a deployed actor.
func broker(t *testing.T, id identity, policy wssec.Policy, ask func(context.Context, actors.Event) error) string {
	t.Helper()
	var services *endpoint.Services
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { services.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	at := server.URL + endpoint.Root + "broker"
	reg, err := registry.New(brokerGUID, []registry.Peer{{
		Location: actors.Location{ID: managerGUID, Name: "sm", URL: "http://sm.example:8080/orca/services/sm"},
		Role:     actors.RoleManager, Policy: policy, Certs: []*x509.Certificate{named(t, id, managerGUID)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := endpoint.New(endpoint.Config{
		// It answers with the key of the manager, because that is what Rampart trusts here.
		Self: keys.Identity{GUID: brokerGUID, Name: "broker", Key: id.key, Cert: id.cert}, Role: actors.RoleBroker,
		Location: actors.Location{ID: brokerGUID, Name: "broker", URL: at}, Registry: reg, Ask: ask,
	})
	if err != nil {
		t.Fatal(err)
	}
	if services, err = endpoint.NewServices(e); err != nil {
		t.Fatal(err)
	}
	return at
}

// named is another certificate of the identity's key: the registry wants the GUID
// in it, and pins the key.
func named(t *testing.T, id identity, guid string) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: guid}, NotBefore: id.cert.NotBefore, NotAfter: id.cert.NotAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, id.key.Public(), id.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
