package wssec

import (
	"crypto/sha1" // thumbprints and key identifiers are SHA-1 by definition
	"crypto/x509"
	"encoding/asn1"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// signer is the certificate that a message names.
type signer struct {
	cert *x509.Certificate
	text string // base64 of it, when it was in the message and is not remembered yet
}

// signer finds the certificate that KeyInfo names in one of the allowed ways. No
// way leads outside this Security header, or to a certificate that is neither in
// it nor pinned for the claimed sender (wssec.md A11).
func (l *layout) signer(keyInfo xmltree.Node, guid string, r rules, o Opening) (s signer, err error) {
	if !keyInfo.Valid() {
		return s, refuse(ErrToken, "no KeyInfo")
	}
	str, err := onlyChild(keyInfo, wsseNS, "SecurityTokenReference")
	if err != nil {
		return s, err
	}
	name, err := onlyChild(str, "", "")
	if err != nil {
		return s, err
	}
	kind := nameKind(name)
	if kind == 0 || r.tokens&kind == 0 {
		return s, refuse(ErrToken, "the signer is named by %.60q", name.Local())
	}
	if kind == TokenDirect {
		return l.direct(s, name, o)
	}
	if l.get(token).Valid() {
		return s, refuse(ErrToken, "a token that KeyInfo does not refer to")
	}
	if kind == TokenCertificate {
		return inline(s, name, o)
	}
	if o.Trust == nil {
		return s, refuse(ErrUntrusted, "nobody is known")
	}
	for _, pin := range o.Trust.Pins(guid) {
		if pin.GUID == guid && pin.Cert != nil && sameKey(pin.Key, pin.Cert.PublicKey) && names(name, kind, pin.Cert) {
			s.cert = pin.Cert
			return s, nil
		}
	}
	return s, refuse(ErrUntrusted, "no pinned certificate of that name")
}

// nameKind is the way in which an element inside a SecurityTokenReference names a
// certificate, or 0.
func nameKind(n xmltree.Node) Tokens {
	switch {
	case n.Is(wsseNS, "Reference"):
		return TokenDirect
	case n.Is(wsseNS, "KeyIdentifier"):
		switch v, _ := n.Attr("", "ValueType"); v {
		case x509SKI:
			return TokenSKI
		case thumbprint:
			return TokenThumbprint
		}
	case n.Is(dsig.Space, "X509Data"):
		if n.Child(dsig.Space, "X509Certificate").Valid() {
			return TokenCertificate
		}
		return TokenIssuerSerial
	}
	return 0
}

// direct is the certificate in the BinarySecurityToken of this Security.
func (l *layout) direct(s signer, ref xmltree.Node, o Opening) (signer, error) {
	n := l.get(token)
	if !n.Valid() {
		return s, refuse(ErrToken, "no BinarySecurityToken")
	}
	id, err := tokenID(n)
	if err != nil {
		return s, err
	}
	if err := refersTo(ref, id); err != nil {
		return s, err
	}
	return decode(s, n, o)
}

// decode reads the certificate that is the text of n.
func decode(s signer, n xmltree.Node, o Opening) (signer, error) {
	encoded, err := text(n)
	if err != nil {
		return s, err
	}
	if s.cert = o.Cache.get(encoded); s.cert != nil {
		return s, nil
	}
	s.text = encoded
	der, err := dsig.DecodeBase64(encoded)
	if err != nil {
		return s, refuse(ErrToken, "token is not base64")
	}
	// ParseCertificate refuses anything after the certificate.
	if s.cert, err = x509.ParseCertificate(der); err != nil {
		return s, refuse(ErrToken, "token is no certificate")
	}
	return s, nil
}

// inline reads X509Data with one certificate; some stacks put an X509IssuerSerial
// before it, empty or not, which says nothing that the certificate does not.
func inline(s signer, data xmltree.Node, o Opening) (signer, error) {
	var room [2]xmltree.Node
	kids, err := children(room[:0], data, 2)
	if err != nil || onlyID(data) != nil {
		return s, refuse(ErrToken, "X509Data has other content")
	}
	last := kids[len(kids)-1]
	if !last.Is(dsig.Space, "X509Certificate") || len(kids) == 2 && !kids[0].Is(dsig.Space, "X509IssuerSerial") || onlyID(last) != nil {
		return s, refuse(ErrToken, "X509Data has other content")
	}
	return decode(s, last, o)
}

// names reports whether n, of that kind, names cert.
func names(n xmltree.Node, kind Tokens, cert *x509.Certificate) bool {
	if kind == TokenIssuerSerial {
		pair, err := onlyChild(n, dsig.Space, "X509IssuerSerial")
		if err != nil {
			return false
		}
		issuer, serial := pair.Child(dsig.Space, "X509IssuerName"), pair.Child(dsig.Space, "X509SerialNumber")
		return issuer.Valid() && serial.Valid() && serial.Text() == cert.SerialNumber.String() &&
			plainName(issuer.Text()) == plainName(cert.Issuer.String())
	}
	for a := range n.Attrs() {
		if a.Space != "" || a.Local != "ValueType" && (a.Local != "EncodingType" || a.Value != base64Binary) {
			return false
		}
	}
	value, err := text(n)
	if err != nil {
		return false
	}
	got, err := dsig.DecodeBase64(value)
	if err != nil {
		return false
	}
	if kind == TokenThumbprint {
		sum := sha1.Sum(cert.Raw)
		return string(got) == string(sum[:])
	}
	return string(got) == string(keyIdentifier(cert))
}

// keyIdentifier is the subject key identifier: what the certificate says, or else
// the SHA-1 of its key (RFC 5280 4.2.1.2).
func keyIdentifier(cert *x509.Certificate) []byte {
	if len(cert.SubjectKeyId) > 0 {
		return cert.SubjectKeyId
	}
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	sum := sha1.Sum(info.Key.RightAlign())
	return sum[:]
}

// plainName takes out what writers of distinguished names differ in. It need not
// be exact: the pin decides who it is, this only which certificate is meant.
func plainName(dn string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.NewReplacer(",", " ", "+", " ", "=", " ").Replace(dn)), " "))
}

// valid wants the moment to be within a certificate's own period.
func (o Opening) valid(cert *x509.Certificate, p Policy) error {
	switch {
	case o.Now.Add(o.Skew).Before(cert.NotBefore):
	case !o.Now.Add(-o.Skew).After(cert.NotAfter), !p.ExpiredUntil.IsZero() && !o.Now.After(p.ExpiredUntil):
		return nil
	}
	return refuse(ErrExpired, "valid from %v to %v", cert.NotBefore, cert.NotAfter)
}

// tokenID checks the attributes of a BinarySecurityToken and gives its id.
func tokenID(n xmltree.Node) (id string, err error) {
	var valueType, encoding string
	for a := range n.Attrs() {
		switch {
		case a.Space == wsuNS && a.Local == "Id":
			id = a.Value
		case a.Space == "" && a.Local == "ValueType":
			valueType = a.Value
		case a.Space == "" && a.Local == "EncodingType":
			encoding = a.Value
		default:
			return "", refuse(ErrToken, "attribute %.60q of the token", a.Local)
		}
	}
	if valueType != x509v3 || encoding != base64Binary {
		return "", refuse(ErrToken, "token of another type")
	}
	return id, nil
}

// refersTo wants a Reference to the token of that id.
func refersTo(ref xmltree.Node, id string) error {
	var uri, valueType string
	for a := range ref.Attrs() {
		switch {
		case a.Space == "" && a.Local == "URI":
			uri = a.Value
		case a.Space == "" && a.Local == "ValueType":
			valueType = a.Value
		default:
			return refuse(ErrToken, "attribute %.60q of the token's Reference", a.Local)
		}
	}
	if ref.End() != ref.Index()+1 {
		return refuse(ErrToken, "the token's Reference has content")
	}
	if id == "" || uri != "#"+id || valueType != x509v3 {
		return refuse(ErrToken, "KeyInfo refers to %.80q", uri)
	}
	return nil
}

// onlyChild is the one element inside n, which has no attribute but ids. An empty
// name takes any element.
func onlyChild(n xmltree.Node, space, local string) (xmltree.Node, error) {
	if err := onlyID(n); err != nil {
		return n, err
	}
	var room [1]xmltree.Node
	kids, err := children(room[:0], n, 1)
	if err != nil {
		return n, refuse(ErrToken, "%.60q has other content", n.Local())
	}
	if len(kids) != 1 || local != "" && !kids[0].Is(space, local) {
		return n, refuse(ErrToken, "no %s in %.60q", local, n.Local())
	}
	return kids[0], nil
}

// onlyID allows the ids that legacy stacks put on KeyInfo and what is in it.
func onlyID(n xmltree.Node) error {
	for a := range n.Attrs() {
		if a.Local != "Id" || a.Space != "" && a.Space != wsuNS {
			return refuse(ErrToken, "attribute %.60q of %.60q", a.Local, n.Local())
		}
	}
	return nil
}
