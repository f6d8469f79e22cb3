package peers

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"fmt"
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
	if strings.Contains(text, suites[0].method) {
		return openSHA1(doc, signature, key)
	}
	s, err := dsig.Parse(signature, policy)
	if err != nil {
		return nil, err
	}
	buf, err := s.Verify(key, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range s.References {
		n := byID(doc, r.ID)
		if buf, err = r.Check(n, buf, 1<<20); err != nil {
			return nil, err
		}
		names = append(names, n.Local())
	}
	return names, nil
}

// openSHA1 does by hand what package dsig does for stronger signatures, so that our
// canonical form is judged by the oldest messages too.
func openSHA1(doc *xmltree.Document, signature xmltree.Node, key *rsa.PublicKey) (names []string, err error) {
	info := signature.Child(dsig.Space, "SignedInfo")
	value, err := dsig.DecodeBase64(signature.Child(dsig.Space, "SignatureValue").Text())
	if err != nil {
		return nil, err
	}
	octets := c14n.Exclusive(nil, info, prefixes(info.Child(dsig.Space, "CanonicalizationMethod")))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA1, sum(crypto.SHA1, octets), value); err != nil {
		return nil, fmt.Errorf("%w: %v", dsig.ErrSignature, err)
	}
	for r := range info.Children() {
		if !r.Is(dsig.Space, "Reference") {
			continue
		}
		uri, _ := r.Attr("", "URI")
		n := byID(doc, strings.TrimPrefix(uri, "#"))
		transform := r.Child(dsig.Space, "Transforms").Child(dsig.Space, "Transform")
		octets := c14n.Exclusive(nil, n, prefixes(transform))
		want, err := dsig.DecodeBase64(r.Child(dsig.Space, "DigestValue").Text())
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(sum(crypto.SHA1, octets), want) {
			return nil, fmt.Errorf("%w: %s", dsig.ErrDigest, n.Local())
		}
		names = append(names, n.Local())
	}
	return names, nil
}

// prefixes is the PrefixList of a method or transform.
func prefixes(n xmltree.Node) []string {
	list, _ := n.Child(c14n.Algorithm, "InclusiveNamespaces").Attr("", "PrefixList")
	return strings.Fields(list)
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
