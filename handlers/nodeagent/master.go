package nodeagent

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" // nodeagent 2: deployed authorities read nothing else
	"crypto/md5" // likewise
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // likewise
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

/*
The first key (nodeagent 2). The node was booted with AUTH_HASH, the fingerprint of its
authority's certificate, and NODE_TOKEN, which only that authority knows. The authority shows the
certificate, and the node answers with its own certificate and the token, encrypted for the
authority: so the node knows whom it obeys, and the authority which key is the node's.

The length of AUTH_HASH says how all that is done: MD5 or SHA-1 with PKCS #1 and Triple DES, as
deployed authorities do it, or SHA-256 with OAEP and AES-GCM. Once a key is there, the exchange is
over: only the same authority gets the same answer again.
*/

// boot is what a node was booted with.
type boot struct{ hash, token string }

func (a *Agent) boot() (b boot) {
	for _, word := range strings.Fields(a.cfg.CommandLine) {
		if v, ok := strings.CutPrefix(word, "AUTH_HASH="); ok {
			b.hash = v
		}
		if v, ok := strings.CutPrefix(word, "NODE_TOKEN="); ok {
			b.token = v
		}
	}
	return b
}

// strongHash reports whether a fingerprint is one of SHA-256.
func strongHash(hash string) bool { return len(hash) == 3*sha256.Size-1 }

// fingerprint is a certificate's in the form of AUTH_HASH.
func fingerprint(cert *x509.Certificate, length int) string {
	var sum []byte
	switch length {
	case 3*md5.Size - 1:
		s := md5.Sum(cert.Raw)
		sum = s[:]
	case 3*sha1.Size - 1:
		s := sha1.Sum(cert.Raw)
		sum = s[:]
	default:
		s := sha256.Sum256(cert.Raw)
		sum = s[:]
	}
	return strings.ToUpper(strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":"), ":"))
}

func (a *Agent) registerAuthority(r wire.Request) wire.Response {
	fail := func(format string, args ...any) wire.Response {
		out := refused(wire.InvalidArguments, format, args...)
		out.Reply, out.Key = []byte{0}, []byte{0}
		return out
	}
	b := a.boot()
	cert, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		return fail("no certificate: %v", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < 1024 {
		return fail("the authority's key is no RSA key of 1024 bits or more")
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	a.mu.Lock()
	known := a.keys[first]
	a.mu.Unlock()
	if known != nil {
		if !same(known.Cert.PublicKey, key) {
			return fail("there is an authority already")
		}
	} else {
		if b.hash == "" || b.token == "" {
			return fail("the node was not booted with AUTH_HASH and NODE_TOKEN")
		}
		if !strings.EqualFold(fingerprint(cert, len(b.hash)), b.hash) {
			return fail("the certificate is not the one of AUTH_HASH")
		}
		if err := selfSigned(cert); err != nil {
			return fail("the certificate is not signed with its own key: %v", err)
		}
		if err := signedBy(key, r.Message, r.Signature, strongHash(b.hash)); err != nil {
			return fail("the request is not signed by the authority")
		}
	}
	reply, secret, err := a.answer(key, b)
	if err != nil {
		return fail("%v", err)
	}
	if known == nil {
		if err := a.keep(&Key{first, cert, Rights}); err != nil {
			out := fail("%v", err)
			out.Code = wire.InternalError
			return out
		}
		a.cfg.Log("the authority %s is known from now on", cert.Subject)
	}
	return wire.Response{Reply: reply, Key: secret}
}

// selfSigned checks a certificate's own signature, also with MD5, which the fingerprint has
// vouched for already and crypto/x509 does not compute.
func selfSigned(cert *x509.Certificate) error {
	key, _ := cert.PublicKey.(*rsa.PublicKey)
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA:
		sum := md5.Sum(cert.RawTBSCertificate)
		return rsa.VerifyPKCS1v15(key, crypto.MD5, sum[:], cert.Signature)
	case x509.SHA1WithRSA:
		sum := sha1.Sum(cert.RawTBSCertificate)
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], cert.Signature)
	}
	return cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
}

// signedBy checks the signature of the request's octets.
func signedBy(key *rsa.PublicKey, message, signature []byte, strong bool) error {
	sum := sha256.Sum256(message)
	if strong {
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	short, weak := md5.Sum(message), sha1.Sum(message)
	if rsa.VerifyPKCS1v15(key, crypto.MD5, short[:], signature) == nil ||
		rsa.VerifyPKCS1v15(key, crypto.SHA1, weak[:], signature) == nil {
		return nil
	}
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}

// answer is the node's certificate and the token, and the key they are encrypted with,
// encrypted for the authority.
func (a *Agent) answer(key *rsa.PublicKey, b boot) (reply, secret []byte, err error) {
	var token bytes.Buffer
	if err := xml.EscapeText(&token, []byte(b.token)); err != nil {
		return nil, nil, err
	}
	text := []byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n<keymastermessage>\n  <nodecertificate>" +
		base64.StdEncoding.EncodeToString(a.identity.Cert.Raw) + "</nodecertificate>\n  <nodetoken>" + token.String() + "</nodetoken>\n</keymastermessage>\n")
	if strongHash(b.hash) {
		k := make([]byte, 32)
		_, _ = rand.Read(k)
		g, err := gcm(k)
		if err != nil {
			return nil, nil, err
		}
		reply = g.Seal(nil, nil, text, nil)
		secret, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, key, []byte(base64.StdEncoding.EncodeToString(k)), nil)
		return reply, secret, err
	}
	k := make([]byte, 24)
	_, _ = rand.Read(k)
	if reply, err = crypt3DES(k, text, true); err != nil {
		return nil, nil, err
	}
	secret, err = rsa.EncryptPKCS1v15(rand.Reader, key, []byte(base64.StdEncoding.EncodeToString(k)))
	return reply, secret, err
}

// gcm is AES-GCM that writes its nonce before what it seals.
func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// crypt3DES is TripleDES/ECB/PKCS5.
func crypt3DES(key, text []byte, encrypt bool) ([]byte, error) {
	block, err := des.NewTripleDESCipher(key)
	if err != nil {
		return nil, err
	}
	n := block.BlockSize()
	if encrypt {
		pad := n - len(text)%n
		text = append(append([]byte(nil), text...), bytes.Repeat([]byte{byte(pad)}, pad)...)
	}
	if len(text) == 0 || len(text)%n != 0 {
		return nil, errors.New("nodeagent: not whole blocks")
	}
	out := make([]byte, len(text))
	for i := 0; i < len(text); i += n {
		if encrypt {
			block.Encrypt(out[i:], text[i:])
		} else {
			block.Decrypt(out[i:], text[i:])
		}
	}
	if encrypt {
		return out, nil
	}
	pad := int(out[len(out)-1])
	if pad < 1 || pad > n {
		return nil, errors.New("nodeagent: bad padding")
	}
	return out[:len(out)-pad], nil
}

// OpenAnswer is the authority's half: the node's certificate out of an answer, if the token
// in it is the one that the node was booted with.
func OpenAnswer(key *rsa.PrivateKey, reply, secret []byte, token string) (*x509.Certificate, error) {
	bad := errors.New("nodeagent: the answer is not for this key")
	var text []byte
	if plain, err := rsa.DecryptOAEP(sha256.New(), nil, key, secret, nil); err == nil {
		k, err := base64.StdEncoding.DecodeString(string(plain))
		if err != nil {
			return nil, bad
		}
		g, err := gcm(k)
		if err != nil {
			return nil, bad
		}
		if text, err = g.Open(nil, nil, reply, nil); err != nil {
			return nil, bad
		}
	} else {
		plain, err := rsa.DecryptPKCS1v15(nil, key, secret)
		if err != nil {
			return nil, bad
		}
		k, err := base64.StdEncoding.DecodeString(string(plain))
		if err != nil {
			return nil, bad
		}
		if text, err = crypt3DES(k, reply, false); err != nil {
			return nil, bad
		}
	}
	// Written in ISO-8859-1, of which ASCII alone is used.
	_, body, _ := strings.Cut(string(text), "?>")
	doc, err := xmltree.Parse([]byte(strings.TrimSpace(body)), xmltree.Limits{})
	if err != nil {
		return nil, bad
	}
	root := doc.Root()
	if subtle.ConstantTimeCompare([]byte(root.Child("", "nodetoken").Text()), []byte(token)) == 0 {
		return nil, errors.New("nodeagent: the node has another token: it is not the one that was booted")
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(root.Child("", "nodecertificate").Text()), ""))
	if err != nil {
		return nil, bad
	}
	return x509.ParseCertificate(der)
}

// Hash is the fingerprint of a certificate for AUTH_HASH, with SHA-256.
func Hash(cert *x509.Certificate) string { return fingerprint(cert, 0) }

// LegacyHash is the one that deployed nodes compare: with MD5 or SHA-1, as the certificate
// is signed.
func LegacyHash(cert *x509.Certificate) string {
	if cert.SignatureAlgorithm == x509.MD5WithRSA {
		return fingerprint(cert, 3*md5.Size-1)
	}
	return fingerprint(cert, 3*sha1.Size-1)
}
