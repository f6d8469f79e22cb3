package peers

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"iter"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

const (
	wsseNS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsuNS  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	secNS  = "http://issg.cs.duke.edu/sharp/sec"

	base64Binary = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	x509v3       = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
)

// identity signs messages in these tests.
type identity struct {
	name string
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

// identities are two signers, as weak as legacy actors are and as they should be.
var identities = sync.OnceValues(func() ([]identity, error) {
	var out []identity
	for _, bits := range []int{1024, 2048} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(int64(bits)), Subject: pkix.Name{CommonName: fmt.Sprintf("signer %d", bits)},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
			SubjectKeyId: []byte{1, 2, 3, byte(bits >> 8)},
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			return nil, err
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		out = append(out, identity{fmt.Sprintf("rsa%d", bits), key, cert})
	}
	return out, nil
})

// signers gives the identities, after telling a peer of them if there is one.
func signers(t testing.TB, p *peer) []identity {
	t.Helper()
	ids, err := identities()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if p == nil {
			break
		}
		der, err := x509.MarshalPKCS8PrivateKey(id.key)
		if err != nil {
			t.Fatal(err)
		}
		p.ask(t, "key", []byte(id.name), der, id.cert.Raw)
	}
	return ids
}

// suite is a signature algorithm and the digest that goes with it.
type suite struct {
	name, method, digest string
	hash                 crypto.Hash
}

var suites = []suite{
	{"sha1", "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1", crypto.SHA1},
	{"sha256", dsig.RSASHA256, dsig.SHA256, crypto.SHA256},
}

// combinations are every signer with every suite.
func combinations(ids []identity) iter.Seq2[identity, suite] {
	return func(yield func(identity, suite) bool) {
		for _, id := range ids {
			for _, s := range suites {
				if !yield(id, s) {
					return
				}
			}
		}
	}
}

// message is a redeem with so many properties that its body has about size octets.
func message(size int) wire.Message {
	list := []wire.Property{{Name: "config.image", Value: "a & b < c\r\n\ttab \"quoted\" é \U0001F600"}}
	for n := 0; n*76 < size-1500; n++ { // each is about 76 octets, the rest 1500
		list = append(list, wire.Property{Name: fmt.Sprintf("unit.property.%05d", n), Value: fmt.Sprintf("value %d", n)})
	}
	return wire.Message{
		Op: wire.OpRedeem, MessageID: "7a1d1c1e-0000-4000-8000-000000000002", CallbackURL: "http://sm.example:8080/orca/services/sm?a=1&b=2",
		Reservation: wire.Reservation{
			ID: "2b7b9a40-9d0b-4b0f-8a65-0d3c6c5a1001", Sequence: 1 << 40,
			Slice: wire.Slice{Name: "demo <slice>", GUID: "9a1d3c77-52c6-44b2-93a5-5f5b7d0a2001"},
			Resources: wire.Resources{Units: 3, Type: "unc.vm", Configuration: list,
				Concrete: []wire.Property{{Name: "ticket.resourceTicket", Value: "<ticket>\n  <a b=\"&#xa;\"/>\n</ticket>"}}},
			Term: wire.Term{StartTime: 1700000000000, EndTime: 1700086399999, NewStartTime: 1700000000000},
		},
	}
}

// sizes are those that performance is judged by: the body of a request without a
// concrete set, and that of a site's answer for many units.
var sizes = map[string]int{"3k": 3 << 10, "52k": 52 << 10}

func body(t testing.TB, m wire.Message) string {
	t.Helper()
	octets, err := soap.EncodeBody(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return string(octets)
}

// envelope is an unsigned message in two pieces around the Security header.
type envelope struct{ before, after string }

func (e envelope) String() string { return e.before + e.after }

const authToken = `<sec:AuthToken xmlns:sec="` + secNS + `" sec:name="sm" sec:guid="33333333-3333-4333-8333-333333333333"/>`

// shapes are ways in which the same body arrives from different stacks.
var shapes = map[string]func(body string) envelope{
	"ours": func(body string) envelope { return wrap("soapenv:", "xmlns:soapenv", body) },
	// Axis 1, and Axis2 with some serialisers: each unqualified child says so.
	"xmlns-empty": func(body string) envelope {
		return wrap("soapenv:", "xmlns:soapenv", replaceTags(body, ` xmlns=""`))
	},
	// SOAP itself is the default namespace, so that children have to leave it.
	"default-envelope": func(body string) envelope {
		return wrap("", "xmlns", replaceTags(body, ` xmlns=""`))
	},
	// A default namespace that nothing signed uses, but prefix lists may name.
	"default-unused": func(body string) envelope {
		e := wrap("soapenv:", `xmlns="urn:unused" xmlns:unused="urn:unused" xmlns:soapenv`, replaceTags(body, ` xmlns=""`))
		return e
	},
	// Everything that canonical form changes: order, quotes, references, CDATA, white
	// space in tags and raw line ends in attributes.
	"untidy": func(body string) envelope {
		e := wrap("soapenv:", "xmlns:z='urn:z' xmlns:soapenv", body)
		e.after = strings.NewReplacer(
			"<messageID>", "<messageID\n z:b = '1\n2\t&#x9;&#10;&quot;>' xmlns:a='urn:a' a:c=\"'\" b=''\r\n>",
			"<units>3</units>", "<units>&#51;</units>",
			"<type>unc.vm</type>", "<type><![CDATA[unc.]]>vm</type>",
			"<slice>", "<slice   >",
		).Replace(e.after)
		return e
	},
}

// wrap puts a body into an envelope whose elements have the prefix.
func wrap(prefix, declare, body string) envelope {
	return envelope{
		before: "<" + prefix + "Envelope " + declare + `="` + soap.EnvelopeNS + `"><` + prefix + "Header>",
		after:  authToken + "</" + prefix + "Header><" + prefix + `Body xmlns:wsu="` + wsuNS + `" wsu:Id="the-body">` + body + "</" + prefix + "Body></" + prefix + "Envelope>",
	}
}

// replaceTags adds an attribute to the unprefixed children of the wrapper.
func replaceTags(body, attr string) string {
	for _, tag := range []string{"messageID", "reservation", "callbackURL"} {
		body = strings.Replace(body, "<"+tag+">", "<"+tag+attr+">", 1)
	}
	return body
}

// seal signs the body of an envelope as our c14n sees it, whatever octets it has,
// and further elements of the Security header, given in canonical form.
func seal(t testing.TB, e envelope, id identity, s suite, more ...dsig.Part) string {
	t.Helper()
	doc := parse(t, e.String())
	parts := []dsig.Part{{ID: "the-body", Octets: c14n.Exclusive(nil, find(t, doc, soap.EnvelopeNS, "Body"), nil)}}
	info := signedInfo(s, append(parts, more...))
	value, err := rsa.SignPKCS1v15(nil, id.key, s.hash, sum(s.hash, info))
	if err != nil {
		t.Fatal(err)
	}
	var elements string
	for _, m := range more {
		elements += string(m.Octets)
	}
	return e.before + security(id, string(info), base64.StdEncoding.EncodeToString(value), elements) + e.after
}

// template is an envelope with a signature over its body that xmlsec1 shall fill in.
func template(e envelope, id identity, s suite) string {
	info := string(signedInfo(s, []dsig.Part{{ID: "the-body"}}))
	return e.before + security(id, strings.Replace(info, digest(s.hash, nil), "", 1), "", "") + e.after
}

// security is a Security header with the signer's certificate as a token.
func security(id identity, info, value, more string) string {
	return `<wsse:Security xmlns:wsse="` + wsseNS + `"><wsse:BinarySecurityToken xmlns:wsu="` + wsuNS +
		`" EncodingType="` + base64Binary + `" ValueType="` + x509v3 + `" wsu:Id="the-token">` +
		base64.StdEncoding.EncodeToString(id.cert.Raw) + `</wsse:BinarySecurityToken><ds:Signature xmlns:ds="` + dsig.Space + `">` +
		info + "<ds:SignatureValue>" + value +
		`</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#the-token" ValueType="` + x509v3 +
		`"/></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>` + more + `</wsse:Security>`
}

// signedInfo is that of package dsig, with the algorithms of the suite in it.
func signedInfo(s suite, parts []dsig.Part) []byte {
	info := string(dsig.AppendSignedInfo(nil, s.method, parts))
	if s.digest == dsig.SHA256 {
		return []byte(info)
	}
	info = strings.ReplaceAll(info, dsig.SHA256, s.digest)
	for _, p := range parts {
		info = strings.Replace(info, digest(crypto.SHA256, p.Octets), digest(s.hash, p.Octets), 1)
	}
	return []byte(info)
}

func sum(hash crypto.Hash, octets []byte) []byte {
	h := hash.New()
	h.Write(octets)
	return h.Sum(nil)
}

func digest(hash crypto.Hash, octets []byte) string {
	return base64.StdEncoding.EncodeToString(sum(hash, octets))
}

func parse(t testing.TB, text string) *xmltree.Document {
	t.Helper()
	doc, err := xmltree.Parse([]byte(text), xmltree.DefaultLimits())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc
}

// find is the one element of that name.
func find(t testing.TB, doc *xmltree.Document, space, local string) xmltree.Node {
	t.Helper()
	var found xmltree.Node
	for i := range doc.Len() {
		if n := doc.At(i); n.Is(space, local) {
			if found.Valid() {
				t.Fatalf("two elements %s", local)
			}
			found = n
		}
	}
	if !found.Valid() {
		t.Fatalf("no element %s", local)
	}
	return found
}
