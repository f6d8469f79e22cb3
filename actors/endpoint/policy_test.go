package endpoint_test

import (
	"bytes"
	"crypto"
	"crypto/dsa" //nolint:staticcheck // as deployed peers
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// stack is somebody else's way to sign: what our own Seal never does.
type stack struct {
	signer        any // *rsa.PrivateKey, *ecdsa.PrivateKey or *dsa.PrivateKey
	cert          *x509.Certificate
	guid          string
	digest        string       // zero means SHA-256
	tokens        wssec.Tokens // one way to name the certificate; zero means directly
	method        string       // zero means what fits the key
	signReference bool         // the token too, through the STR-Transform
	signToken     bool         // the token too, by its own id
}

const (
	wsseNS  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsuNS   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	x509NS  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
	base64T = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	strT    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
	finalNS = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
	draftNS = "http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd"
)

// envelope is the message around a body, as the stack signs it.
func (s stack) envelope(t testing.TB, payload []byte) []byte {
	t.Helper()
	method := s.method
	if method == "" {
		method = map[bool]string{true: dsig.DSASHA1, false: dsig.RSASHA256}[isDSA(s.signer)]
		if _, ok := s.signer.(*ecdsa.PrivateKey); ok {
			method = dsig.ECDSASHA256
		}
	}
	body := `<soapenv:Body xmlns:soapenv="` + soap.EnvelopeNS + `" xmlns:wsu="` + wsuNS + `" wsu:Id="the-body">` + string(payload) + `</soapenv:Body>`
	der := base64.StdEncoding.EncodeToString(s.cert.Raw)
	token := `<wsse:BinarySecurityToken xmlns:wsse="` + wsseNS + `" xmlns:wsu="` + wsuNS + `" EncodingType="` + base64T + `" ValueType="` + x509NS + `#X509v3" wsu:Id="the-token">` +
		der + `</wsse:BinarySecurityToken>`
	name := `<wsse:Reference URI="#the-token" ValueType="` + x509NS + `#X509v3"/>`
	identifier := func(kind string, value []byte) string {
		return `<wsse:KeyIdentifier EncodingType="` + base64T + `" ValueType="` + kind + `">` + base64.StdEncoding.EncodeToString(value) + `</wsse:KeyIdentifier>`
	}
	thumb := sha1.Sum(s.cert.Raw)
	switch s.tokens {
	case wssec.TokenIssuerSerial:
		name = `<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>` + s.cert.Issuer.String() + `</ds:X509IssuerName><ds:X509SerialNumber>` +
			s.cert.SerialNumber.String() + `</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>`
	case wssec.TokenSKI:
		name = identifier(x509NS+"#X509SubjectKeyIdentifier", s.cert.SubjectKeyId)
	case wssec.TokenThumbprint:
		name = identifier("http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1", thumb[:])
	case wssec.TokenCertificate:
		name = `<ds:X509Data><ds:X509Certificate>` + der + `</ds:X509Certificate></ds:X509Data>`
	}
	parts := []dsig.Part{{ID: "the-body", Octets: []byte(body)}}
	if s.signReference { // what the transform digests declares the default namespace
		parts = append(parts, dsig.Part{ID: "the-str", Octets: []byte(strings.Replace(token, ` xmlns:wsse=`, ` xmlns="" xmlns:wsse=`, 1))})
	}
	if s.signToken {
		parts = append(parts, dsig.Part{ID: "the-token", Octets: []byte(token)})
	}
	info := string(dsig.AppendSignedInfo(nil, method, parts))
	if s.signReference {
		at := strings.Index(info, "#the-str")
		c14n := `Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform>`
		info = info[:at] + strings.Replace(info[at:], c14n, `Algorithm="`+strT+`"><wsse:TransformationParameters xmlns:wsse="`+wsseNS+
			`"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod></wsse:TransformationParameters></ds:Transform>`, 1)
	}
	if s.digest != "" {
		info = strings.ReplaceAll(info, dsig.SHA256, s.digest)
		for _, p := range parts {
			was, err := dsig.Digest(dsig.SHA256, p.Octets)
			if err != nil {
				t.Fatal(err)
			}
			is, err := dsig.Digest(s.digest, p.Octets)
			if err != nil {
				t.Fatal(err)
			}
			info = strings.Replace(info, was, is, 1)
		}
	}
	value := s.sign(t, method, []byte(info))
	if s.tokens != 0 {
		token = ""
	}
	return []byte(`<soapenv:Envelope xmlns:soapenv="` + soap.EnvelopeNS + `"><soapenv:Header><wsse:Security xmlns:wsse="` + wsseNS + `">` + token +
		`<ds:Signature xmlns:ds="` + dsig.Space + `">` + info + `<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) +
		`</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsu="` + wsuNS + `" wsu:Id="the-str">` + name + `</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>` +
		`<sec:AuthToken xmlns:sec="http://issg.cs.duke.edu/sharp/sec" sec:guid="` + s.guid + `" sec:name="manager"/></soapenv:Header>` + body + `</soapenv:Envelope>`)
}

func isDSA(key any) bool { _, ok := key.(*dsa.PrivateKey); return ok }

func (s stack) sign(t testing.TB, method string, info []byte) (value []byte) {
	t.Helper()
	var err error
	switch key := s.signer.(type) {
	case *dsa.PrivateKey:
		sum := sha1.Sum(info)
		r, v, e := dsa.Sign(rand.Reader, key, sum[:])
		value, err = make([]byte, 40), e
		r.FillBytes(value[:20])
		v.FillBytes(value[20:])
	case crypto.Signer:
		if method == dsig.RSASHA1 {
			value, err = dsig.SignSHA1(key, info)
		} else {
			value, err = dsig.Sign(key, info)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// dsaIdentity is a key of DSA and a certificate of it, which crypto/x509 reads and
// does not make.
func dsaIdentity(t testing.TB, guid string) (*dsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	var key dsa.PrivateKey
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(&key, rand.Reader); err != nil {
		t.Fatal(err)
	}
	var c struct {
		TBS struct {
			Version                                      int `asn1:"explicit,tag:0"`
			Serial                                       *big.Int
			Algorithm, Issuer, Validity, Subject, PubKey asn1.RawValue
			Extensions                                   asn1.RawValue `asn1:"optional,explicit,tag:3"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(certify(t, guid, rsaKeys()[0]).Raw, &c); err != nil {
		t.Fatal(err)
	}
	marshal := func(v any) []byte {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	y := marshal(key.Y)
	c.TBS.PubKey = asn1.RawValue{FullBytes: marshal(struct {
		Algorithm struct {
			OID    asn1.ObjectIdentifier
			Params struct{ P, Q, G *big.Int }
		}
		Key asn1.BitString
	}{struct {
		OID    asn1.ObjectIdentifier
		Params struct{ P, Q, G *big.Int }
	}{asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, struct{ P, Q, G *big.Int }{key.P, key.Q, key.G}}, asn1.BitString{Bytes: y, BitLength: 8 * len(y)}})}
	cert, err := x509.ParseCertificate(marshal(c))
	if err != nil {
		t.Fatal(err)
	}
	return &key, cert
}

// Everything a peer's policy can hold, in the registry of an actor and on the wire
// to it: a manager that needs it is heard and answered, and is not without.
func TestPeerPolicies(t *testing.T) {
	t.Parallel()
	w, _ := deployed(t)
	manager := w.manager
	key := rsaKeys()[0]
	named := certificateWithID(t, manager.GUID, key, start.AddDate(1, 0, 0))
	over := certificateWithID(t, manager.GUID, key, start.AddDate(0, 0, -1))
	curve := newParty(t, manager.GUID, "curve", actors.RoleManager)
	dsaKey, dsaCert := dsaIdentity(t, manager.GUID)
	const capitals = "AAAAAAAA-3333-4333-8333-333333333333"
	legacy := wssec.Legacy.Policy()
	with := func(change func(*wssec.Policy)) wssec.Policy {
		p := legacy
		change(&p)
		return p
	}
	tokens := func(t wssec.Tokens) wssec.Policy { return with(func(p *wssec.Policy) { p.Tokens = t }) }
	plain := stack{signer: key, cert: named, guid: manager.GUID}
	weak := plain
	weak.method, weak.digest = dsig.RSASHA1, dsig.SHA1
	changed := func(change func(*stack)) stack {
		s := plain
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name    string
		how     stack
		policy  wssec.Policy
		without wssec.Policy // the same message under this one is refused, or
		cannot  bool         // the registry does not even take the key
	}{
		{"issuer and serial", changed(func(s *stack) { s.tokens = wssec.TokenIssuerSerial }), tokens(wssec.TokenIssuerSerial), legacy, false},
		{"key identifier", changed(func(s *stack) { s.tokens = wssec.TokenSKI }), tokens(wssec.TokenSKI), legacy, false},
		{"thumbprint", changed(func(s *stack) { s.tokens = wssec.TokenThumbprint }), tokens(wssec.TokenThumbprint), tokens(wssec.TokenSKI), false},
		{"certificate in KeyInfo", changed(func(s *stack) { s.tokens = wssec.TokenCertificate }), tokens(wssec.TokenCertificate), legacy, false},
		{"STR-Transform", changed(func(s *stack) { s.signReference = true }), tokens(wssec.TokenTransform), legacy, false},
		{"ECDSA", stack{signer: curve.Key, cert: curve.Cert, guid: manager.GUID}, with(func(p *wssec.Policy) { p.Signatures = []string{dsig.ECDSASHA256} }), legacy, true},
		{"DSA", stack{signer: dsaKey, cert: dsaCert, guid: manager.GUID}, with(func(p *wssec.Policy) { p.Signatures = []string{dsig.DSASHA1} }), legacy, true},
		{"signatures without SHA-1", plain, with(func(p *wssec.Policy) { p.Signatures = []string{dsig.RSASHA256} }), with(func(p *wssec.Policy) { p.Signatures = []string{dsig.RSASHA1} }), false},
		{"digests of SHA-512", changed(func(s *stack) { s.digest = dsig.SHA512 }), with(func(p *wssec.Policy) { p.Digests = []string{dsig.SHA512} }), with(func(p *wssec.Policy) { p.Digests = []string{dsig.SHA1} }), false},
		{"long keys", plain, with(func(p *wssec.Policy) { p.MinRSABits = 2048 }), with(func(p *wssec.Policy) { p.MinRSABits = 2049 }), true},
		{"SHA-1 from one who is not mutual", weak, wssec.LegacyStrong.Policy(), wssec.Policy{Profile: wssec.LegacyStrong, Mutual: true}, false},
		{"a certificate that is over", stack{signer: key, cert: over, guid: manager.GUID}, with(func(p *wssec.Policy) { p.ExpiredUntil = start.Add(time.Hour) }), with(func(p *wssec.Policy) { p.ExpiredUntil = start.Add(-time.Hour) }), false},
		{"capitals", stack{signer: key, cert: certificateWithID(t, capitals, key, start.AddDate(1, 0, 0)), guid: capitals}, with(func(p *wssec.Policy) { p.AnyCaseGUID = true }), legacy, true},
		{"packed answers", plain, with(func(p *wssec.Policy) { p.MTOM = true }), wssec.Strict.Policy(), false},
		{"confirmed in the other namespace", plain, with(func(p *wssec.Policy) { p.FinalConfirmation = true }), wssec.Strict.Policy(), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, to, m := w.message(t, actors.OpTicket)
			m.From = actors.ActorID(tt.how.guid)
			body, err := soap.EncodeBody(nil, w.wire(t, manager, m))
			if err != nil {
				t.Fatal(err)
			}
			request := tt.how.envelope(t, body)
			serve := func(p wssec.Policy) (*service, error) {
				var replaced error
				s := w.serve(t, to, func(c *endpoint.Config) {
					peers := c.Registry.Peers()
					for i := range peers {
						if peers[i].ID == manager.id() {
							peers[i].ID, peers[i].Policy, peers[i].Certs = m.From, p, []*x509.Certificate{tt.how.cert}
						}
					}
					replaced = c.Registry.Replace(peers)
				})
				return s, replaced
			}
			s, err := serve(tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			rec := s.post("ticket", request)
			if got := s.messages(); rec.Code != 200 || len(got) != 1 || got[0].From != m.From || got[0].Units != m.Units {
				t.Fatalf("answer %d, %+v, %v", rec.Code, got, logged(s, logrus.WarnLevel))
			}
			checkAnswer(t, s, rec, tt.policy, m.From, request)
			if tt.policy.MTOM || tt.policy.FinalConfirmation {
				return // what is written differs, not what is taken
			}
			s, err = serve(tt.without)
			if tt.cannot != (err != nil) {
				t.Fatalf("without: %v", err)
			}
			if err != nil {
				return
			}
			if rec := s.post("ticket", request); rec.Code != 500 || len(s.messages()) != 0 {
				t.Errorf("without: answer %d, %d messages", rec.Code, len(s.messages()))
			}
		})
	}
}

// The token may be signed through its reference or by its own id, and not by both:
// each target counts once (wssec A20).
func TestTokenSignedTwice(t *testing.T) {
	t.Parallel()
	w, policy := deployed(t)
	policy.Tokens = wssec.TokenTransform
	from, to, m := w.message(t, actors.OpTicket)
	body, err := soap.EncodeBody(nil, w.wire(t, from, m))
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []struct{ reference, token bool }{{true, false}, {false, true}, {true, true}} {
		s := w.serve(t, to, withPolicy(policy))
		request := stack{signer: from.Key, cert: from.Cert, guid: from.GUID, signReference: how.reference, signToken: how.token}.envelope(t, body)
		s.post("ticket", request)
		twice := how.reference && how.token
		if err := logged(s, logrus.WarnLevel); (len(s.messages()) == 1) == twice || errors.Is(err, wssec.ErrTarget) != twice {
			t.Errorf("%+v: %d taken, %v", how, len(s.messages()), err)
		}
	}
}

// certificateWithID is a certificate with a subject key identifier that ends then.
func certificateWithID(t testing.TB, guid string, key *rsa.PrivateKey, until time.Time) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: guid, OrganizationalUnit: []string{"shirako"}}, SubjectKeyId: []byte{1, 2, 3, 4},
		NotBefore: start.AddDate(-1, 0, 0), NotAfter: until,
	}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// checkAnswer opens an answer as the manager would, and looks at how it is packed
// and confirms.
func checkAnswer(t testing.TB, s *service, rec *httptest.ResponseRecorder, p wssec.Policy, caller actors.ActorID, request []byte) {
	t.Helper()
	answer, packaging, err := soap.Unpack(rec.Header().Get("Content-Type"), rec.Body.Bytes())
	if err != nil || (packaging == soap.MTOM) != p.MTOM {
		t.Fatalf("packaging %v, %v", packaging, err)
	}
	if bytes.Contains(answer, []byte(finalNS)) != p.FinalConfirmation || bytes.Contains(answer, []byte(draftNS)) == p.FinalConfirmation {
		t.Errorf("confirmed in another namespace: %s", answer)
	}
	doc, err := xmltree.Parse(answer, xmltree.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wssec.OpenResponse(doc, wssec.Opening{
		Trust: wssec.Pins{{GUID: s.party.GUID, Key: s.party.Cert.PublicKey}}, Self: string(caller), Now: s.clock.Now(),
		Policy: func(string) wssec.Policy { return wssec.Legacy.Policy() },
	}, s.party.GUID, signatureOf(request)); err != nil {
		t.Errorf("answer: %v", err)
	}
}
