package wssec

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// OpenBare opens a message whose sender is its key and nothing besides: node agents and
// those who speak to them sign the Body, send the certificate with it, and have no AuthToken
// (nodeagent 1.2). The envelope may be of SOAP 1.1 or 1.2. Trusted says whether a
// certificate's key may speak. Nothing in such a message says when or for whom it was made:
// the caller asks [Once] whether it was seen before. An answer has to confirm the
// [Verified.SignatureValue] of its request, and signs that it does; of a request confirm is
// nil. Every error wraps [ErrRefused].
func OpenBare(doc *xmltree.Document, now time.Time, trusted func(*x509.Certificate) bool, confirm []byte) (v Verified, cert *x509.Certificate, err error) {
	l, err := find(doc, soapNS, soap12NS)
	if err != nil {
		return v, nil, err
	}
	need := shape{need: body | token, sign: body, may: timestamp | confirmation, ifThere: timestamp, final: true}
	if len(confirm) > 0 {
		need = shape{need: body | token | confirmation, sign: body | confirmation, may: timestamp, ifThere: timestamp, final: true}
	}
	if err := l.check(need, ""); err != nil {
		return v, nil, err
	}
	index, err := indexIDs(doc)
	if err != nil {
		return v, nil, err
	}
	policy := Legacy.Policy()
	r, err := policy.rules()
	if err != nil {
		return v, nil, err
	}
	s, err := dsig.Parse(l.signature, r.signatures)
	if err != nil {
		return v, nil, refuse(err, "Signature")
	}
	targets, err := l.targets(s, &index, need)
	if err != nil {
		return v, nil, err
	}
	o := Opening{Now: now, Skew: 5 * time.Minute}
	by, err := l.signer(s.KeyInfo, "", r, o)
	if err != nil {
		return v, nil, err
	}
	if err := o.valid(by.cert, policy); err != nil {
		return v, nil, err
	}
	if !trusted(by.cert) {
		return v, nil, refuse(ErrUntrusted, "key of %.60q", by.cert.Subject.CommonName)
	}
	if err := digests(doc, s, by.cert.PublicKey, targets[:]); err != nil {
		return v, nil, err
	}
	if n := l.get(timestamp); n.Valid() {
		if v.created, err = o.fresh(n, MaxLifetime); err != nil {
			return v, nil, err
		}
	}
	if len(confirm) > 0 {
		if err := confirms(l.get(confirmation), confirm); err != nil {
			return v, nil, err
		}
	}
	v.body, v.value, v.key, v.profile = l.payload, s.Value, by.cert.PublicKey, Legacy
	v.replay = legacyReplayKey(by.cert, s, targets[:], l.get(body))
	return v, by.cert, nil
}

// Bare is an envelope around payload that says nothing of us but our key; it is signed as
// deployed node agents check it, with SHA-1 unless the profile is LegacyStrong. MessageID,
// which is not sent, has to be another one for each message, or the receiver takes one
// for a repetition of the other. An answer confirms the [Verified.SignatureValue] of its
// request, without which deployed callers take it for a failure (wssec 4.3); of a request
// confirm is nil.
func (s Seal) Bare(payload, confirm []byte) ([]byte, error) { return s.bare(soapNS, payload, confirm) }

// Bare12 is [Seal.Bare] in an envelope of SOAP 1.2.
func (s Seal) Bare12(payload, confirm []byte) ([]byte, error) {
	return s.bare(soap12NS, payload, confirm)
}

func (s Seal) bare(space string, payload, confirm []byte) ([]byte, error) {
	if s.Signer == nil || s.Cert == nil {
		return nil, fmt.Errorf("%w: no key or no certificate", ErrSeal)
	}
	if s.Profile != Legacy && s.Profile != LegacyStrong {
		return nil, fmt.Errorf("%w: %v has no messages without a sender", ErrSeal, s.Profile)
	}
	s.GUID, s.Name = "", ""
	envelope, _, err := s.legacyEnvelope(space, payload, confirm)
	return envelope, err
}
