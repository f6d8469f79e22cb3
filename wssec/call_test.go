package wssec_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
	"github.com/leasehold/leasehold/wssec/keys"
)

func member(name string, v xmlrpc.Value) xmlrpc.Member { return xmlrpc.Member{Name: name, Value: v} }
func text(name, s string) xmlrpc.Member                { return member(name, xmlrpc.String(s)) }

// The test vector of xmlrpc-leasing 5.2, and the values of its example.
func TestCallVector(t *testing.T) {
	t.Parallel()
	guid := func(d string) string {
		r := strings.NewReplacer("x", d)
		return r.Replace("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
	}
	auth := xmlrpc.Struct(text("name", "sm1"), text("guid", guid("1")), text("time", "1700000000000"), text("nonce", "n-1"),
		text("alg", "RSA-SHA256"), member("cert", xmlrpc.Base64([]byte{0x30, 3, 2, 1, 5})), member("sig", xmlrpc.Base64([]byte("any"))))
	request := xmlrpc.Struct(text("messageID", guid("2")), text("callbackURL", "https://sm.example.org/orca/xmlrpc/sm1"),
		member("reservation", xmlrpc.Struct(text("reservationID", guid("3")), member("sequence", xmlrpc.Int(1)),
			member("slice", xmlrpc.Struct(text("sliceName", "s1"), text("guid", guid("4")))),
			member("term", xmlrpc.Struct(text("startTime", "1700000000000"), text("endTime", "1700086399999"), text("ticketTime", "0"), text("newStartTime", "1700000000000"))),
			member("resourceSet", xmlrpc.Struct(member("units", xmlrpc.Int(2)), text("type", "unc.vm"),
				member("resourceData", xmlrpc.Struct(member("requestProperties", xmlrpc.Struct(text("elastic", "true"))))))))))
	octets, err := wssec.AppendCallOctets(nil, "broker.ticket", auth, request)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(octets)
	if got, want := hex.EncodeToString(sum[:]), "ee0eef966f2879695e0ea87eb9a9aa0783325ae2edc1634f0bbb2f79ccddfb08"; len(octets) != 672 || got != want {
		t.Errorf("%d octets, SHA-256 %s, want 672 and %s\n%s", len(octets), got, want, octets)
	}
}

var request1 = xmlrpc.Struct(text("messageID", messageID), member("reservation", xmlrpc.Struct(member("sequence", xmlrpc.Int(7)), text("a & b", "<é>\n"))),
	member("ticket", xmlrpc.Base64([]byte("a\rb\x00"))), member("failed", xmlrpc.Bool(true)), member("list", xmlrpc.Array(xmlrpc.Int(1), xmlrpc.String(""))))

// calling is an Opening for calls of XML-RPC under a profile.
func calling(o wssec.Opening, p wssec.Profile) wssec.Opening {
	o.Policy = func(string) wssec.Policy { return wssec.Policy{Profile: p, Protocol: wssec.XMLRPC} }
	o.Cache = new(wssec.Certificates)
	return o
}

func sealCall(t testing.TB, from keys.Identity, to, method string, request xmlrpc.Value) xmlrpc.Value {
	t.Helper()
	auth, err := seal(from, to).Call(method, request)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// carry is values as they arrive after a library that sorts members has written them.
func carry(t testing.TB, params ...xmlrpc.Value) []xmlrpc.Value {
	t.Helper()
	for i := range params {
		if params[i].Kind() == xmlrpc.KindStruct {
			params[i] = xmlrpc.Struct(params[i].Sorted()...)
		}
	}
	out, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "m", Params: params}, xmlrpc.Dialect{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := xmlrpc.ParseCall(out, xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Params
}

func TestCallRoundTrip(t *testing.T) {
	t.Parallel()
	for _, from := range []keys.Identity{sm, smRSA()} {
		o := calling(atSite(), wssec.Strict)
		o.Trust = wssec.Pins{sm.Pin(), smRSA().Pin()}
		p := carry(t, sealCall(t, from, siteGUID, "authority.redeem", request1), request1)
		for range 2 { // the second time with the certificate from the cache
			v, err := wssec.OpenCall("authority.redeem", p[0], p[1], o)
			if err != nil {
				t.Fatal(err)
			}
			if v.GUID() != smGUID || v.Name() != "sm" || v.MessageID() != messageID || !v.Created().Equal(now) || v.Profile() != wssec.Strict ||
				!v.Dated() || v.ReplayKey() != smGUID+" call "+messageID || !p[1].Equal(request1) || string(v.SignatureValue()) != messageID {
				t.Errorf("opened %+v", v)
			}
		}
		result := xmlrpc.Struct(member("err", xmlrpc.Bool(false)), member("ret", xmlrpc.Bool(true)))
		answer, err := seal(site, smGUID).Result("authority.redeem", result, []byte(messageID))
		if err != nil {
			t.Fatal(err)
		}
		back := calling(atSM(), wssec.Strict)
		v, err := wssec.OpenResult("authority.redeem", carry(t, answer)[0], back, siteGUID, []byte(messageID))
		if err != nil || v.GUID() != siteGUID || v.MessageID() != messageID {
			t.Errorf("answer opened %+v, %v", v, err)
		}
		for name, want := range map[string]func() error{
			"of another call": func() error {
				_, err := wssec.OpenResult("authority.redeem", answer, back, siteGUID, []byte("other"))
				return err
			},
			"of another method": func() error {
				_, err := wssec.OpenResult("authority.close", answer, back, siteGUID, []byte(messageID))
				return err
			},
			"of another actor": func() error {
				_, err := wssec.OpenResult("authority.redeem", answer, back, brokerGUID, []byte(messageID))
				return err
			},
			"changed": func() error {
				_, err := wssec.OpenResult("authority.redeem", answer.Without("ret"), back, siteGUID, []byte(messageID))
				return err
			},
			"unsigned": func() error {
				_, err := wssec.OpenResult("authority.redeem", result, back, siteGUID, []byte(messageID))
				return err
			},
			"as a call": func() error {
				_, err := wssec.OpenCall("authority.redeem", answer.Member("auth"), result, calling(atSM(), wssec.Strict))
				return err
			},
		} {
			if err := want(); !errors.Is(err, wssec.ErrRefused) {
				t.Errorf("an answer %s: %v", name, err)
			}
		}
	}
}

// Every way to say something that was not signed, or not to this actor, or not now.
func TestCallAttacks(t *testing.T) {
	t.Parallel()
	const method = "broker.ticket"
	good := sealCall(t, sm, siteGUID, method, request1)
	with := func(name string, v xmlrpc.Value) xmlrpc.Value { return good.Without(name).With(name, v) }
	again := func(change func(*wssec.Seal)) xmlrpc.Value {
		s := seal(sm, siteGUID)
		change(&s)
		auth, err := s.Call(method, request1)
		if err != nil {
			t.Fatal(err)
		}
		return auth
	}
	for _, tt := range []struct {
		name    string
		method  string
		auth    xmlrpc.Value
		request xmlrpc.Value
		opening func(*wssec.Opening)
		want    error
	}{
		{name: "another request", request: request1.With("x", xmlrpc.Int(1)), want: dsig.ErrSignature},
		{name: "a member less", request: request1.Without("ticket"), want: dsig.ErrSignature},
		{name: "string for octets", request: request1.Without("ticket").With("ticket", xmlrpc.String("a")), want: dsig.ErrSignature},
		{name: "another method", method: "broker.claim", want: dsig.ErrSignature},
		{name: "another name", auth: with("name", xmlrpc.String("admin")), want: dsig.ErrSignature},
		{name: "another time", auth: with("time", xmlrpc.String(strconv.FormatInt(now.UnixMilli()+1, 10))), want: dsig.ErrSignature},
		{name: "another nonce", auth: with("nonce", xmlrpc.String("n")), want: dsig.ErrSignature},
		{name: "one member more", auth: good.With("extra", xmlrpc.Int(1)), want: dsig.ErrSignature},
		{name: "no destination", auth: good.Without("to"), want: dsig.ErrSignature},
		{name: "signature of another", auth: with("sig", sealCall(t, evil, siteGUID, method, request1).Member("sig")), want: dsig.ErrSignature},
		{name: "no signature", auth: good.Without("sig"), want: wssec.ErrUnsigned},
		{name: "signature as a string", auth: with("sig", xmlrpc.String("AAAA")), want: wssec.ErrUnsigned},
		{name: "name and guid only, as in a development site", auth: xmlrpc.Struct(text("name", "sm"), text("guid", smGUID)), want: wssec.ErrToken},
		{name: "another algorithm", auth: with("alg", xmlrpc.String("RSA-SHA256")), want: wssec.ErrToken},
		{name: "MD5", auth: with("alg", xmlrpc.String("RSA-MD5")), want: wssec.ErrToken},
		{name: "certificate of another, who signed", auth: sealCall(t, keys.Identity{GUID: smGUID, Name: "sm", Key: evil.Key, Cert: evil.Cert}, siteGUID, method, request1), want: wssec.ErrUntrusted},
		{name: "a certificate that is none", auth: with("cert", xmlrpc.Base64([]byte{0x30, 3, 2, 1, 5})), want: wssec.ErrToken},
		{name: "a certificate as text", auth: with("cert", xmlrpc.String("MAMC")), want: wssec.ErrToken},
		{name: "a huge certificate", auth: with("cert", xmlrpc.Base64(make([]byte, 1<<20))), want: wssec.ErrToken},
		{name: "a stranger", auth: sealCall(t, keys.Identity{GUID: "55555555-5555-4555-8555-555555555555", Name: "x", Key: evil.Key, Cert: evil.Cert}, siteGUID, method, request1), want: wssec.ErrUntrusted},
		{name: "to another actor", auth: sealCall(t, sm, brokerGUID, method, request1), want: wssec.ErrDestination},
		{name: "our own guid", auth: with("guid", xmlrpc.String(siteGUID)), want: wssec.ErrIdentity},
		{name: "no guid", auth: good.Without("guid"), want: wssec.ErrIdentity},
		{name: "a struct for a guid", auth: with("guid", xmlrpc.Struct()), want: wssec.ErrIdentity},
		{name: "auth that is no struct", auth: xmlrpc.String("sm"), want: wssec.ErrShape},
		{name: "request that is no struct", request: xmlrpc.Array(), want: wssec.ErrShape},
		{name: "a double in the request", request: request1.With("x", xmlrpc.Double(1)), want: wssec.ErrShape},
		{name: "old", auth: again(func(s *wssec.Seal) { s.Created = now.Add(-7 * time.Minute) }), want: wssec.ErrStale},
		{name: "from the future", auth: again(func(s *wssec.Seal) { s.Created = now.Add(2 * time.Minute) }), want: wssec.ErrStale},
		{name: "before we started", opening: func(o *wssec.Opening) { o.NotBefore = now.Add(time.Second) }, want: wssec.ErrStale},
		{name: "expired certificate", opening: func(o *wssec.Opening) { o.Now = now.AddDate(20, 0, 0) }, want: wssec.ErrExpired},
		{name: "a peer of SOAP", opening: func(o *wssec.Opening) { o.Policy = nil }, want: wssec.ErrProfile},
		{name: "nobody trusted", opening: func(o *wssec.Opening) { o.Trust = nil }, want: wssec.ErrUntrusted},
		{name: "a weak key", auth: sealCall(t, smRSA(), siteGUID, method, request1), opening: func(o *wssec.Opening) {
			o.Trust = wssec.Pins{smRSA().Pin()}
			o.Policy = func(string) wssec.Policy {
				return wssec.Policy{Profile: wssec.Strict, Protocol: wssec.XMLRPC, MinRSABits: 4096}
			}
		}, want: wssec.ErrToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, auth, request := tt.method, tt.auth, tt.request
			if m == "" {
				m = method
			}
			if auth.IsNil() {
				auth = good
			}
			if request.IsNil() {
				request = request1
			}
			o := calling(atSite(), wssec.Strict)
			if tt.opening != nil {
				tt.opening(&o)
			}
			v, err := wssec.OpenCall(m, auth, request, o)
			if !errors.Is(err, wssec.ErrRefused) || !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if v.GUID() != "" || v.Key() != nil {
				t.Errorf("refused, and still %+v", v)
			}
		})
	}
	if _, err := wssec.OpenCall(method, good, request1, calling(atSite(), wssec.Strict)); err != nil {
		t.Errorf("the good one: %v", err)
	}
	// A message of the other protocol is refused as well.
	o := atSite()
	o.Policy = calling(o, wssec.Strict).Policy
	if _, err := open(request(t), o); !errors.Is(err, wssec.ErrProfile) {
		t.Errorf("SOAP from a peer of XML-RPC: %v", err)
	}
}

// A peer that was agreed on as a deployed one may leave the destination out, as the
// document does.
func TestCallWithoutDestination(t *testing.T) {
	t.Parallel()
	id := smRSA()
	auth := sealCall(t, id, siteGUID, "m", request1).Without("to").Without("sig")
	octets, err := wssec.AppendCallOctets(nil, "m", auth, request1)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := dsig.Sign(id.Key, octets)
	if err != nil {
		t.Fatal(err)
	}
	auth = auth.With("sig", xmlrpc.Base64(sig))
	for profile, want := range map[wssec.Profile]error{wssec.Strict: wssec.ErrDestination, wssec.Legacy: nil, wssec.LegacyStrong: nil} {
		o := calling(atSite(), profile)
		o.Trust = wssec.Pins{id.Pin()}
		if v, err := wssec.OpenCall("m", auth, request1, o); !errors.Is(err, want) || want == nil && !v.Dated() {
			t.Errorf("%v: %+v, %v", profile, v, err)
		}
	}
}

func TestCallSealMistakes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*wssec.Seal){
		"no signer": func(s *wssec.Seal) { s.Signer = nil }, "to oneself": func(s *wssec.Seal) { s.To = smGUID },
		"no nonce": func(s *wssec.Seal) { s.MessageID = "" }, "long nonce": func(s *wssec.Seal) { s.MessageID = strings.Repeat("n", 65) },
		"another certificate": func(s *wssec.Seal) { s.Cert = evil.Cert }, "no name": func(s *wssec.Seal) { s.Name = "" },
	} {
		s := seal(sm, siteGUID)
		change(&s)
		if _, err := s.Call("m", request1); !errors.Is(err, wssec.ErrSeal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []xmlrpc.Value{xmlrpc.String("x"), xmlrpc.Struct(text("a", "b\rc")), xmlrpc.Struct(text("a\x00", "")), xmlrpc.Struct(member("a", xmlrpc.Value{}))} {
		if _, err := seal(sm, siteGUID).Call("m", bad); !errors.Is(err, wssec.ErrSeal) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := seal(sm, siteGUID).Result("m", request1, nil); !errors.Is(err, wssec.ErrSeal) {
		t.Errorf("an answer to nothing: %v", err)
	}
}

// Different values have different octets, whatever order their members are in.
func TestCallOctetsTellApart(t *testing.T) {
	t.Parallel()
	values := []xmlrpc.Value{
		xmlrpc.String(""), xmlrpc.String("1"), xmlrpc.Int(1), xmlrpc.Bool(true), xmlrpc.Base64([]byte("1")), xmlrpc.Array(), xmlrpc.Struct(),
		xmlrpc.Array(xmlrpc.String("1")), xmlrpc.Array(xmlrpc.Array()), xmlrpc.Struct(text("", "")), xmlrpc.Struct(text("a", "b")),
		xmlrpc.Struct(text("a", "b"), text("c", "d")), xmlrpc.Struct(text("a", "bs1:c")), xmlrpc.Array(xmlrpc.String("s1:a")), xmlrpc.Array(xmlrpc.String("s"), xmlrpc.String("a")),
	}
	seen := make(map[string]int)
	for i, v := range values {
		out, err := wssec.AppendCallOctets(nil, "m", xmlrpc.Struct(), v)
		if err != nil {
			t.Fatal(err)
		}
		if j, again := seen[string(out)]; again {
			t.Errorf("%+v and %+v are the same", v, values[j])
		}
		seen[string(out)] = i
	}
	members := []xmlrpc.Member{text("b", "1"), text("a", "2"), text("é", "3"), text("B", "4"), text("", "5")}
	first, err := wssec.AppendCallOctets(nil, "m", xmlrpc.Struct(), xmlrpc.Struct(members...))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		shuffled := append([]xmlrpc.Member(nil), members...)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if out, _ := wssec.AppendCallOctets(nil, "m", xmlrpc.Struct(), xmlrpc.Struct(shuffled...)); !bytes.Equal(out, first) {
			t.Fatal("the order of members counts")
		}
	}
}

// FuzzOpenCall: nothing that arrives opens unless the one actor signed it, and nothing
// makes the opening do more than refuse.
func FuzzOpenCall(f *testing.F) {
	auth := sealCall(f, sm, siteGUID, "m", request1)
	good, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "m", Params: []xmlrpc.Value{auth, request1}}, xmlrpc.Dialect{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := xmlrpc.ParseCall(in, xmlrpc.Limits{})
		if err != nil || len(c.Params) != 2 {
			return
		}
		_, err = wssec.OpenCall(c.Method, c.Params[0], c.Params[1], calling(atSite(), wssec.Strict))
		switch {
		case err == nil && (c.Method != "m" || !c.Params[1].Equal(request1)):
			t.Fatalf("opened %+v", c)
		case err != nil && !errors.Is(err, wssec.ErrRefused):
			t.Fatal(err)
		}
	})
}
