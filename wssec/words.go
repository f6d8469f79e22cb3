package wssec

import (
	"slices"
	"strings"

	"github.com/leasehold/leasehold/wssec/dsig"
)

// The words that configuration files use for what a [Policy] holds.

// word is one of them and what it means.
type word[T any] struct {
	name string
	is   T
}

var tokenWords = []word[Tokens]{
	{"direct", TokenDirect}, {"issuer-serial", TokenIssuerSerial}, {"ski", TokenSKI},
	{"thumbprint", TokenThumbprint}, {"certificate", TokenCertificate}, {"str-transform", TokenTransform},
}

var signatureWords = []word[string]{
	{"rsa-sha1", dsig.RSASHA1}, {"rsa-sha256", dsig.RSASHA256}, {"rsa-sha512", dsig.RSASHA512},
	{"dsa-sha1", dsig.DSASHA1}, {"ecdsa-sha256", dsig.ECDSASHA256},
}

var digestWords = []word[string]{{"sha1", dsig.SHA1}, {"sha256", dsig.SHA256}, {"sha512", dsig.SHA512}}

func named[T any](words []word[T], name string) (is T, ok bool) {
	i := slices.IndexFunc(words, func(w word[T]) bool { return w.name == name })
	if i < 0 {
		return is, false
	}
	return words[i].is, true
}

func namesOf[T any](words []word[T], in func(T) bool) []string {
	var out []string
	for _, w := range words {
		if in(w.is) {
			out = append(out, w.name)
		}
	}
	return out
}

func every[T any](T) bool { return true }

// TokenNamed is the way of naming certificates that is called so.
func TokenNamed(name string) (Tokens, bool) { return named(tokenWords, name) }

// TokenNames lists the names that TokenNamed knows.
func TokenNames() []string { return namesOf(tokenWords, every) }

// Names are the names of the ways in t, in a fixed order.
func (t Tokens) Names() []string {
	return namesOf(tokenWords, func(one Tokens) bool { return t&one != 0 })
}

// String lists the names.
func (t Tokens) String() string { return strings.Join(t.Names(), ", ") }

// SignatureNamed is the signature algorithm that is called so.
func SignatureNamed(name string) (algorithm string, ok bool) { return named(signatureWords, name) }

// SignatureNames lists the names that SignatureNamed knows.
func SignatureNames() []string { return namesOf(signatureWords, every) }

// DigestNamed is the digest algorithm that is called so.
func DigestNamed(name string) (algorithm string, ok bool) { return named(digestWords, name) }

// DigestNames lists the names that DigestNamed knows.
func DigestNames() []string { return namesOf(digestWords, every) }

// AlgorithmName is what a signature or digest algorithm is called; one that has no
// name is called what it is.
func AlgorithmName(algorithm string) string {
	for _, words := range [][]word[string]{signatureWords, digestWords} {
		if names := namesOf(words, func(is string) bool { return is == algorithm }); names != nil {
			return names[0]
		}
	}
	return algorithm
}
