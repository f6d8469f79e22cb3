package wssec

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// legacyEnvelope writes a message as WSS4J 1.5.1 does (wssec.md 4.2, 4.3): the
// token first, a line feed between the children of Signature, declarations where
// that stack puts them. What is signed is therefore not the octets that are sent,
// but every element is so simple that its canonical form is written beside it. The
// namespace is that of the envelope.
func (s Seal) legacyEnvelope(space string, payload, confirm []byte) (envelope, value []byte, err error) {
	if _, ok := s.Signer.Public().(*rsa.PublicKey); !ok {
		return nil, nil, fmt.Errorf("%w: %v needs an RSA key", ErrSeal, s.Profile)
	}
	salt := confirm
	if s.GUID == "" {
		// The same request made twice is two, and only its ids tell them apart.
		salt = []byte(s.MessageID)
	}
	w := legacyWriter{seal: s, ids: newLegacyIDs(s.Cert.Raw, payload, salt)}
	w.digest, w.method, w.sign = dsig.SHA1, dsig.RSASHA1, dsig.SignSHA1
	if w.strong = s.Profile == LegacyStrong; w.strong {
		w.digest, w.method, w.sign = dsig.SHA256, dsig.RSASHA256, dsig.Sign
	}

	token := w.token()
	bodyStart := `<soapenv:Body` + wsuDecl + ` wsu:Id="` + w.ids.body + `">`
	const bodyEnd = `</soapenv:Body>`
	w.reference(w.ids.body, []byte(`<soapenv:Body xmlns:soapenv="`+space+`"`+bodyStart[len(`<soapenv:Body`):]), payload, []byte(bodyEnd))
	var after, auth []byte
	if len(confirm) > 0 {
		after = w.confirmation(confirm)
	} else if s.GUID != "" { // or Seal.Bare
		auth = w.authToken()
	}
	if w.strong {
		w.reference(w.ids.token, []byte(`<wsse:BinarySecurityToken xmlns:wsse="`+wsseNS+`"`), token[len(`<wsse:BinarySecurityToken`):])
	}
	if w.err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSeal, w.err)
	}
	if value, err = w.sign(s.Signer, w.signedInfo(make([]byte, 0, 1024), true)); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}

	out := make([]byte, 0, 2560+len(token)+len(payload)+len(after)+2*len(value))
	out = append(out, `<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv="`+space+`"><soapenv:Header>`+"\n"+
		`<wsse:Security xmlns:wsse="`+wsseNS+`" soapenv:mustUnderstand="1">`...)
	out = append(out, token...)
	out = append(out, `<ds:Signature xmlns:ds="`+dsig.Space+`" Id="`...)
	out = append(out, w.ids.signature...)
	out = append(out, "\">\n"...)
	out = w.signedInfo(out, false)
	out = append(out, "\n<ds:SignatureValue>\n"...)
	out = appendWrapped(out, value)
	out = append(out, "</ds:SignatureValue>\n<ds:KeyInfo Id=\""...)
	out = append(out, w.ids.keyInfo...)
	out = append(out, "\">\n<wsse:SecurityTokenReference"+wsuDecl+` wsu:Id="`...)
	out = append(out, w.ids.str...)
	out = append(out, `"><wsse:Reference URI="#`...)
	out = append(out, w.ids.token...)
	out = append(out, `" ValueType="`+x509v3+`"/></wsse:SecurityTokenReference>`+"\n</ds:KeyInfo>\n</ds:Signature>"...)
	out = append(out, after...)
	out = append(out, `</wsse:Security>`...)
	out = append(out, auth...)
	out = append(out, `</soapenv:Header>`...)
	out = append(out, bodyStart...)
	out = append(out, payload...)
	return append(out, bodyEnd+`</soapenv:Envelope>`...), value, nil
}

// legacyWriter is one message in the making.
type legacyWriter struct {
	seal           Seal
	strong         bool
	ids            legacyIDs
	method, digest string
	sign           func(crypto.Signer, []byte) ([]byte, error)
	references     [4][2]string // id and digest
	n              int          // of references
	err            error        // why one of them has no digest
}

// reference adds a signed part, given its canonical octets in pieces.
func (w *legacyWriter) reference(id string, octets ...[]byte) {
	sum, err := dsig.Digest(w.digest, octets...)
	if err != nil {
		w.err = err
	}
	w.references[w.n] = [2]string{id, sum}
	w.n++
}

// token is the BinarySecurityToken as it is sent.
func (w *legacyWriter) token() []byte {
	out := make([]byte, 0, 512+4*len(w.seal.Cert.Raw)/3)
	out = append(out, `<wsse:BinarySecurityToken`+wsuDecl+` EncodingType="`+base64Binary+`" ValueType="`+x509v3+`" wsu:Id="`...)
	out = append(out, w.ids.token...)
	out = append(out, `">`...)
	out = base64.StdEncoding.AppendEncode(out, w.seal.Cert.Raw)
	return append(out, `</wsse:BinarySecurityToken>`...)
}

// confirmation is the SignatureConfirmation, in the namespace of the draft unless
// the peer is known to want the other: each stack understands one of them.
func (w *legacyWriter) confirmation(confirm []byte) []byte {
	rest := ` Value="` + base64.StdEncoding.EncodeToString(confirm) + `" wsu:Id="` + w.ids.confirmation + `"`
	wsse11 := ` xmlns:wsse11="` + wsse11NS + `"`
	if w.seal.FinalConfirmation {
		wsse11 = ` xmlns:wsse11="` + finalNS + `"`
	}
	w.reference(w.ids.confirmation, []byte(`<wsse11:SignatureConfirmation`+wsse11+wsuDecl+rest+`></wsse11:SignatureConfirmation>`))
	return []byte(`<wsse11:SignatureConfirmation` + wsuDecl + wsse11 + rest + `/>`)
}

// authToken says who we are; signed only by LegacyStrong.
func (w *legacyWriter) authToken() []byte {
	out := []byte(`<sec:AuthToken xmlns:sec="` + secNS + `"`)
	if w.strong {
		out = append(out, wsuDecl+` wsu:Id="`...)
		out = append(out, w.ids.auth...)
		out = append(out, '"')
	}
	out = append(out, ` sec:guid="`...)
	out = c14n.AppendAttr(out, w.seal.GUID)
	out = append(out, `" sec:name="`...)
	out = c14n.AppendAttr(out, w.seal.Name)
	if !w.strong {
		return append(out, `"/>`...)
	}
	out = append(out, `"></sec:AuthToken>`...)
	w.reference(w.ids.auth, out)
	return out
}

// signedInfo appends SignedInfo as it is signed or as it is sent.
func (w *legacyWriter) signedInfo(dst []byte, canonical bool) []byte {
	end := func(name string) {
		if canonical {
			dst = append(append(append(dst, "\"></ds:"...), name...), ">\n"...)
		} else {
			dst = append(dst, "\"/>\n"...)
		}
	}
	dst = append(dst, `<ds:SignedInfo`...)
	if canonical {
		dst = append(dst, ` xmlns:ds="`+dsig.Space+`"`...)
	}
	dst = append(dst, ">\n<ds:CanonicalizationMethod Algorithm=\""+c14n.Algorithm...)
	end("CanonicalizationMethod")
	dst = append(dst, `<ds:SignatureMethod Algorithm="`...)
	dst = append(dst, w.method...)
	end("SignatureMethod")
	for _, ref := range w.references[:w.n] {
		dst = append(dst, `<ds:Reference URI="#`...)
		dst = append(dst, ref[0]...)
		dst = append(dst, "\">\n<ds:Transforms>\n<ds:Transform Algorithm=\""+c14n.Algorithm...)
		end("Transform")
		dst = append(dst, "</ds:Transforms>\n<ds:DigestMethod Algorithm=\""...)
		dst = append(dst, w.digest...)
		end("DigestMethod")
		dst = append(dst, `<ds:DigestValue>`...)
		dst = append(dst, ref[1]...)
		dst = append(dst, "</ds:DigestValue>\n</ds:Reference>\n"...)
	}
	return append(dst, `</ds:SignedInfo>`...)
}

// appendWrapped appends base64 in lines of 76 columns, each with a line feed.
func appendWrapped(dst, value []byte) []byte {
	const octets = 76 / 4 * 3
	for len(value) > 0 {
		n := min(octets, len(value))
		dst = append(base64.StdEncoding.AppendEncode(dst, value[:n]), '\n')
		value = value[n:]
	}
	return dst
}

// legacyIDs are the ids of one message. They look like those of the Java stack and
// mean as little; equal messages get equal ids.
type legacyIDs struct{ token, body, auth, confirmation, signature, keyInfo, str string }

func newLegacyIDs(cert, payload, confirm []byte) legacyIDs {
	sum := crc32.Update(crc32.ChecksumIEEE(payload), crc32.IEEETable, confirm)
	id := func(kind string, n uint32) string {
		return kind + strconv.Itoa(int((sum+n*0x9e3779b1)>>1))
	}
	return legacyIDs{
		token: "CertId-" + strconv.Itoa(int(crc32.ChecksumIEEE(cert)>>1)),
		body:  id("id-", 1), auth: id("id-", 2), confirmation: id("SigConf-", 3),
		signature: id("Signature-", 4), keyInfo: id("KeyId-", 5), str: id("STRId-", 6),
	}
}
