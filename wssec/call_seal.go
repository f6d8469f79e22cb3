package wssec

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Call gives the auth struct of a call of method with request. MessageID is its nonce,
// which no other call of this actor may have; Expires is not sent, since what may be
// too old is the callee's to say. Errors wrap [ErrSeal].
func (s Seal) Call(method string, request xmlrpc.Value) (auth xmlrpc.Value, err error) {
	return s.auth(method, request, s.MessageID, "")
}

// Result gives the result of a call with the auth struct of this side in it, given the
// [Verified.SignatureValue] of that call to confirm.
func (s Seal) Result(method string, result xmlrpc.Value, confirm []byte) (xmlrpc.Value, error) {
	nonce := string(confirm)
	if nonce == "" {
		return xmlrpc.Value{}, fmt.Errorf("%w: nothing to confirm", ErrSeal)
	}
	// Nobody looks whether this nonce was there before: the caller takes one answer.
	sum := sha256.Sum256([]byte("answer to " + nonce))
	auth, err := s.auth(method+responseSuffix, result, hex.EncodeToString(sum[:16]), nonce)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return result.With("auth", auth), nil
}

func (s Seal) auth(method string, content xmlrpc.Value, nonce, inReplyTo string) (auth xmlrpc.Value, err error) {
	fail := func(what string) (xmlrpc.Value, error) { return xmlrpc.Value{}, fmt.Errorf("%w: %s", ErrSeal, what) }
	switch {
	case s.Signer == nil || s.Cert == nil:
		return fail("no key or no certificate")
	case s.GUID == s.To:
		return fail("a message to oneself")
	case !ValidName(s.Name):
		return fail("a bad actor name")
	case !ValidLegacyGUID(s.GUID) || !ValidLegacyGUID(s.To):
		return fail("a GUID that is no UUID")
	case !ValidMessageID(nonce) || len(nonce) > MaxNonce:
		return fail("a nonce that is none")
	case content.Kind() != xmlrpc.KindStruct:
		return fail("a content that is no struct")
	}
	if k, ok := s.Cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !k.Equal(s.Signer.Public()) {
		return fail("a certificate of another key")
	}
	alg := ""
	switch s.Cert.PublicKey.(type) {
	case *rsa.PublicKey:
		alg = callRSA
	case *ecdsa.PublicKey:
		alg = callECDSA
	default:
		return fail("a kind of key that no callee knows")
	}
	members := make([]xmlrpc.Member, 0, 9)
	add := func(name string, v xmlrpc.Value) { members = append(members, xmlrpc.Member{Name: name, Value: v}) }
	add(authName, xmlrpc.String(s.Name))
	add(authGUID, xmlrpc.String(s.GUID))
	add(authTo, xmlrpc.String(s.To))
	add(authTime, xmlrpc.String(strconv.FormatInt(s.Created.UnixMilli(), 10)))
	add(authNonce, xmlrpc.String(nonce))
	if inReplyTo != "" {
		add(authReplyTo, xmlrpc.String(inReplyTo))
	}
	add(authAlg, xmlrpc.String(alg))
	add(authCert, xmlrpc.Base64(s.Cert.Raw))
	octets, err := AppendCallOctets(make([]byte, 0, 4096), method, xmlrpc.Struct(members...), content)
	if err != nil {
		return xmlrpc.Value{}, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	digest := sha256.Sum256(octets)
	// Without a source of chance the signer is deterministic (RFC 6979).
	sig, err := s.Signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return xmlrpc.Value{}, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	add(authSig, xmlrpc.Base64(sig))
	return xmlrpc.Struct(members...), nil
}
