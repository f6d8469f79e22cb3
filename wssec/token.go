package wssec

import (
	"crypto/x509"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// certificate is the one in the security token, which KeyInfo must refer to in
// the one way we know: a direct reference to the token in this Security
// (wssec.md A11). It also gives the token's text, to remember it by.
func (l *layout) certificate(keyInfo xmltree.Node, o Opening) (*x509.Certificate, string, error) {
	n := l.get(token)
	id, err := tokenID(n)
	if err != nil {
		return nil, "", err
	}
	if err := refersTo(keyInfo, id); err != nil {
		return nil, "", err
	}
	encoded, err := text(n)
	if err != nil {
		return nil, "", err
	}
	cert := o.Cache.get(encoded)
	if cert == nil {
		der, err := dsig.DecodeBase64(encoded)
		if err != nil {
			return nil, "", refuse(ErrToken, "token is not base64")
		}
		// ParseCertificate refuses anything after the certificate.
		if cert, err = x509.ParseCertificate(der); err != nil {
			return nil, "", refuse(ErrToken, "token is no certificate")
		}
	}
	if o.Now.Add(o.Skew).Before(cert.NotBefore) || o.Now.Add(-o.Skew).After(cert.NotAfter) {
		return nil, "", refuse(ErrExpired, "valid from %v to %v", cert.NotBefore, cert.NotAfter)
	}
	return cert, encoded, nil
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

// refersTo wants KeyInfo(SecurityTokenReference(Reference)) to the token.
func refersTo(keyInfo xmltree.Node, id string) error {
	if !keyInfo.Valid() {
		return refuse(ErrToken, "no KeyInfo")
	}
	ref := keyInfo
	for _, local := range []string{"SecurityTokenReference", "Reference"} {
		if err := onlyID(ref); err != nil {
			return err
		}
		var room [1]xmltree.Node
		kids, err := children(room[:0], ref, 1)
		if err != nil {
			return refuse(ErrToken, "%.60q has other content", ref.Local())
		}
		if len(kids) != 1 || !kids[0].Is(wsseNS, local) {
			return refuse(ErrToken, "no %s in %.60q", local, ref.Local())
		}
		ref = kids[0]
	}
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

// onlyID allows the ids that legacy stacks put on KeyInfo and what is in it.
func onlyID(n xmltree.Node) error {
	for a := range n.Attrs() {
		if a.Local != "Id" || a.Space != "" && a.Space != wsuNS {
			return refuse(ErrToken, "attribute %.60q of %.60q", a.Local, n.Local())
		}
	}
	return nil
}
