package wssec

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leasehold/leasehold/wssec/dsig"
)

// Policy is what was agreed with one peer: a profile, and where the peer departs
// from it. An administrator writes it down; a message never changes it. The zero
// Policy accepts nothing. A field left zero means what the profile says.
type Policy struct {
	Profile Profile
	// Signatures and Digests are the algorithms taken from the peer, by their names
	// in package dsig. Strict allows no other than its own; the legacy profiles
	// allow dsig.DSASHA1 and dsig.ECDSASHA256 to be added.
	Signatures, Digests []string
	// MinRSABits is the shortest RSA key taken, never less than the profile's.
	MinRSABits int
	// Tokens are the ways in which KeyInfo may name the signer; zero means
	// TokenDirect alone.
	Tokens Tokens
	// Mutual asks a LegacyStrong peer to sign as it is signed to: no SHA-1, and the
	// AuthToken and the token signed too.
	Mutual bool
	// ExpiredUntil takes a certificate whose period is over until this moment. The
	// pin is what is trusted; this buys the time to replace it.
	ExpiredUntil time.Time
	// MTOM packs messages to the peer as multipart/related, as deployed clients do.
	// It changes nothing about the envelope.
	MTOM bool
}

// Tokens is a set of the ways in which KeyInfo may name the signer's certificate
// (wssec.md A11). All but TokenDirect and TokenCertificate name a certificate that
// is not in the message, and so need one in the [Pin].
type Tokens uint8

// The ways to name a certificate.
const (
	TokenDirect       Tokens = 1 << iota // a Reference to the BinarySecurityToken in the same Security
	TokenIssuerSerial                    // X509Data with X509IssuerSerial
	TokenSKI                             // KeyIdentifier: the subject key identifier
	TokenThumbprint                      // KeyIdentifier: the SHA-1 of the certificate
	TokenCertificate                     // X509Data with the certificate itself
	TokenTransform                       // beside one of these: References may use the STR-Transform

	tokenAll = TokenDirect | TokenIssuerSerial | TokenSKI | TokenThumbprint | TokenCertificate | TokenTransform
)

// Policy is the profile as it is.
func (p Profile) Policy() Policy { return Policy{Profile: p} }

// Check says what is wrong with a policy, or nil.
func (p Policy) Check() error {
	_, err := p.rules()
	return err
}

// rules is the profile's row with what the policy changes.
func (p Policy) rules() (rules, error) {
	row, ok := p.Profile.rules()
	if !ok {
		return rules{}, fmt.Errorf("wssec: no profile %d", uint8(p.Profile))
	}
	r := *row
	for _, name := range p.Signatures {
		if !slices.Contains(r.signatures.Signatures, name) && !slices.Contains(r.more, name) {
			return rules{}, fmt.Errorf("wssec: profile %s does not take signatures %.100q", r.name, name)
		}
	}
	for _, name := range p.Digests {
		if !slices.Contains(r.signatures.Digests, name) {
			return rules{}, fmt.Errorf("wssec: profile %s does not take digests %.100q", r.name, name)
		}
	}
	switch {
	case p.MinRSABits != 0 && p.MinRSABits < r.signatures.MinRSABits:
		return rules{}, fmt.Errorf("wssec: profile %s takes no RSA keys of less than %d bits", r.name, r.signatures.MinRSABits)
	case p.Tokens&^r.tokens != 0:
		return rules{}, fmt.Errorf("wssec: profile %s takes no such tokens", r.name)
	case p.Mutual && p.Profile != LegacyStrong:
		return rules{}, errors.New("wssec: only legacy-strong can be mutual")
	case p.MTOM && r.headers:
		return rules{}, fmt.Errorf("wssec: profile %s is not packed", r.name)
	}
	if p.Signatures != nil {
		r.signatures.Signatures = p.Signatures
	}
	if p.Digests != nil {
		r.signatures.Digests = p.Digests
	}
	r.signatures.MinRSABits = max(r.signatures.MinRSABits, p.MinRSABits)
	if r.tokens = p.Tokens; r.tokens&^TokenTransform == 0 {
		r.tokens |= TokenDirect
	}
	r.signatures.STRTransform = r.tokens&TokenTransform != 0
	if p.Mutual {
		weak := func(name string) bool { return name == dsig.RSASHA1 || name == dsig.DSASHA1 || name == dsig.SHA1 }
		r.signatures.Signatures = slices.DeleteFunc(slices.Clone(r.signatures.Signatures), weak)
		r.signatures.Digests = slices.DeleteFunc(slices.Clone(r.signatures.Digests), weak)
		r.request.sign |= authToken | token
		r.request.need |= token
		r.response.sign |= token
		r.response.need |= token
	}
	return r, nil
}
