package inspect

import (
	"bytes"
	"crypto"
	"crypto/dsa" //nolint:staticcheck // legacy peers have such keys; we only verify
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/pjbgf/sha1cd"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// Signature is what a ds:Signature says.
type Signature struct {
	Method     string      `json:"method"`
	References []Reference `json:"references"`
	SignedInfo int         `json:"signedInfoOctets"` // of its canonical form
	Holds      bool        `json:"holds"`            // with the key of the certificate in the message
	Problem    string      `json:"problem,omitempty"`

	canonical []byte
	value     []byte
	inKeyInfo xmltree.Node // ds:X509Certificate; invalid if there is none
}

// Reference is one ds:Reference and what came of it.
type Reference struct {
	URI     string `json:"uri"`
	Digest  string `json:"digest"` // algorithm
	Part    string `json:"part,omitempty"`
	Problem string `json:"problem,omitempty"`

	value    []byte
	prefixes []string
	plain    bool // exclusive canonical form is its only transform
	token    bool // the STR-Transform is: it digests the token that its target names
}

// Canonical is the canonical octets of SignedInfo.
func (s *Signature) Canonical() []byte { return s.canonical }

const (
	exclusive    = "http://www.w3.org/2001/10/xml-exc-c14n#"
	strTransform = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
)

func readSignature(n xmltree.Node) *Signature {
	s := &Signature{References: []Reference{}}
	info := n.Child(dsNS, "SignedInfo")
	s.Method = algorithm(info.Child(dsNS, "SignatureMethod"))
	s.value, _ = decode(n.Child(dsNS, "SignatureValue").Text())
	s.inKeyInfo = n.Child(dsNS, "KeyInfo").Child(wsseNS, "SecurityTokenReference").Child(dsNS, "X509Data").Child(dsNS, "X509Certificate")
	method := info.Child(dsNS, "CanonicalizationMethod")
	if name := algorithm(method); name != exclusive {
		s.Problem = fmt.Sprintf("canonical form %q is not known here", clip(name))
	}
	for c := range info.Children() {
		if !c.Is(dsNS, "Reference") {
			continue
		}
		uri, _ := c.Attr("", "URI")
		r := Reference{URI: uri, Digest: algorithm(c.Child(dsNS, "DigestMethod"))}
		r.value, _ = decode(c.Child(dsNS, "DigestValue").Text())
		count := 0
		for t := range c.Child(dsNS, "Transforms").Children() {
			count++
			r.plain = count == 1 && algorithm(t) == exclusive
			r.token = count == 1 && algorithm(t) == strTransform
			r.prefixes = prefixList(t)
		}
		s.References = append(s.References, r)
	}
	if info.Valid() && s.Problem == "" {
		var err error
		if s.canonical, err = canonical(info, prefixList(method)); err != nil {
			s.Problem = err.Error()
		}
	}
	s.SignedInfo = len(s.canonical)
	return s
}

func algorithm(n xmltree.Node) string {
	name, _ := n.Attr("", "Algorithm")
	return name
}

func prefixList(n xmltree.Node) []string {
	list, _ := n.Child(exclusive, "InclusiveNamespaces").Attr("", "PrefixList")
	return strings.Fields(list)
}

func decode(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
}

// digests by the name of their algorithm.
var digests = map[string]crypto.Hash{
	dsNS + "sha1": crypto.SHA1,
	"http://www.w3.org/2001/04/xmlenc#sha256":       crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
}

// digest is the digest of octets, unless they were made to collide: then there is no
// telling what was signed.
func digest(hash crypto.Hash, octets []byte) ([]byte, error) {
	if hash == crypto.SHA1 {
		sum, collision := sha1cd.Sum(octets)
		if collision {
			return nil, errors.New("made to collide with something else under SHA-1")
		}
		return sum[:], nil
	}
	h := hash.New()
	h.Write(octets)
	return h.Sum(nil), nil
}

// check compares the digest with that of n.
func (r *Reference) check(n xmltree.Node) {
	hash, ok := digests[r.Digest]
	if !ok {
		r.Problem = fmt.Sprintf("digest %q is not known here", clip(r.Digest))
		return
	}
	if !r.plain && !r.token {
		r.Problem = "transforms other than the exclusive canonical form and the STR-Transform"
		return
	}
	form, err := canonical(n, r.prefixes)
	if err != nil {
		r.Problem = err.Error()
		return
	}
	if at := 1 + len(n.Name()); r.token && !bytes.HasPrefix(form[at:], []byte(` xmlns="`)) {
		form = slices.Insert(form, at, []byte(` xmlns=""`)...) // WSS SOAP Message Security 1.0, 8.3
	}
	sum, err := digest(hash, form)
	switch {
	case err != nil:
		r.Problem = err.Error()
	case !bytes.Equal(sum, r.value):
		r.Problem = fmt.Sprintf("digest is %s, SignedInfo says %s", base64.StdEncoding.EncodeToString(sum), base64.StdEncoding.EncodeToString(r.value))
	}
}

// methods by the name of their algorithm.
var methods = map[string]struct {
	hash crypto.Hash
	kind string // of key
}{
	dsNS + "rsa-sha1": {crypto.SHA1, "RSA"},
	dsNS + "dsa-sha1": {crypto.SHA1, "DSA"},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256":   {crypto.SHA256, "RSA"},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":   {crypto.SHA384, "RSA"},
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":   {crypto.SHA512, "RSA"},
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": {crypto.SHA256, "ECDSA"},
}

// Certificate is the one in the message: in a BinarySecurityToken, or in KeyInfo.
func (m *Message) Certificate() (*x509.Certificate, error) {
	var found *x509.Certificate
	nodes := []xmltree.Node{}
	for _, p := range m.Parts {
		if p.node.Is(wsseNS, "BinarySecurityToken") {
			nodes = append(nodes, p.node)
		}
	}
	if m.Signature != nil && m.Signature.inKeyInfo.Valid() {
		nodes = append(nodes, m.Signature.inKeyInfo)
	}
	for _, n := range nodes {
		der, err := decode(n.Text())
		if err != nil {
			return nil, errors.New("the security token is no Base64")
		}
		if found != nil {
			return nil, errors.New("two security tokens")
		}
		if found, err = x509.ParseCertificate(der); err != nil {
			return nil, fmt.Errorf("the security token is no certificate: %w", err)
		}
	}
	if found == nil {
		return nil, errors.New("no security token in the message; give the signer's certificate")
	}
	return found, nil
}

// Verify checks the signature value with a key, and notes the result.
func (m *Message) Verify(key crypto.PublicKey) {
	s := m.Signature
	if s == nil {
		return
	}
	if s.Problem == "" {
		if err := s.verify(key); err != nil {
			s.Problem = err.Error()
		}
	}
	if s.Holds = s.Problem == ""; !s.Holds {
		m.problem("signature: %s", s.Problem)
	}
}

// SignedWith reports whether the signature value verifies with a key, and notes
// nothing.
func (m *Message) SignedWith(key crypto.PublicKey) bool {
	return m.Signature != nil && m.Signature.Problem == "" && m.Signature.verify(key) == nil
}

func (s *Signature) verify(key crypto.PublicKey) error {
	method, ok := methods[s.Method]
	if !ok {
		return fmt.Errorf("method %q is not known here", clip(s.Method))
	}
	sum, err := digest(method.hash, s.canonical)
	if err != nil {
		return err
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if method.kind == "RSA" && rsa.VerifyPKCS1v15(key, method.hash, sum, s.value) == nil {
			return nil
		}
	case *ecdsa.PublicKey:
		half := len(s.value) / 2
		r, t := new(big.Int).SetBytes(s.value[:half]), new(big.Int).SetBytes(s.value[half:])
		if method.kind == "ECDSA" && ecdsa.Verify(key, sum, r, t) {
			return nil
		}
	case *dsa.PublicKey:
		half := len(s.value) / 2
		r, t := new(big.Int).SetBytes(s.value[:half]), new(big.Int).SetBytes(s.value[half:])
		if method.kind == "DSA" && key.P.BitLen() <= 3072 && dsa.Verify(key, sum, r, t) {
			return nil
		}
	}
	return errors.New("the value does not verify with this key")
}
