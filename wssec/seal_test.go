package wssec_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/keys"
)

var update = flag.Bool("update", false, "write golden files anew")

// The whole message is fixed: a change of one octet is a change of the protocol.
func TestGolden(t *testing.T) {
	t.Parallel()
	req, confirm, err := seal(sm, siteGUID).RequestConfirm([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := seal(site, smGUID).Response([]byte(`<ns2:redeemResponse xmlns:ns2="urn:services"></ns2:redeemResponse>`), confirm)
	if err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string][]byte{"request.xml": req, "response.xml": answer} {
		if *update {
			if err := os.WriteFile("testdata/"+file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s changed:\n%s\nwant\n%s", file, got, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rsa := smRSA()
	for _, from := range []keys.Identity{sm, rsa} {
		req, confirm, err := seal(from, siteGUID).RequestConfirm([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		o := atSite()
		o.Trust = wssec.Pins{rsa.Pin(), sm.Pin()} // overlapping pins, as during a change of keys
		o.Cache = new(wssec.Certificates)
		for range 2 { // the second time from the cache
			v, err := wssec.OpenRequest(parse(t, string(req)), o)
			if err != nil {
				t.Fatal(err)
			}
			if !same(v) || !bytes.Equal(v.SignatureValue(), confirm) || v.ReplayKey() != smGUID+" "+messageID {
				t.Errorf("opened %+v", v)
			}
			if !from.Cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(v.Key()) {
				t.Error("another key")
			}
		}

		const empty = `<ns2:redeemResponse xmlns:ns2="urn:services"></ns2:redeemResponse>`
		answer, err := seal(site, smGUID).Response([]byte(empty), confirm)
		if err != nil {
			t.Fatal(err)
		}
		v, err := wssec.OpenResponse(parse(t, string(answer)), atSM(), siteGUID, confirm)
		if err != nil {
			t.Fatal(err)
		}
		if v.GUID() != siteGUID || v.MessageID() != messageID || string(v.Body().Source()) != empty {
			t.Errorf("opened %+v", v)
		}
	}
}

func atSM() wssec.Opening {
	return wssec.Opening{Trust: everybody, Self: smGUID, Now: now.Add(time.Second), Skew: time.Minute}
}

// A fault that the peer signed is the peer's word; as a request it is nothing.
func TestSignedFault(t *testing.T) {
	t.Parallel()
	fault := []byte(`<soapenv:Fault xmlns:soapenv="` + soapNS + `"><faultstring>no</faultstring></soapenv:Fault>`)
	answer, err := seal(site, smGUID).Response(fault, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := wssec.OpenResponse(parse(t, string(answer)), atSM(), siteGUID, []byte("value"))
	if err != nil || v.Body().Local() != "Fault" {
		t.Errorf("%v, %v", v.Body().Name(), err)
	}
	req, err := seal(sm, siteGUID).Request(fault)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(string(req), atSite()); !errors.Is(err, wssec.ErrShape) {
		t.Errorf("a Fault as a request: %v", err)
	}
}

// Whatever is signed was written in canonical form: the octets of every signed
// element, and of SignedInfo, are what a verifier digests.
func TestCanonicalByConstruction(t *testing.T) {
	t.Parallel()
	odd := seal(sm, siteGUID)
	odd.Name = `a<b>&"c' é`
	odd.MessageID = `<&>"'`
	req, confirm, err := odd.RequestConfirm([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := odd.Response([]byte(payload), confirm)
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range [][]byte{req, answer} {
		doc := parse(t, string(src))
		count := 0
		for i := range doc.Len() {
			n := doc.At(i)
			if _, ok := n.Attr(wsuNS, "Id"); !ok && n.Local() != "SignedInfo" {
				continue
			}
			count++
			if got, want := string(n.Source()), string(c14n.Exclusive(nil, n, nil)); got != want {
				t.Errorf("%s is not canonical:\n got %s\nwant %s", n.Name(), got, want)
			}
		}
		if want := 1 + strings.Count(string(src), "<ds:Reference "); count != want {
			t.Errorf("%d signed elements, %d expected", count, want)
		}
	}
	v, err := open(string(req), atSite())
	if err != nil || v.Name() != odd.Name || v.MessageID() != odd.MessageID {
		t.Errorf("%q %q %v", v.Name(), v.MessageID(), err)
	}
}

// Seal refuses what no receiver would accept.
func TestSealRefuses(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what   string
		body   string
		change func(*wssec.Seal)
	}{
		{"no profile", payload, func(s *wssec.Seal) { s.Profile = 0 }},
		{"unknown profile", payload, func(s *wssec.Seal) { s.Profile = 99 }},
		{"no key", payload, func(s *wssec.Seal) { s.Signer = nil }},
		{"no certificate", payload, func(s *wssec.Seal) { s.Cert = nil }},
		{"another certificate", payload, func(s *wssec.Seal) { s.Cert = evil.Cert }},
		{"a curve too many", payload, func(s *wssec.Seal) {
			c := *s.Cert
			c.PublicKey = p384.Public()
			s.Signer, s.Cert = p384, &c
		}},
		{"no GUID", payload, func(s *wssec.Seal) { s.GUID = "" }},
		{"upper case", payload, func(s *wssec.Seal) { s.To = "AAAAAAAA-1111-4111-8111-111111111111" }},
		{"to oneself", payload, func(s *wssec.Seal) { s.To = s.GUID }},
		{"no name", payload, func(s *wssec.Seal) { s.Name = "" }},
		{"line feed in name", payload, func(s *wssec.Seal) { s.Name = "a\nb" }},
		{"long name", payload, func(s *wssec.Seal) { s.Name = strings.Repeat("a", 129) }},
		{"no message id", payload, func(s *wssec.Seal) { s.MessageID = "" }},
		{"space in message id", payload, func(s *wssec.Seal) { s.MessageID = "a b" }},
		{"no lifetime", payload, func(s *wssec.Seal) { s.Expires = s.Created }},
		{"long lifetime", payload, func(s *wssec.Seal) { s.Expires = s.Created.Add(wssec.MaxLifetime + time.Second) }},
		{"no time", payload, func(s *wssec.Seal) { s.Expires = time.Time{} }},
		{"year 10000", payload, func(s *wssec.Seal) {
			s.Created = time.Date(9999, 12, 31, 23, 59, 0, 0, time.UTC)
			s.Expires = s.Created.Add(time.Minute)
		}},
		{"no body", "", func(s *wssec.Seal) {}},
		{"body of text", "hello", func(s *wssec.Seal) {}},
		{"prefix of the envelope", `<env:Fault xmlns:env="` + soapNS + `"></env:Fault>`, func(s *wssec.Seal) {}},
		{"prefix of ids deeper", `<a><b> xmlns:env="x"</b><c xmlns:wsu="` + wsuNS + `"></c></a>`, func(s *wssec.Seal) {}},
		{"prefix of ids", `<a xmlns:wsu="` + wsuNS + `"></a>`, func(s *wssec.Seal) {}},
	} {
		s := seal(sm, siteGUID)
		tt.change(&s)
		if out, err := s.Request([]byte(tt.body)); !errors.Is(err, wssec.ErrSeal) || out != nil {
			t.Errorf("%s: request: %v", tt.what, err)
		}
		if out, err := s.Response([]byte(tt.body), []byte("x")); !errors.Is(err, wssec.ErrSeal) || out != nil {
			t.Errorf("%s: response: %v", tt.what, err)
		}
	}
	if _, err := seal(sm, siteGUID).Response([]byte(payload), nil); !errors.Is(err, wssec.ErrSeal) {
		t.Errorf("response that confirms nothing: %v", err)
	}
}

// Documents inside texts, as tickets are, may declare whatever they like.
func TestSealTextThatLooksLikeATag(t *testing.T) {
	t.Parallel()
	inner := `<a><t> &lt;e xmlns:env="urn:x"&gt; xmlns:wsu="</t></a>`
	out, err := seal(sm, siteGUID).Request([]byte(inner))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(string(out), atSite()); err != nil {
		t.Error(err)
	}
}

// The bytes of a sealed message do not depend on how often it is sealed.
func TestSealIsAFunction(t *testing.T) {
	t.Parallel()
	if request(t) != request(t) {
		t.Error("two different messages")
	}
}

func TestProfileNames(t *testing.T) {
	t.Parallel()
	if p, err := wssec.ParseProfile("strict"); p != wssec.Strict || err != nil || p.String() != "strict" {
		t.Errorf("%v, %v", p, err)
	}
	for _, name := range []string{"", "none", "Strict"} {
		if p, err := wssec.ParseProfile(name); err == nil {
			t.Errorf("%q is %v", name, p)
		}
	}
	if s := wssec.Profile(0).String(); s != "Profile(0)" {
		t.Error(s)
	}
}

// BenchmarkSeal reports how many times the cost of the bare signature a whole
// message costs.
func BenchmarkSeal(b *testing.B) {
	body := body3K(b)
	for _, id := range []keys.Identity{sm, smRSA()} {
		b.Run(id.Cert.PublicKeyAlgorithm.String(), func(b *testing.B) {
			digest := make([]byte, 32)
			s := seal(id, siteGUID)
			whole := func() {
				if _, err := s.Request(body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				whole()
			}
			b.ReportMetric(ratio(whole, func() { _, _ = id.Key.Sign(nil, digest, crypto.SHA256) }), "x-signature")
		})
	}
}

// body3K is a payload of a usual size, in canonical form.
func body3K(b *testing.B) []byte {
	var sb strings.Builder
	sb.WriteString(`<ns2:redeem xmlns:ns2="http://orca/shirako/proxies/soapaxis2/services"><messageID>` + messageID + `</messageID><properties>`)
	for sb.Len() < 3000 {
		sb.WriteString(`<property><name>unit.net.ipsubnet.0</name><value>172.16.0.0/255.255.255.0 &amp; vlan=1000</value></property>`)
	}
	sb.WriteString(`</properties></ns2:redeem>`)
	if _, err := xmltree.Parse([]byte(sb.String()), xmltree.Limits{}); err != nil {
		b.Fatal(err)
	}
	return []byte(sb.String())
}

// ratio is how many times the cost of part the whole costs. The two take turns
// and the fastest of each counts, because machines are noisy.
func ratio(whole, part func()) float64 {
	best := [2]time.Duration{time.Hour, time.Hour}
	for range 1000 {
		for i, f := range [2]func(){whole, part} {
			begin := time.Now()
			f()
			best[i] = min(best[i], time.Since(begin))
		}
	}
	return float64(best[0]) / float64(best[1])
}
