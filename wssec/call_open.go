package wssec

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// CallLife is how long after it was signed a call is taken, the skew of clocks apart. A
// replay cache that remembers for [MaxLifetime] and twice the skew remembers calls for
// long enough.
const CallLife = 5 * time.Minute

// OpenCall checks a call of method whose two parameters were auth and request, and says
// whose it is; request is then what was signed. The caller then asks [Replay] whether it
// has seen the call before. Every error wraps [ErrRefused].
//
// The document that calls go by does not say for whom a call is. Ours do, in the member
// to, and of a Strict peer it is demanded: a call without it could be passed on to
// another actor as if it had been made there (wssec A7).
func OpenCall(method string, auth, request xmlrpc.Value, o Opening) (Verified, error) {
	return o.call(method, auth, request, "", nil)
}

// OpenResult checks the result of a call of method by the actor peer, whose nonce was
// confirm: that peer signed it, as the answer to this call.
func OpenResult(method string, result xmlrpc.Value, o Opening, peer string, confirm []byte) (Verified, error) {
	if peer == "" || len(confirm) == 0 {
		return Verified{}, refuse(ErrConfirmation, "no call to answer")
	}
	return o.call(method+responseSuffix, result.Member("auth"), result.Without("auth"), peer, confirm)
}

func (o Opening) call(method string, auth, content xmlrpc.Value, peer string, confirm []byte) (v Verified, err error) {
	if auth.Kind() != xmlrpc.KindStruct || content.Kind() != xmlrpc.KindStruct {
		return v, refuse(ErrShape, "a call is two structs")
	}
	if v.name, v.guid, err = o.caller(auth, peer); err != nil {
		return v, err
	}
	// From here on the log may name the claimed sender.
	defer func() {
		if err != nil {
			v, err = Verified{}, &claimed{v.guid, err}
		}
	}()
	policy, r, _, err := o.agreed(v.guid, peer)
	if err != nil {
		return v, err
	}
	if policy.Protocol != XMLRPC {
		return v, refuse(ErrProfile, "agreed with this peer is %v, not XML-RPC", policy.Protocol)
	}
	cert, text, err := o.callCert(auth, r)
	if err != nil {
		return v, err
	}
	if err := o.valid(cert, policy); err != nil {
		return v, err
	}
	if !pinned(o.Trust, v.guid, cert.PublicKey) {
		return v, refuse(ErrUntrusted, "key of %.60q", cert.Subject.CommonName)
	}
	if err := CheckCall(method, auth, content, cert.PublicKey); err != nil {
		return v, err
	}

	// What follows is signed; it is checked for being meant for us, now.
	if v.created, err = o.freshCall(auth, peer == ""); err != nil {
		return v, err
	}
	to, present := auth.Member(authTo).Text()
	if present && to != o.Self || !present && r.headers && peer == "" {
		return v, refuse(ErrDestination, "%.80q", to)
	}
	nonce, _ := auth.Member(authNonce).Text()
	if !ValidMessageID(nonce) || len(nonce) > MaxNonce {
		return v, refuse(ErrShape, "nonce %.80q", nonce)
	}
	if peer != "" {
		if of, _ := auth.Member(authReplyTo).Text(); of != string(confirm) {
			return v, refuse(ErrConfirmation, "answer to %.80q", of)
		}
		nonce = string(confirm)
	}
	o.Cache.put(text, cert)
	nonce = strings.Clone(nonce)
	v.message, v.value, v.dated = nonce, []byte(nonce), true
	v.replay = v.guid + " call " + nonce
	v.key, v.profile = cert.PublicKey, policy.Profile
	return v, nil
}

// caller is who a call says it is from.
func (o Opening) caller(auth xmlrpc.Value, peer string) (name, guid string, err error) {
	name, _ = auth.Member(authName).Text()
	guid, _ = auth.Member(authGUID).Text()
	if err := o.acceptable(guid, name, peer); err != nil {
		return "", "", err
	}
	return strings.Clone(name), strings.Clone(guid), nil
}

// callCert is the certificate that a call was signed with, if its algorithm is one that
// was agreed.
func (o Opening) callCert(auth xmlrpc.Value, r rules) (cert *x509.Certificate, text string, err error) {
	der, ok := auth.Member(authCert).Raw()
	if auth.Member(authCert).Kind() != xmlrpc.KindBase64 || !ok || der == "" {
		return nil, "", refuse(ErrToken, "no certificate")
	}
	text = "der " + der
	if cert = o.Cache.get(text); cert == nil {
		if len(der) > maxCallCert {
			return nil, "", refuse(ErrToken, "a certificate of %d octets", len(der))
		}
		if cert, err = x509.ParseCertificate([]byte(der)); err != nil {
			return nil, "", refuse(ErrToken, "%v", err)
		}
	}
	alg, _ := auth.Member(authAlg).Text()
	method := ""
	switch cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if alg == callRSA {
			method = dsig.RSASHA256
		}
	case *ecdsa.PublicKey:
		if alg == callECDSA {
			method = dsig.ECDSASHA256
		}
	}
	if method == "" || !slices.Contains(r.signatures.Signatures, method) {
		return nil, "", refuse(ErrToken, "algorithm %.40q with a key of type %T", alg, cert.PublicKey)
	}
	if err := r.signatures.Suits(cert.PublicKey); err != nil {
		return nil, "", refuse(ErrToken, "%v", err)
	}
	return cert, text, nil
}

// maxCallCert bounds the octets of a certificate that is parsed for a stranger.
const maxCallCert = 16 << 10

// CheckCall says why key did not sign a call, or nil. It is for tools: what else a call
// must be is in [OpenCall].
func CheckCall(method string, auth, content xmlrpc.Value, key crypto.PublicKey) error {
	sig := auth.Member(authSig)
	value, _ := sig.Raw()
	if sig.Kind() != xmlrpc.KindBase64 || value == "" {
		return refuse(ErrUnsigned, "no signature")
	}
	octets, err := AppendCallOctets(make([]byte, 0, 4096), method, auth, content)
	if err != nil {
		return refuse(ErrShape, "%v", err)
	}
	digest := sha256.Sum256(octets)
	good := false
	switch k := key.(type) {
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], []byte(value)) == nil
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(k, digest[:], []byte(value))
	}
	if !good {
		return refuse(dsig.ErrSignature, "of %s", method)
	}
	return nil
}

// freshCall compares the time of signing with that of the check.
func (o Opening) freshCall(auth xmlrpc.Value, request bool) (created time.Time, err error) {
	ms, ok := auth.Member(authTime).Number()
	created = time.UnixMilli(ms)
	switch {
	case !ok || ms <= 0:
		return created, refuse(ErrStale, "no time")
	case created.After(o.Now.Add(o.Skew)):
		return created, refuse(ErrStale, "created in the future: %v, and it is %v", created.UTC(), o.Now.UTC())
	case request && created.Before(o.NotBefore.Truncate(time.Millisecond)):
		return created, refuse(ErrStale, "created before we started: %v", created.UTC())
	case created.Before(o.Now.Add(-CallLife - o.Skew)):
		return created, refuse(ErrStale, "created at %v, and it is %v", created.UTC(), o.Now.UTC())
	}
	return created, nil
}
