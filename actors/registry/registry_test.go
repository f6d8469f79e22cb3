package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// cert is a certificate of guid whose key follows from seed.
func cert(t testing.TB, guid, seed string) *x509.Certificate {
	t.Helper()
	sum := sha256.Sum256([]byte(seed))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: guid}, NotAfter: time.Unix(1<<32, 0)}
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

const self actors.ActorID = "abcdef00-0000-4000-8000-00000000000f"

func guid(n int) actors.ActorID {
	return actors.ActorID(fmt.Sprintf("%08d-0000-4000-8000-000000000000", n))
}

func peer(t testing.TB, n int, role actors.Role) Peer {
	id := guid(n)
	return Peer{
		Location: actors.Location{ID: id, Name: fmt.Sprint("peer", n), URL: fmt.Sprintf("http://host%d:8080/orca/services/peer%d", n, n)},
		Role:     role, Certs: []*x509.Certificate{cert(t, string(id), string(id))},
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	b, a, m := peer(t, 2, actors.RoleBroker), peer(t, 1, actors.RoleAuthority), peer(t, 3, actors.RoleManager)
	b.Certs = append(b.Certs, cert(t, string(b.ID), "the next key"))
	list := []Peer{b, m, a}
	r, err := New(self, list)
	if err != nil {
		t.Fatal(err)
	}
	list[0].Name, list[0].Certs[0] = "changed", nil // the registry keeps its own
	if p, ok := r.Peer(b.ID); !ok || p.Name != "peer2" || p.Role != actors.RoleBroker || p.Policy.Profile != wssec.Strict || p.Certs[0] == nil {
		t.Errorf("by id: %+v, %v", p, ok)
	}
	if p, ok := r.Named("peer1"); !ok || p.ID != a.ID {
		t.Errorf("by name: %+v, %v", p, ok)
	}
	for _, id := range []actors.ActorID{"", self, "PEER1", guid(9)} {
		if p, ok := r.Peer(id); ok || len(r.Pins(string(id))) != 0 || r.Policy(string(id)).Profile != 0 || r.SiteKeys(string(id)) != nil {
			t.Errorf("%q is known: %+v", id, p)
		}
	}
	if _, ok := r.Named("Peer1"); ok {
		t.Error("names fold case")
	}
	if pins := r.Pins(string(b.ID)); len(pins) != 2 || pins[0].GUID != string(b.ID) || pins[1].Key == nil {
		t.Errorf("pins of the broker: %v", pins)
	}
	if len(r.SiteKeys(string(a.ID))) != 1 || r.SiteKeys(string(b.ID)) != nil || r.SiteKeys(string(m.ID)) != nil {
		t.Error("only sites have roots")
	}
	var names []string
	for _, p := range r.Peers() {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"peer1", "peer2", "peer3"}) {
		t.Errorf("peers: %v", names)
	}
}

func TestZeroTrustsNobody(t *testing.T) {
	t.Parallel()
	var r Registry
	if _, ok := r.Peer(guid(1)); ok || r.Pins(string(guid(1))) != nil || len(r.Peers()) != 0 || r.Policy("").Profile != 0 {
		t.Error("the zero Registry knows somebody")
	}
}

// upper is p as a legacy peer whose GUID has letters in upper case.
func upper(t testing.TB, p Peer) Peer {
	p.ID = actors.ActorID(strings.ToUpper(string(p.ID)))
	p.Certs = []*x509.Certificate{cert(t, string(p.ID), "upper")}
	p.Policy = wssec.Policy{Profile: wssec.Legacy, AnyCaseGUID: true, Signatures: []string{dsig.ECDSASHA256}}
	return p
}

// A peer's whole policy is kept and handed out, its certificates are in its pins,
// and a GUID is found in its own case only.
func TestPolicies(t *testing.T) {
	t.Parallel()
	p := peer(t, 1, actors.RoleAuthority)
	p.ID = "abcdef00-0000-4000-8000-000000000001"
	p = upper(t, p)
	p.Policy.Tokens, p.Policy.MTOM, p.Policy.FinalConfirmation = wssec.TokenSKI, true, true
	p.Policy.Digests, p.Policy.ExpiredUntil = []string{dsig.SHA1}, time.Unix(1<<31, 0)
	r, err := New(self, []Peer{p})
	if err != nil {
		t.Fatal(err)
	}
	want := p.Policy
	want.Signatures, want.Digests = slices.Clone(want.Signatures), slices.Clone(want.Digests)
	p.Policy.Signatures[0], p.Policy.Digests[0] = "changed", "changed" // the registry keeps its own
	if got := r.Policy(string(p.ID)); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	pins := r.Pins(string(p.ID))
	if len(pins) != 1 || pins[0].Cert != p.Certs[0] || pins[0].GUID != string(p.ID) {
		t.Errorf("%+v", pins)
	}
	other := strings.ToLower(string(p.ID))
	if _, ok := r.Peer(actors.ActorID(other)); ok || r.Pins(other) != nil || r.Policy(other).Profile != 0 {
		t.Error("found in another case")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p *Peer){
		"no id":                  func(p *Peer) { p.ID = "" },
		"alias of the own key":   func(p *Peer) { p.ID = "actorKey" },
		"id in upper case":       func(p *Peer) { p.ID = "ABCDEF00-0000-4000-8000-000000000000" },
		"own id":                 func(p *Peer) { p.ID = self; p.Certs = []*x509.Certificate{cert(t, string(self), "x")} },
		"no name":                func(p *Peer) { p.Name = "" },
		"name with slash":        func(p *Peer) { p.Name = "a/b" },
		"name that climbs":       func(p *Peer) { p.Name = ".." },
		"name with line feed":    func(p *Peer) { p.Name = "a\nb" },
		"long name":              func(p *Peer) { p.Name = strings.Repeat("n", 129) },
		"no role":                func(p *Peer) { p.Role = 0 },
		"unknown role":           func(p *Peer) { p.Role = 4 },
		"no certificate":         func(p *Peer) { p.Certs = nil },
		"nil certificate":        func(p *Peer) { p.Certs = []*x509.Certificate{nil} },
		"certificate of another": func(p *Peer) { p.Certs = []*x509.Certificate{cert(t, string(guid(7)), "x")} },
		"second of another":      func(p *Peer) { p.Certs = append(p.Certs, cert(t, string(guid(7)), "x")) },
		"odd key": func(p *Peer) {
			p.Certs = []*x509.Certificate{{Subject: pkix.Name{CommonName: string(p.ID)}, PublicKey: "key"}}
		},
		"unknown profile":          func(p *Peer) { p.Policy.Profile = 99 },
		"a policy that cannot be":  func(p *Peer) { p.Policy.MTOM = true },
		"a key of no allowed kind": func(p *Peer) { p.Policy = wssec.Legacy.Policy() },
		"id in upper case of a legacy peer": func(p *Peer) {
			p.ID = "ABCDEF00-0000-4000-8000-00000000000A"
			*p = upper(t, *p)
			p.Policy.AnyCaseGUID = false
		},
		"own id in upper case":             func(p *Peer) { p.ID = "ABCDEF00-0000-4000-8000-00000000000F"; *p = upper(t, *p) },
		"id of another peer in upper case": func(p *Peer) { p.ID = "ABCDEF00-0000-4000-8000-00000000000E"; *p = upper(t, *p) },
		"relative URL":                     func(p *Peer) { p.URL = "/orca/services/x" },
		"file URL":                         func(p *Peer) { p.URL = "file:///etc/passwd" },
		"URL with password":                func(p *Peer) { p.URL = "http://a:b@host/" },
		"URL with query":                   func(p *Peer) { p.URL = "http://host/?x" },
		"no URL at all":                    func(p *Peer) { p.URL = "http://host:port" },
		"id of another peer":               func(p *Peer) { p.ID = guid(2); p.Certs = []*x509.Certificate{cert(t, string(guid(2)), "x")} },
		"name of another peer":             func(p *Peer) { p.Name = "peer2" },
		"key of another peer":              func(p *Peer) { p.Certs = []*x509.Certificate{cert(t, string(p.ID), string(guid(2)))} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lower := peer(t, 5, actors.RoleManager)
			lower.ID = "abcdef00-0000-4000-8000-00000000000e"
			lower.Certs = []*x509.Certificate{cert(t, string(lower.ID), "lower")}
			good := []Peer{peer(t, 2, actors.RoleBroker), lower}
			r, err := New(self, good)
			if err != nil {
				t.Fatal(err)
			}
			p := peer(t, 1, actors.RoleAuthority)
			change(&p)
			if err := r.Replace(append(good, p)); err == nil {
				t.Fatal("accepted")
			}
			if len(r.Peers()) != 2 {
				t.Error("a refused list changed the registry")
			}
		})
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	roles := []actors.Role{actors.RoleManager, actors.RoleBroker, actors.RoleAuthority}
	var got []string
	for _, callee := range roles {
		for _, caller := range roles {
			p := Peer{Role: caller}
			for _, op := range common {
				if !p.May(callee, op) {
					t.Errorf("%v may not ask %v of %v", caller, op, callee)
				}
			}
			for op := range actors.Op(16) {
				if p.May(callee, op) && !slices.Contains(common, op) {
					got = append(got, fmt.Sprintf("%v %v<-%v", op, callee, caller))
				}
			}
		}
	}
	want := []string{
		"updateTicket manager<-broker", "updateLease manager<-authority",
		"ticket broker<-manager", "extendTicket broker<-manager", "relinquish broker<-manager",
		"ticket broker<-broker", "extendTicket broker<-broker", "relinquish broker<-broker", "updateTicket broker<-broker",
		"updateTicket broker<-authority",
		"redeem authority<-manager", "extendLease authority<-manager", "modifyLease authority<-manager", "close authority<-manager", "claim authority<-broker",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rights:\n%q\nwant\n%q", got, want)
	}
	narrow := Peer{Role: actors.RoleManager, Ops: []actors.Op{actors.OpTicket, actors.OpRedeem}}
	if !narrow.May(actors.RoleBroker, actors.OpTicket) || narrow.May(actors.RoleBroker, actors.OpRelinquish) || narrow.May(actors.RoleBroker, actors.OpRedeem) {
		t.Error("Ops narrows, and never widens")
	}
	if none := (Peer{Role: actors.RoleManager, Ops: []actors.Op{}}); none.May(actors.RoleBroker, actors.OpTicket) {
		t.Error("an empty list of operations allows something")
	}
}

func TestReplaceWhileRead(t *testing.T) {
	t.Parallel()
	r, err := New(self, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := []Peer{peer(t, 1, actors.RoleAuthority), peer(t, 2, actors.RoleBroker)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				peers := r.Peers()
				if n := len(peers); n != 0 && n != 2 {
					t.Errorf("half a registry: %d peers", n)
				}
				if p, ok := r.Peer(guid(1)); ok && p.Name != "peer1" {
					t.Errorf("mixed up: %+v", p)
				}
			}
		})
	}
	for i := range 200 {
		if err := r.Replace(list[:i%2*2]); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func BenchmarkPins(b *testing.B) {
	var list []Peer
	for n := range 1000 {
		list = append(list, peer(b, n+1, actors.RoleManager))
	}
	r, err := New(self, list)
	if err != nil {
		b.Fatal(err)
	}
	id := string(guid(500))
	b.ReportAllocs()
	for b.Loop() {
		if len(r.Pins(id)) != 1 {
			b.Fatal("no pin")
		}
	}
}
