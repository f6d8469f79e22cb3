package ticket

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

// Markers of the text form.
const (
	scheme       = "sha256-chain-1"
	certClass    = "sun.security.x509.X509CertImpl"                // tickets 3.4.1
	certResolves = "java.security.cert.Certificate$CertificateRep" // tickets 3.4.2
)

const spaces = "                                                                " // 32 levels; a ticket has fewer

// link is one step of a chain as it stands in the text: a record, the
// signature that makes it valid and the certificate of its holder.
type link struct {
	Record
	signature []byte
	der       []byte // holder's certificate
}

// appendTicket appends the text of a chain, newest link first.
func appendTicket(dst []byte, chain []link) []byte {
	dst = append(dst, `<sharpTicket scheme="`+scheme+`">`...)
	dst = open(dst, 1, "delegations")
	for _, l := range chain {
		dst = appendRecord(dst, 2, l.Record, l.signature)
	}
	dst = shut(dst, 1, "delegations")
	dst = appendCertificate(dst, 1, "certificate", chain)
	return append(dst, "\n</sharpTicket>"...)
}

// appendRecord appends a record at an indent of level. Without a signature and
// at level 0 these are the canonical bytes that get signed (tickets 4.1.2).
func appendRecord(dst []byte, level int, r Record, signature []byte) []byte {
	if level == 0 {
		dst = append(dst, "<signedDelegation>"...)
	} else {
		dst = open(dst, level, "signedDelegation")
	}
	in := level + 1
	dst = leaf(dst, in, "guid", r.GUID)
	dst = open(dst, in, "term")
	dst = leaf(dst, in+1, "startTime", xstream.FormatDate(r.Start))
	dst = leaf(dst, in+1, "endTime", xstream.FormatDate(r.End))
	dst = leaf(dst, in+1, "newStartTime", xstream.FormatDate(r.NewStart))
	dst = shut(dst, in, "term")
	dst = leaf(dst, in, "units", strconv.Itoa(r.Units))
	dst = append(indent(dst, in), `<type type="`...)
	dst = append(escape(dst, r.Type, true), `"/>`...)
	dst = appendProperties(dst, in, r.Properties)
	dst = leaf(dst, in, "issuer", r.Issuer)
	dst = leaf(dst, in, "holder", r.Holder)
	if signature != nil {
		dst = open(dst, in, "signature")
		dst = leaf(dst, in+1, "signature", xstream.Lines(signature))
		dst = leaf(dst, in+1, "ts", xstream.FormatDate(r.NewStart))
		dst = shut(dst, in, "signature")
	}
	return shut(dst, level, "signedDelegation")
}

// appendProperties writes sorted properties. The element is there even when
// empty: a legacy site fails on a new ticket without it (tickets 6.3).
func appendProperties(dst []byte, level int, p map[string]string) []byte {
	if len(p) == 0 {
		return append(indent(dst, level), "<properties/>"...)
	}
	dst = open(dst, level, "properties")
	for _, k := range slices.Sorted(maps.Keys(p)) {
		dst = append(indent(dst, level+1), `<property name="`...)
		dst = append(escape(dst, k, true), `" value="`...)
		dst = append(escape(dst, p[k], true), `"/>`...)
	}
	return shut(dst, level, "properties")
}

// appendCertificate writes the nested certificates, the holder's outermost and
// the site's innermost (tickets 2.4). A legacy reader wants a signature in
// every level but the root's; the record's own goes there, because it covers
// the same certificate and more.
func appendCertificate(dst []byte, level int, name string, chain []link) []byte {
	l := chain[0]
	dst = open(dst, level, name)
	dst = leaf(dst, level+1, "id", certID(l.signature))
	dst = leaf(dst, level+1, "ts", xstream.FormatDate(l.NewStart))
	if len(chain) > 1 {
		dst = appendCertificate(dst, level+1, "issuerCertificate", chain[1:])
	}
	dst = append(indent(dst, level+1), `<holderCertificate class="`+certClass+`" resolves-to="`+certResolves+`">`...)
	dst = leaf(dst, level+2, "type", "X.509")
	dst = leaf(dst, level+2, "data", base64.StdEncoding.EncodeToString(l.der))
	dst = shut(dst, level+1, "holderCertificate")
	if len(chain) > 1 {
		dst = leaf(dst, level+1, "signature", base64.StdEncoding.EncodeToString(l.signature))
	}
	return shut(dst, level, name)
}

// certID is the id of a certificate entry. Legacy issuers draw it by chance; it
// means nothing to anybody, so ours follows from the signature.
func certID(signature []byte) string {
	s := sha256.Sum256(append([]byte("leasehold ticket certificate id:"), signature...))
	s[6] = s[6]&0x0f | 0x80
	s[8] = s[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", s[0:4], s[4:6], s[6:8], s[8:10], s[10:16])
}

// escape writes text or an attribute value (tickets 3.2 E16). Code points that
// Unicode has not assigned are written as they are: which ones those are
// differs between releases, and a signed form may not.
func escape(dst []byte, s string, attribute bool) []byte {
	for _, c := range s {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '"':
			dst = append(dst, "&quot;"...)
		case c == '\'':
			dst = append(dst, "&apos;"...)
		case c == '\r', attribute && (c == '\n' || c == '\t'), 0x7f <= c && c <= 0x9f:
			dst = append(dst, "&#x"...)
			dst = append(strconv.AppendInt(dst, int64(c), 16), ';')
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}

func indent(dst []byte, level int) []byte {
	return append(append(dst, '\n'), spaces[:2*level]...)
}

func open(dst []byte, level int, name string) []byte {
	return append(append(append(indent(dst, level), '<'), name...), '>')
}

func shut(dst []byte, level int, name string) []byte {
	return append(append(append(indent(dst, level), "</"...), name...), '>')
}

func leaf(dst []byte, level int, name, text string) []byte {
	dst = escape(open(dst, level, name), text, false)
	return append(append(append(dst, "</"...), name...), '>')
}
