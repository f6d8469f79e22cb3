package ticket

import (
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

/*
MD5 is broken: two texts with one MD5 can be made at will. Legacy actors know
nothing else (tickets 4.1.1), so it stays confined to this file and to peers that
were declared legacy. What still holds: to use a collision against an issuer one
must choose both texts before he signs, and every record begins with a GUID that
the issuer draws; an endorsement covers a certificate that the holder chose
himself, but grants nothing without a record that names its common name.
*/

func verifyMD5(key crypto.PublicKey, signed, signature []byte) error {
	k, ok := key.(*rsa.PublicKey)
	if !ok {
		return ErrKey
	}
	sum := md5.Sum(signed)
	if rsa.VerifyPKCS1v15(k, crypto.MD5, sum[:], signature) != nil {
		return ErrSignature
	}
	return nil
}

// signMD5 signs without a source of chance: PKCS#1 v1.5 needs none, so the same
// record always gets the same ticket.
func signMD5(signer crypto.Signer, text []byte) ([]byte, error) {
	sum := md5.Sum(text)
	sig, err := signer.Sign(nil, sum[:], crypto.MD5)
	if err != nil {
		return nil, fmt.Errorf("ticket: sign: %w", err)
	}
	return sig, nil
}

// suitableMD5 says why a key may not sign legacy tickets, or nil: RSA of 1024 to
// 8192 bits may (tickets 13.2).
func suitableMD5(key crypto.PublicKey) error {
	k, ok := key.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("%w: %T in a legacy ticket", ErrKey, key)
	}
	if n := k.N.BitLen(); n < 1024 || n > 8192 {
		return fmt.Errorf("%w: RSA of %d bits", ErrKey, n)
	}
	return nil
}

func legacyCertificate(der []byte, holder string) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrMalformed, err)
	}
	if err := named(cert, holder); err != nil {
		return nil, err
	}
	return cert, suitableMD5(cert.PublicKey)
}

// legacyRoot is Root in the legacy scheme.
func legacyRoot(r Record, signer crypto.Signer, cert *x509.Certificate, rules legacyRules) (string, error) {
	switch err := r.checkAs(rules); {
	case err != nil:
		return "", fmt.Errorf("ticket: root: %w", err)
	case r.Issuer != r.Holder:
		return "", fmt.Errorf("ticket: root: %w: issuer %s, holder %s", ErrLink, r.Issuer, r.Holder)
	case !same(signer.Public(), cert.PublicKey):
		return "", fmt.Errorf("ticket: root: %w: the certificate is for another key", ErrLink)
	}
	return legacyGrow(nil, r, signer, cert)
}

// legacyDelegate is Delegate in the legacy scheme.
func legacyDelegate(parent string, r Record, signer crypto.Signer, holder *x509.Certificate, rules legacyRules) (string, error) {
	t, err := parseLegacy(parent, rules)
	if err != nil {
		return "", fmt.Errorf("ticket: parent: %w", err)
	}
	if err := r.checkAs(rules); err != nil {
		return "", fmt.Errorf("ticket: delegate: %w", err)
	}
	if err := r.within(t.links[0].Record); err != nil {
		return "", fmt.Errorf("ticket: delegate: %w", err)
	}
	cert, err := legacyCertificate(t.links[0].der, t.links[0].Holder)
	if err != nil {
		return "", fmt.Errorf("ticket: parent: %w", err)
	}
	if !same(signer.Public(), cert.PublicKey) {
		return "", fmt.Errorf("ticket: delegate: %w: the parent is held with another key", ErrLink)
	}
	return legacyGrow(&t, r, signer, holder)
}

// legacyGrow puts a signed record, and an endorsed certificate, in front of a
// chain it was checked against. Ancestors are written as they were read, their
// properties in the same order, so that their signatures still hold.
func legacyGrow(t *legacyText, r Record, signer crypto.Signer, holder *x509.Certificate) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("ticket: record %s: %w", r.GUID, err) }
	out := xstream.Ticket{Form: xstream.Sharp}
	properties := len(r.Properties)
	certificate := &xstream.Certificate{Time: xstream.At(r.NewStart), Holder: &xstream.Blob{Octets: holder.Raw}}
	if t != nil {
		for _, l := range t.links {
			properties += len(l.Properties)
			if l.GUID == r.GUID {
				return fail(fmt.Errorf("%w: its guid is taken", ErrLink))
			}
		}
		out.Delegations, certificate.Issuer = t.Delegations, t.Certificate
	}
	switch {
	case len(out.Delegations) == MaxRecords:
		return fail(fmt.Errorf("%w: more than %d records", ErrLimit, MaxRecords))
	case properties > MaxProperties:
		return fail(fmt.Errorf("%w: more than %d properties", ErrLimit, MaxProperties))
	}
	if err := named(holder, r.Holder); err != nil {
		return fail(err)
	}
	for _, key := range []crypto.PublicKey{signer.Public(), holder.PublicKey} {
		if err := suitableMD5(key); err != nil {
			return fail(err)
		}
	}
	d := legacyRecord(r)
	sig, err := signMD5(signer, d.SignedBytes())
	if err != nil {
		return fail(err)
	}
	d.Signature = &xstream.Signature{Value: xstream.Lines(sig), Time: xstream.At(r.NewStart)}
	certificate.ID = certID(sig)
	if t != nil {
		endorsement, err := signMD5(signer, holder.Raw)
		if err != nil {
			return fail(err)
		}
		certificate.Signature = &xstream.Blob{Octets: endorsement}
	}
	out.Delegations = append([]*xstream.Delegation{d}, out.Delegations...)
	out.Certificate = certificate
	text := out.Append(nil)
	if len(text) > MaxText {
		return fail(fmt.Errorf("%w: %d octets of text, at most %d", ErrLimit, len(text), MaxText))
	}
	return string(text), nil
}

// legacyRecord is a record as legacy classes hold it. Its properties are sorted,
// and there even when empty: a legacy site fails without them (tickets 6.3).
func legacyRecord(r Record) *xstream.Delegation {
	d := &xstream.Delegation{
		Signed: true, GUID: r.GUID, Units: int32(r.Units), Issuer: r.Issuer, Holder: r.Holder,
		Term:       &xstream.Term{Start: xstream.At(r.Start), End: xstream.At(r.End), NewStart: xstream.At(r.NewStart)},
		Type:       &xstream.Type{Name: r.Type},
		Properties: &xstream.Properties{},
	}
	for _, k := range slices.Sorted(maps.Keys(r.Properties)) {
		d.Properties.List = append(d.Properties.List, xstream.Property{Name: k, Value: r.Properties[k]})
	}
	return d
}
