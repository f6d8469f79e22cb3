package wssec_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// javaGUID is that of the actor in testdata/soap: deployed actors have GUIDs in
// capitals, and compare them as they are.
const javaGUID = "46AEA103-1185-4E69-8AFA-53194582F5A9"

func read(t testing.TB, file string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// envelopeOf takes the envelope out of a recorded HTTP message.
func envelopeOf(t testing.TB, recorded string) string {
	t.Helper()
	from, to := strings.Index(recorded, "<?xml"), strings.Index(recorded, "</soapenv:Envelope>")
	if from < 0 || to < 0 {
		t.Fatal("no envelope")
	}
	return recorded[from : to+len("</soapenv:Envelope>")]
}

func javaCert(t testing.TB) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(read(t, "soap/signer-cert.pem")))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// legacyActors are the actors of testdata/vectors, pinned as they should be.
func legacyActors(t testing.TB) wssec.Pins {
	t.Helper()
	var pins wssec.Pins
	for guid, file := range map[string]string{siteGUID: "site", brokerGUID: "broker", smGUID: "sm", evilGUID: "evil"} {
		der, err := os.ReadFile("testdata/vectors/" + file + ".der")
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		pins = append(pins, wssec.Pin{GUID: guid, Key: cert.PublicKey, Cert: cert})
	}
	return pins
}

func under(p wssec.Policy) func(string) wssec.Policy {
	return func(string) wssec.Policy { return p }
}

// legacySite is how the site opens messages of deployed actors.
func legacySite(t testing.TB, p wssec.Policy) wssec.Opening {
	t.Helper()
	return wssec.Opening{Trust: legacyActors(t), Self: siteGUID, Now: now, Policy: under(p), Cache: new(wssec.Certificates)}
}

// Messages of deployed actors open under both legacy profiles, and every hostile
// one is refused with its cause (wssec.md WT1, WT3).
func TestLegacyVectors(t *testing.T) {
	t.Parallel()
	for _, profile := range []wssec.Profile{wssec.Legacy, wssec.LegacyStrong} {
		o := legacySite(t, profile.Policy())
		for file, cause := range map[string]error{
			"query-request":                 nil,
			"redeem-request":                nil,
			"pos-sha256-body-authtoken-bst": nil,
			// Properly signed by a pinned peer: only its ticket is a lie, and that is
			// for who reads tickets (TestA5 in actors/endpoint).
			"neg-forged-ticket-redeem":     nil,
			"neg-authtoken-swapped":        wssec.ErrUntrusted,
			"neg-sha256-authtoken-swapped": wssec.ErrUntrusted,
			"neg-body-tampered":            dsig.ErrDigest,
			"neg-bst-outside-security":     wssec.ErrShape,
			"neg-comment-in-guid":          syntax,
			"neg-doctype":                  syntax,
			"neg-duplicate-id":             wssec.ErrShape,
			"neg-empty-security":           wssec.ErrUnsigned,
			"neg-fault-in-header":          wssec.ErrShape,
			"neg-no-security":              wssec.ErrShape,
			"neg-only-header-signed":       wssec.ErrUnsigned,
			"neg-timestamp-unsigned":       wssec.ErrUnsigned,
			"neg-wss4j-xsw-wrapped":        wssec.ErrShape,
			"neg-xsw-header-wrap":          wssec.ErrShape,
		} {
			for range 2 { // the second time with what the first has left in the cache
				v, err := open(read(t, "vectors/"+file+".xml"), o)
				var s *xmltree.SyntaxError
				if cause == syntax && !errors.As(err, &s) || cause != syntax && !errors.Is(err, cause) {
					t.Errorf("%v: %s: %v; want %v", profile, file, err, cause)
				}
				if cause == nil && (v.GUID() != smGUID || v.Name() != "sm" || v.Profile() != profile ||
					!v.Created().IsZero() || v.MessageID() != "" || v.ReplayKey() == "" ||
					v.Body().Parent().Local() != "Body") {
					t.Errorf("%s opened as %q %q %v", file, v.GUID(), v.Name(), v.Created())
				}
			}
		}
	}
}

// The real Java stack's request, its answer to it, and a request made by another
// independent signer.
func TestRecorded(t *testing.T) {
	t.Parallel()
	cert := javaCert(t)
	o := wssec.Opening{
		Trust: wssec.Pins{{GUID: javaGUID, Key: cert.PublicKey}}, Self: brokerGUID, Now: now,
		Policy: under(wssec.Policy{Profile: wssec.Legacy, AnyCaseGUID: true}),
	}
	src := read(t, "soap/request-signed.envelope.xml")
	v, err := open(src, o)
	if err != nil {
		t.Fatal(err)
	}
	if v.GUID() != javaGUID || v.Body().Local() != "ticket" || v.Body().Child("", "messageID").Text() != "11111111-2222-3333-4444-555555555555" {
		t.Errorf("%s %s", v.GUID(), v.Body().Local())
	}
	for _, other := range []string{strings.ToLower(javaGUID), smGUID} {
		if _, err := open(swap(t, src, javaGUID, other), o); !errors.Is(err, wssec.ErrUntrusted) {
			t.Errorf("as %s: %v", other, err)
		}
	}
	self := o
	self.Self = strings.ToLower(javaGUID)
	if _, err := open(src, self); !errors.Is(err, wssec.ErrIdentity) {
		t.Errorf("our own message, our GUID in capitals: %v", err)
	}

	answer := parse(t, envelopeOf(t, read(t, "soap/response-signed.http")))
	if v, err := wssec.OpenResponse(answer, o, javaGUID, v.SignatureValue()); err != nil || v.Body().Local() != "ticketResponse" || v.GUID() != javaGUID {
		t.Errorf("answer: %v", err)
	}
	if _, err := wssec.OpenResponse(answer, o, javaGUID, []byte("another")); !errors.Is(err, wssec.ErrConfirmation) {
		t.Errorf("answer to another request: %v", err)
	}
	if _, err := wssec.OpenResponse(answer, o, smGUID, v.SignatureValue()); !errors.Is(err, wssec.ErrUntrusted) {
		t.Errorf("answer of a peer that was not asked: %v", err)
	}

	independent := envelopeOf(t, read(t, "soap/request-signed-independent.http"))
	if _, err := open(independent, o); !errors.Is(err, wssec.ErrIdentity) {
		t.Errorf("a guid that is no UUID: %v", err)
	}
	independent = swap(t, independent, "GUID-1", smGUID)
	o.Trust = wssec.Pins{{GUID: smGUID, Key: tokenCert(t, independent).PublicKey}}
	if _, err := open(independent, o); err != nil {
		t.Errorf("independent request: %v", err)
	}

	// The recorded answer of the other set of vectors.
	o = legacySite(t, wssec.Legacy.Policy())
	o.Self = smGUID
	request, err := open(read(t, "vectors/redeem-request.xml"), legacySite(t, wssec.Legacy.Policy()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wssec.OpenResponse(parse(t, read(t, "vectors/redeem-response.xml")), o, siteGUID, request.SignatureValue()); err != nil {
		t.Errorf("redeem answer: %v", err)
	}
}

// tokenCert is the certificate that a message carries.
func tokenCert(t testing.TB, src string) *x509.Certificate {
	t.Helper()
	doc := parse(t, src)
	for i := range doc.Len() {
		if n := doc.At(i); n.Local() == "BinarySecurityToken" || n.Local() == "X509Certificate" {
			der, err := dsig.DecodeBase64(n.Text())
			if err != nil {
				t.Fatal(err)
			}
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			return cert
		}
	}
	t.Fatal("no certificate")
	return nil
}

// withAuthToken adds the header that says who sends; no stack but that of the
// deployed actors has it, and they do not sign it.
func withAuthToken(t testing.TB, src, guid string) string {
	return swap(t, src, "</soapenv:Header>", `<sec:AuthToken xmlns:sec="http://issg.cs.duke.edu/sharp/sec" sec:guid="`+guid+`" sec:name="sm"/></soapenv:Header>`)
}

// Every form that WSS4J 1.6 and zeep write opens when the peer's policy names it,
// and only then (wssec.md A11, A13).
func TestPeerSettings(t *testing.T) {
	t.Parallel()
	rsa1024 := tokenCert(t, read(t, "wss4j/zeep-bst-rsa1024.xml"))
	rsa2048 := tokenCert(t, read(t, "wss4j/zeep-bst-rsa2048.xml"))
	dsa1024 := tokenCert(t, read(t, "wss4j/wss4j-default-dsa1024-3k.xml"))
	with := func(tokens wssec.Tokens, signatures ...string) wssec.Policy {
		return wssec.Policy{Profile: wssec.Legacy, Tokens: tokens, Signatures: signatures}
	}
	legacy := wssec.Legacy.Policy()
	for _, tt := range []struct {
		file   string
		cert   *x509.Certificate
		policy wssec.Policy
		plain  error // under the legacy profile as it is
	}{
		{"wss4j-default-rsa1024-3k", rsa1024, legacy, nil},
		{"wss4j-default-rsa2048-3k", rsa2048, legacy, nil},
		{"wss4j-default-rsa2048-50k", rsa2048, legacy, nil},
		{"wss4j-default-xmlnsempty-rsa1024-3k", rsa1024, legacy, nil},
		{"wss4j-defns-rsa1024", rsa1024, legacy, nil},
		{"wss4j-defns-attrnl-rsa1024", rsa1024, legacy, nil},
		{"wss4j-nobsp-rsa1024-3k", rsa1024, legacy, nil},
		{"wss4j-nobsp-xmlnsempty-rsa1024-3k", rsa1024, legacy, nil},
		{"wss4j-sha256-rsa2048-3k", rsa2048, legacy, nil},
		{"wss4j-ts-body-rsa2048-3k", rsa2048, legacy, nil},
		{"zeep-bst-rsa1024", rsa1024, legacy, nil},
		{"zeep-bst-rsa2048", rsa2048, legacy, nil},
		{"zeep-x509data-rsa1024", rsa1024, with(wssec.TokenCertificate), wssec.ErrToken},
		{"zeep-x509data-rsa2048", rsa2048, with(wssec.TokenCertificate), wssec.ErrToken},
		{"wss4j-issuer-rsa2048-3k", rsa2048, with(wssec.TokenIssuerSerial), wssec.ErrToken},
		{"wss4j-ski-rsa2048-3k", rsa2048, with(wssec.TokenSKI), wssec.ErrToken},
		{"wss4j-thumb-rsa2048-3k", rsa2048, with(wssec.TokenThumbprint | wssec.TokenDirect), wssec.ErrToken},
		{"wss4j-ts-body-str-rsa2048-3k", rsa2048, with(wssec.TokenTransform), dsig.ErrAlgorithm},
		{"wss4j-default-dsa1024-3k", dsa1024, with(0, dsig.DSASHA1), dsig.ErrAlgorithm},
	} {
		src := withAuthToken(t, read(t, "wss4j/"+tt.file+".xml"), smGUID)
		o := wssec.Opening{Trust: wssec.Pins{{GUID: smGUID, Key: tt.cert.PublicKey, Cert: tt.cert}}, Self: siteGUID, Now: now}
		o.Policy = under(tt.policy)
		if v, err := open(src, o); err != nil || v.GUID() != smGUID {
			t.Errorf("%s: %v", tt.file, err)
		}
		tampered := regexp.MustCompile(`</soapenv:Body>`).ReplaceAllString(src, `<!---->x</soapenv:Body>`)
		tampered = strings.Replace(tampered, "<!---->", "", 1)
		if _, err := open(tampered, o); err == nil {
			t.Errorf("%s opens with another body", tt.file)
		}
		o.Policy = under(legacy)
		if _, err := open(src, o); !errors.Is(err, tt.plain) || (err == nil) != (tt.plain == nil) {
			t.Errorf("%s as plain legacy: %v; want %v", tt.file, err, tt.plain)
		}
		o.Policy, o.Trust = under(tt.policy), wssec.Pins{{GUID: smGUID, Key: javaCert(t).PublicKey, Cert: tt.cert}}
		if _, err := open(src, o); !errors.Is(err, wssec.ErrUntrusted) {
			t.Errorf("%s with another key pinned: %v", tt.file, err)
		}
		o.Trust = nil
		if _, err := open(src, o); !errors.Is(err, wssec.ErrUntrusted) {
			t.Errorf("%s with nobody pinned: %v", tt.file, err)
		}
	}
	// Inclusive canonicalisation depends on everything around what is signed; no
	// deployed actor uses it, and no policy allows it.
	src := withAuthToken(t, read(t, "wss4j/wss4j-inclc14n-rsa2048-3k.xml"), smGUID)
	o := wssec.Opening{Trust: wssec.Pins{{GUID: smGUID, Key: rsa2048.PublicKey}}, Self: siteGUID, Now: now, Policy: under(legacy)}
	if _, err := open(src, o); !errors.Is(err, dsig.ErrAlgorithm) {
		t.Errorf("inclusive canonicalisation: %v", err)
	}
	files, _ := filepath.Glob("testdata/wss4j/*.xml")
	if len(files) != 20 {
		t.Errorf("%d vectors, 20 are judged above", len(files))
	}
}

// A signature that names its key by SKI, thumbprint or serial number is refused
// when the pin has no certificate, or another one.
func TestNamedCertificates(t *testing.T) {
	t.Parallel()
	cert := tokenCert(t, read(t, "wss4j/zeep-bst-rsa2048.xml"))
	for file, tt := range map[string]struct {
		kind     wssec.Tokens
		old, new string
	}{
		"wss4j-issuer-rsa2048-3k": {wssec.TokenIssuerSerial, "266202825940934034421118300201053493476397711161", "1"},
		"wss4j-ski-rsa2048-3k":    {wssec.TokenSKI, "ORz1tTh0OMj3Sx1ZjBHYyZWBnCg=", "ORz1tTh0OMj3Sx1ZjBHYyZWBnCk="},
		"wss4j-thumb-rsa2048-3k":  {wssec.TokenThumbprint, "PD7b5X7wWm+nexgXqtomX3yAx18=", "PD7b5X7wWm+nexgXqtomX3yAx1g="},
	} {
		src := withAuthToken(t, read(t, "wss4j/"+file+".xml"), smGUID)
		o := wssec.Opening{Self: siteGUID, Now: now, Policy: under(wssec.Policy{Profile: wssec.Legacy, Tokens: tt.kind})}
		o.Trust = wssec.Pins{{GUID: smGUID, Key: cert.PublicKey}}
		if _, err := open(src, o); !errors.Is(err, wssec.ErrUntrusted) {
			t.Errorf("%s without a certificate in the pin: %v", file, err)
		}
		o.Trust = wssec.Pins{{GUID: smGUID, Key: cert.PublicKey, Cert: cert}}
		if _, err := open(swap(t, src, tt.old, tt.new), o); !errors.Is(err, wssec.ErrUntrusted) {
			t.Errorf("%s naming another: %v", file, err)
		}
		extra := swap(t, src, "<ds:Signature ", `<wsse:BinarySecurityToken></wsse:BinarySecurityToken><ds:Signature `)
		if _, err := open(extra, o); !errors.Is(err, wssec.ErrToken) {
			t.Errorf("%s with a token beside: %v", file, err)
		}
	}
}

// What we send is, but for numbers and base64, what the Java stack sends.
func TestLegacyLayout(t *testing.T) {
	t.Parallel()
	plain := func(src string) string {
		src = src[:strings.Index(src, "<soapenv:Body")+len("<soapenv:Body")]
		src = regexp.MustCompile(`(CertId|Signature|KeyId|STRId|SigConf|id)-\d+`).ReplaceAllString(src, "$1-N")
		src = regexp.MustCompile(`sec:(guid|name)="[^"]*"`).ReplaceAllString(src, `sec:$1=""`)
		src = regexp.MustCompile(`[A-Za-z0-9+/=\n]{170,}`).ReplaceAllString(src, "B64") // value or token
		return regexp.MustCompile(`DigestValue>[^<]*<`).ReplaceAllString(src, "DigestValue><")
	}
	s := seal(smRSA(), siteGUID)
	s.Profile = wssec.Legacy
	out, confirm, err := s.RequestConfirm([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plain(string(out)), plain(read(t, "soap/request-signed.envelope.xml")); got != want {
		t.Errorf("request\n%s\nJava's\n%s", got, want)
	}
	out, err = s.Response([]byte(payload), confirm)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plain(string(out)), plain(envelopeOf(t, read(t, "soap/response-signed.http"))); got != want {
		t.Errorf("response\n%s\nJava's\n%s", got, want)
	}
}

// The namespaces of SignatureConfirmation.
const (
	draftNS = "http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd"
	finalNS = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
)

// Our own messages open under the profile they were sealed with, requests and
// answers, and the same Seal gives the same octets.
func TestLegacyRoundTrip(t *testing.T) {
	t.Parallel()
	trust := wssec.Pins{smRSA().Pin(), siteRSA().Pin()}
	for _, p := range []wssec.Policy{wssec.Legacy.Policy(), wssec.LegacyStrong.Policy(), {Profile: wssec.LegacyStrong, Mutual: true}} {
		s := seal(smRSA(), siteGUID)
		s.Profile = p.Profile
		out, confirm, err := s.RequestConfirm([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := s.Request([]byte(payload)); !bytes.Equal(again, out) {
			t.Error("sealing is not a function of its arguments")
		}
		at := wssec.Opening{Trust: trust, Self: siteGUID, Now: now, Policy: under(p)}
		v, err := open(string(out), at)
		if err != nil || v.GUID() != smGUID || string(v.Body().Source()) != payload || !bytes.Equal(v.SignatureValue(), confirm) {
			t.Fatalf("%v: %v", p.Profile, err)
		}
		if v.Profile() != p.Profile {
			t.Errorf("opened as %v", v.Profile())
		}
		answer := s
		answer.Signer, answer.Cert, answer.GUID, answer.Name, answer.To = siteRSA().Key, siteRSA().Cert, siteGUID, "site", smGUID
		back, err := answer.Response([]byte(`<a></a>`), confirm)
		if err != nil {
			t.Fatal(err)
		}
		at.Self = smGUID
		if v, err := wssec.OpenResponse(parse(t, string(back)), at, siteGUID, confirm); err != nil || v.Body().Local() != "a" {
			t.Errorf("%v: answer: %v", p.Profile, err)
		}
		// The answer is no request, and the request no answer.
		at.Self = brokerGUID
		if _, err := open(string(back), at); err == nil {
			t.Error("an answer opens as a request")
		}
		if _, err := wssec.OpenResponse(parse(t, string(out)), at, smGUID, confirm); err == nil {
			t.Error("a request opens as an answer")
		}
		// In the other namespace it is as good, and only for the legacy profiles.
		answer.FinalConfirmation = true
		final, err := answer.Response([]byte(`<a></a>`), confirm)
		if err != nil || !bytes.Contains(final, []byte(finalNS)) || bytes.Contains(final, []byte(draftNS)) || bytes.Contains(back, []byte(finalNS)) {
			t.Fatalf("%v %s", err, final)
		}
		at.Self = smGUID
		for _, want := range [][]byte{confirm, []byte("another")} {
			if _, err := wssec.OpenResponse(parse(t, string(final)), at, siteGUID, want); (err == nil) != bytes.Equal(want, confirm) {
				t.Errorf("%v: answer in the namespace of the standard: %v", p.Profile, err)
			}
		}
		// A strict receiver takes none of it.
		if _, err := open(string(out), wssec.Opening{Trust: trust, Self: siteGUID, Now: now}); err == nil {
			t.Error("opens as strict")
		}
	}
}

// What a legacy seal refuses.
func TestLegacySealErrors(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*wssec.Seal, *string){
		"ECDSA key":        func(s *wssec.Seal, _ *string) { s.Signer, s.Cert = sm.Key, sm.Cert },
		"to oneself":       func(s *wssec.Seal, _ *string) { s.To = s.GUID },
		"no UUID":          func(s *wssec.Seal, _ *string) { s.GUID = "actorKey" },
		"no name":          func(s *wssec.Seal, _ *string) { s.Name = "" },
		"a prefix of SOAP": func(_ *wssec.Seal, body *string) { *body = `<a xmlns:soapenv="urn:x"></a>` },
		"no body":          func(_ *wssec.Seal, body *string) { *body = "" },
	} {
		s := wssec.Seal{Signer: smRSA().Key, Cert: smRSA().Cert, GUID: smGUID, Name: "sm", To: siteGUID, Profile: wssec.Legacy}
		body := payload
		if _, err := s.Request([]byte(body)); err != nil {
			t.Fatalf("good: %v", err)
		}
		change(&s, &body)
		if _, err := s.Request([]byte(body)); !errors.Is(err, wssec.ErrSeal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A legacy Timestamp has to be signed and to hold now; a certificate that is over
// opens for as long as the policy says.
func TestLegacyTimes(t *testing.T) {
	t.Parallel()
	cert := tokenCert(t, read(t, "wss4j/zeep-bst-rsa2048.xml"))
	src := withAuthToken(t, read(t, "wss4j/wss4j-ts-body-rsa2048-3k.xml"), smGUID)
	o := wssec.Opening{Trust: wssec.Pins{{GUID: smGUID, Key: cert.PublicKey}}, Self: siteGUID, Policy: under(wssec.Legacy.Policy())}
	for at, cause := range map[time.Time]error{
		now: nil,
		time.Date(2026, 11, 22, 1, 29, 0, 0, time.UTC):  wssec.ErrStale,
		time.Date(2036, 11, 19, 1, 26, 59, 0, time.UTC): nil,
		time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC):     wssec.ErrExpired,
	} {
		o.Now = at
		if _, err := open(src, o); !errors.Is(err, cause) || (err == nil) != (cause == nil) {
			t.Errorf("at %v: %v; want %v", at, err, cause)
		}
	}
	plain := withAuthToken(t, read(t, "wss4j/wss4j-default-rsa2048-3k.xml"), smGUID)
	over := time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC)
	for at, until := range map[time.Time]time.Time{over: over, over.Add(-time.Hour): over} {
		o.Now, o.Policy = at, under(wssec.Policy{Profile: wssec.Legacy, ExpiredUntil: until})
		if _, err := open(plain, o); err != nil {
			t.Errorf("expired, allowed until %v, at %v: %v", until, at, err)
		}
	}
	o.Now = over.Add(time.Second)
	if _, err := open(plain, o); !errors.Is(err, wssec.ErrExpired) {
		t.Errorf("expired, allowed no longer: %v", err)
	}
	o.Now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if _, err := open(plain, o); !errors.Is(err, wssec.ErrExpired) {
		t.Errorf("not valid yet: %v", err)
	}
}

// FuzzOpenLegacy: with the recorded service manager and the Java actor pinned,
// whatever opens has a Body that one of them signed.
func FuzzOpenLegacy(f *testing.F) {
	java := javaCert(f)
	pins := append(legacyActors(f), wssec.Pin{GUID: javaGUID, Key: java.PublicKey, Cert: java})
	o := wssec.Opening{Trust: pins, Self: siteGUID, Now: now, Policy: under(wssec.Policy{
		Profile: wssec.Legacy, AnyCaseGUID: true,
		Tokens: wssec.TokenDirect | wssec.TokenIssuerSerial | wssec.TokenSKI | wssec.TokenThumbprint | wssec.TokenCertificate | wssec.TokenTransform,
	})}
	signed := map[string]bool{}
	files, _ := filepath.Glob("testdata/*/*.xml")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
		if v, err := open(string(src), o); err == nil {
			signed[string(c14n.Exclusive(nil, v.Body(), nil))] = true
		}
	}
	if len(signed) < 4 {
		f.Fatalf("%d signed bodies", len(signed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := xmltree.Parse(src, xmltree.Limits{})
		if err != nil {
			return
		}
		v, err := wssec.OpenRequest(doc, o)
		switch {
		case err != nil && !errors.Is(err, wssec.ErrRefused):
			t.Fatalf("refused without ErrRefused: %v", err)
		case err == nil && !signed[string(c14n.Exclusive(nil, v.Body(), nil))]:
			t.Fatalf("opened something else: %s", src)
		}
	})
}
