package wssec

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// Seal is everything about a message but its body. The same Seal and body give
// the same octets.
type Seal struct {
	Signer     crypto.Signer     // RSA of 2048 bits or more, or ECDSA P-256; for legacy peers RSA
	Cert       *x509.Certificate // carries the signer's public key
	GUID, Name string            // who we are: the AuthToken
	To         string            // GUID of the actor it is meant for, and for no other
	// MessageID of a request is that of its body. In a response it is that of
	// the request answered, sent as wsa:RelatesTo.
	MessageID string
	Created   time.Time // sent to the millisecond
	Expires   time.Time // at most MaxLifetime later
	Profile   Profile
	// FinalConfirmation is that of [Policy], for responses under the legacy profiles.
	FinalConfirmation bool
}

// Request is a request envelope around body: the canonical octets of the one
// child of soap:Body, which declares every prefix it uses and uses none of
// "env", "soapenv" and "wsu". Errors wrap [ErrSeal].
func (s Seal) Request(body []byte) ([]byte, error) {
	envelope, _, err := s.RequestConfirm(body)
	return envelope, err
}

// RequestConfirm is [Seal.Request] that also gives the octets of the
// SignatureValue, which the answer has to confirm: OpenResponse wants them.
func (s Seal) RequestConfirm(body []byte) (envelope, confirm []byte, err error) {
	r, err := s.check(body)
	switch {
	case err != nil:
		return nil, nil, err
	case !r.headers:
		return s.legacyEnvelope(soapNS, body, nil)
	}
	return s.envelope(r.request.need, body, nil)
}

// Response is the envelope that answers a request, given the
// [Verified.SignatureValue] of that request to confirm.
func (s Seal) Response(body []byte, confirm []byte) ([]byte, error) {
	r, err := s.check(body)
	if err != nil {
		return nil, err
	}
	if len(confirm) == 0 {
		return nil, fmt.Errorf("%w: nothing to confirm", ErrSeal)
	}
	var envelope []byte
	if r.headers {
		envelope, _, err = s.envelope(r.response.need, body, confirm)
	} else {
		envelope, _, err = s.legacyEnvelope(soapNS, body, confirm)
	}
	return envelope, err
}

// check refuses what a receiver would refuse, so that a mistake is found here.
func (s Seal) check(body []byte) (*rules, error) {
	fail := func(what string) (*rules, error) { return nil, fmt.Errorf("%w: %s", ErrSeal, what) }
	r, ok := s.Profile.rules()
	switch {
	case !ok:
		return fail("no profile")
	case s.Signer == nil || s.Cert == nil:
		return fail("no key or no certificate")
	case s.GUID == s.To:
		return fail("a message to oneself")
	case !ValidName(s.Name):
		return fail("a bad actor name")
	case len(body) == 0 || body[0] != '<':
		return fail("a body that is no element")
	case declares(body, r.headers):
		// Inside Body these would be redundant, and canonical form drops them.
		return fail("a body that declares the prefix env, soapenv or wsu")
	case !r.headers && !ValidLegacyGUID(s.GUID):
		return fail("a GUID that is no UUID")
	case r.headers && (!ValidGUID(s.GUID) || !ValidGUID(s.To)):
		return fail("a GUID that is no lower-case UUID")
	case !r.headers:
	case !ValidMessageID(s.MessageID):
		return fail("a bad message id")
	case !s.Expires.After(s.Created) || s.Expires.Sub(s.Created) > r.lifetime:
		return fail("a bad lifetime")
	case s.Created.UTC().Year() < 1 || s.Expires.UTC().Year() > 9999:
		return fail("a date beyond four digits")
	}
	if k, ok := s.Cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !k.Equal(s.Signer.Public()) {
		return fail("a certificate of another key")
	}
	return r, nil
}

// declares reports whether a tag of the canonical octets declares a prefix that the
// envelope has declared before. The same characters in a text are harmless: there,
// the last angle bracket before them closes a tag.
func declares(canonical []byte, strict bool) bool {
	for from := 0; ; {
		i := bytes.Index(canonical[from:], []byte(" xmlns:"))
		if i < 0 {
			return false
		}
		before, after := canonical[:from+i], canonical[from+i+len(" xmlns:"):]
		for _, prefix := range [...]string{`env="`, `wsu="`, `soapenv="`} {
			if (!strict || prefix != `soapenv="`) && bytes.HasPrefix(after, []byte(prefix)) &&
				bytes.LastIndexByte(before, '<') > bytes.LastIndexByte(before, '>') {
				return true
			}
		}
		from += i + len(" xmlns:")
	}
}

// The fixed text of an envelope. Every element that is signed declares its own
// prefixes, so that its octets are its canonical form wherever it stands.
const (
	wsuDecl = ` xmlns:wsu="` + wsuNS + `"`

	head = `<env:Envelope xmlns:env="` + soapNS + `"><env:Header>` +
		`<wsse:Security xmlns:wsse="` + wsseNS + `" env:mustUnderstand="1">`
	signatureHead = `<ds:Signature xmlns:ds="` + dsig.Space + `">`
	keyInfo       = `</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference>` +
		`<wsse:Reference URI="#sec-token" ValueType="` + x509v3 + `"></wsse:Reference>` +
		`</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>`
	neck = `</wsse:Security>`
	foot = `</env:Envelope>`
)

// envelope writes the parts of set, signs them and puts them together.
func (s Seal) envelope(set part, payload, confirm []byte) (envelope, value []byte, err error) {
	method, err := dsig.MethodFor(s.Signer.Public())
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	// All parts go into one buffer, in the order of their bits, and SignedInfo after
	// them. Nothing of it is left in the envelope, so the buffer is used again.
	scratch := drafts.Get().(*[]byte)
	buf := (*scratch)[:0]
	defer func() {
		if cap(buf) <= maxBuffer {
			*scratch = buf
			drafts.Put(scratch)
		}
	}()
	var ends [parts + 1]int
	for i := range parts {
		if set.has(1 << i) {
			buf = s.appendPart(buf, part(1<<i), payload, confirm)
		}
		ends[i+1] = len(buf)
	}
	octets := func(p part) []byte { return buf[ends[p.index()]:ends[p.index()+1]] }

	var room [parts]dsig.Part
	signed := room[:0]
	for i := range parts {
		if set.has(1 << i) {
			signed = append(signed, dsig.Part{ID: partInfo[i].id, Octets: octets(1 << i)})
		}
	}
	buf = dsig.AppendSignedInfo(buf, method, signed)
	info := buf[ends[parts]:]
	if value, err = dsig.Sign(s.Signer, info); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}

	out := make([]byte, 0, len(head)+len(signatureHead)+len(keyInfo)+len(buf)+2*len(value)+128)
	out = append(out, head...)
	out = append(out, octets(token)...)
	out = append(out, octets(timestamp)...)
	out = append(out, signatureHead...)
	out = append(out, info...)
	out = append(out, "<ds:SignatureValue>"...)
	out = base64.StdEncoding.AppendEncode(out, value)
	out = append(out, keyInfo...)
	out = append(out, octets(confirmation)...)
	out = append(out, neck...)
	for _, p := range []part{authToken, to, messageID, relatesTo} {
		out = append(out, octets(p)...)
	}
	out = append(out, "</env:Header>"...)
	out = append(out, octets(body)...)
	return append(out, foot...), value, nil
}

// drafts are room for the parts of messages in the making.
var drafts = sync.Pool{New: func() any { return new([]byte) }}

// appendPart writes one part in canonical form.
func (s Seal) appendPart(dst []byte, p part, payload, confirm []byte) []byte {
	open := func(tag string) {
		dst = append(dst, tag...)
		dst = append(dst, ` wsu:Id="`...)
		dst = append(dst, partInfo[p.index()].id...)
		dst = append(dst, '"')
	}
	text := func(tag, content string) {
		open(tag)
		dst = append(dst, '>')
		dst = c14n.AppendText(dst, content)
	}
	switch p {
	case body:
		open(`<env:Body xmlns:env="` + soapNS + `"` + wsuDecl)
		dst = append(dst, '>')
		dst = append(dst, payload...)
		dst = append(dst, `</env:Body>`...)
	case authToken:
		open(`<sec:AuthToken xmlns:sec="` + secNS + `"` + wsuDecl)
		dst = append(dst, ` sec:guid="`...)
		dst = c14n.AppendAttr(dst, s.GUID)
		dst = append(dst, `" sec:name="`...)
		dst = c14n.AppendAttr(dst, s.Name)
		dst = append(dst, `"></sec:AuthToken>`...)
	case token:
		open(`<wsse:BinarySecurityToken xmlns:wsse="` + wsseNS + `"` + wsuDecl +
			` EncodingType="` + base64Binary + `" ValueType="` + x509v3 + `"`)
		dst = append(dst, '>')
		dst = base64.StdEncoding.AppendEncode(dst, s.Cert.Raw)
		dst = append(dst, `</wsse:BinarySecurityToken>`...)
	case timestamp:
		open(`<wsu:Timestamp` + wsuDecl)
		dst = append(dst, `><wsu:Created>`...)
		dst = s.Created.UTC().AppendFormat(dst, timeLayout)
		dst = append(dst, `</wsu:Created><wsu:Expires>`...)
		dst = s.Expires.UTC().AppendFormat(dst, timeLayout)
		dst = append(dst, `</wsu:Expires></wsu:Timestamp>`...)
	case to:
		text(`<wsa:To xmlns:wsa="`+wsaNS+`"`+wsuDecl, urnUUID+s.To)
		dst = append(dst, `</wsa:To>`...)
	case messageID:
		text(`<wsa:MessageID xmlns:wsa="`+wsaNS+`"`+wsuDecl, s.MessageID)
		dst = append(dst, `</wsa:MessageID>`...)
	case relatesTo:
		text(`<wsa:RelatesTo xmlns:wsa="`+wsaNS+`"`+wsuDecl, s.MessageID)
		dst = append(dst, `</wsa:RelatesTo>`...)
	case confirmation:
		open(`<wsse11:SignatureConfirmation xmlns:wsse11="` + wsse11NS + `"` + wsuDecl + ` Value="` +
			base64.StdEncoding.EncodeToString(confirm) + `"`)
		dst = append(dst, `></wsse11:SignatureConfirmation>`...)
	}
	return dst
}

// timeLayout is the one form of time in a Timestamp: UTC, to the millisecond.
const timeLayout = "2006-01-02T15:04:05.000Z"
