package peers

import (
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// policy takes whatever the suites need.
var policy = dsig.Policy{
	Signatures: []string{suites[0].method, suites[1].method}, Digests: []string{suites[0].digest, suites[1].digest},
	MinRSABits: 1024, MaxReferences: 4, MaxPrefixes: 16,
}

// open verifies the one signature of a message and gives the local names of what
// it covers.
func open(t testing.TB, text string, key *rsa.PublicKey) (names []string, err error) {
	t.Helper()
	doc := parse(t, text)
	signature := find(t, doc, dsig.Space, "Signature")
	s, err := dsig.Parse(signature, policy)
	if err != nil {
		return nil, err
	}
	buf := new(c14n.Buffer)
	if err := s.Verify(key, buf); err != nil {
		return nil, err
	}
	for _, r := range s.References {
		n := byID(doc, r.ID)
		if err := r.Check(n, buf, 1<<20); err != nil {
			return nil, err
		}
		names = append(names, n.Local())
	}
	return names, nil
}

// byID is the element with this wsu:Id; invalid if there is none.
func byID(doc *xmltree.Document, id string) xmltree.Node {
	for i := range doc.Len() {
		if n := doc.At(i); !n.IsText() {
			if got, _ := n.Attr(wsuNS, "Id"); got == id {
				return n
			}
		}
	}
	return xmltree.Node{}
}

// decode reads the message of an envelope.
func decode(t testing.TB, text string) wire.Message {
	t.Helper()
	_, payload, err := soap.DecodeEnvelope(parse(t, text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := soap.DecodeBody(payload)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return m
}

// tamper changes one letter of the body.
func tamper(t testing.TB, text string) string {
	t.Helper()
	i := strings.Index(text, "7a1d1c1e-0000")
	if i < 0 {
		t.Fatal("nothing to tamper with")
	}
	return text[:i] + "8" + text[i+1:]
}
