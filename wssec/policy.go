package wssec

import (
	"crypto"
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
	// AnyCaseGUID lets the peer's GUID have letters in upper case, as those of some
	// deployed actors have (wire contract, trap 47). It is still compared octet by
	// octet.
	AnyCaseGUID bool
	// FinalConfirmation confirms a peer's signatures in the namespace of the finished
	// standard. Stacks newer than those of deployed actors look for no other; deployed
	// actors know the draft's alone. Both are read from everybody.
	FinalConfirmation bool
	// Protocol is what messages to and from the peer are written in. Nothing in the other
	// one is taken from it.
	Protocol Protocol
}

// Protocol is a rendering of the leasing protocol.
type Protocol uint8

// The protocols.
const (
	SOAP   Protocol = iota // SOAP 1.1 with WS-Security
	XMLRPC                 // XML-RPC with the auth struct of xmlrpc-leasing 5
)

// String is the protocol's name in configuration files.
func (p Protocol) String() string {
	if p == XMLRPC {
		return "xmlrpc"
	}
	return "soap"
}

// ParseProtocol is the inverse of String. The empty name is SOAP, and so is what actor
// registries call it.
func ParseProtocol(name string) (Protocol, error) {
	switch name {
	case "", "soap", "soapaxis2":
		return SOAP, nil
	case "xmlrpc":
		return XMLRPC, nil
	}
	return SOAP, fmt.Errorf("wssec: no protocol %.40q", name)
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

// Mistake is one thing that is wrong with a [Policy]. Field is the one of its fields
// to change.
type Mistake struct{ Field, Text string }

// Check says what is wrong with a policy, all at once, or nil.
func (p Policy) Check() error {
	var all []error
	for _, m := range p.Mistakes() {
		all = append(all, fmt.Errorf("wssec: %s: %s", m.Field, m.Text))
	}
	return errors.Join(all...)
}

// Mistakes are what Check reports, in the order of the fields.
func (p Policy) Mistakes() (all []Mistake) {
	bad := func(field, format string, args ...any) {
		all = append(all, Mistake{field, fmt.Sprintf(format, args...)})
	}
	r, ok := p.Profile.rules()
	if !ok {
		bad("Profile", "there is no profile %d", uint8(p.Profile))
		return all
	}
	for _, name := range p.Signatures {
		if !slices.Contains(r.signatures.Signatures, name) && !slices.Contains(r.more, name) {
			bad("Signatures", "profile %s does not take signatures %.100s", r.name, AlgorithmName(name))
		}
	}
	for _, name := range p.Digests {
		if !slices.Contains(r.signatures.Digests, name) {
			bad("Digests", "profile %s does not take digests %.100s", r.name, AlgorithmName(name))
		}
	}
	if p.MinRSABits != 0 && p.MinRSABits < r.signatures.MinRSABits {
		bad("MinRSABits", "profile %s takes no RSA keys of less than %d bits", r.name, r.signatures.MinRSABits)
	}
	if more := p.Tokens &^ r.tokens; more != 0 {
		bad("Tokens", "profile %s does not take tokens %v", r.name, more)
	}
	switch {
	case !p.Mutual:
	case p.Profile != LegacyStrong:
		bad("Mutual", "only profile %v can be mutual", LegacyStrong)
	case p.Signatures != nil && !slices.ContainsFunc(p.Signatures, strong), p.Digests != nil && !slices.ContainsFunc(p.Digests, strong):
		bad("Mutual", "a mutual peer does not use SHA-1, and nothing else is allowed to it")
	}
	for _, only := range []struct {
		field string
		given bool
	}{{"MTOM", p.MTOM}, {"AnyCaseGUID", p.AnyCaseGUID}, {"FinalConfirmation", p.FinalConfirmation}} {
		if only.given && r.headers {
			bad(only.field, "is for the legacy profiles, not for %s", r.name)
		}
	}
	if p.Protocol == XMLRPC {
		for _, only := range []struct {
			field string
			given bool
		}{{"Digests", p.Digests != nil}, {"Tokens", p.Tokens != 0}, {"Mutual", p.Mutual}, {"MTOM", p.MTOM}, {"FinalConfirmation", p.FinalConfirmation}} {
			if only.given {
				bad(only.field, "is for protocol soap, and this peer's is xmlrpc")
			}
		}
		if p.Signatures != nil && !slices.Contains(p.Signatures, dsig.RSASHA256) && !slices.Contains(p.Signatures, dsig.ECDSASHA256) {
			bad("Signatures", "calls of XML-RPC are signed with rsa-sha256 or ecdsa-sha256, and neither is allowed to this peer")
		}
	}
	return all
}

// strong reports whether an algorithm has nothing to do with SHA-1.
func strong(name string) bool {
	return name != dsig.RSASHA1 && name != dsig.DSASHA1 && name != dsig.SHA1
}

// rules is the profile's row with what the policy changes.
func (p Policy) rules() (rules, error) {
	if err := p.Check(); err != nil {
		return rules{}, err
	}
	r := profiles[p.Profile]
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
	r.anyCase = p.AnyCaseGUID
	if p.Mutual {
		weak := func(name string) bool { return !strong(name) }
		r.signatures.Signatures = slices.DeleteFunc(slices.Clone(r.signatures.Signatures), weak)
		r.signatures.Digests = slices.DeleteFunc(slices.Clone(r.signatures.Digests), weak)
		r.request.sign |= authToken | token
		r.request.need |= token
		r.response.sign |= token
		r.response.need |= token
	}
	return r, nil
}

// Suits says why a peer with this policy could never sign with that key, or nil.
func (p Policy) Suits(key crypto.PublicKey) error {
	r, err := p.rules()
	if err != nil {
		return err
	}
	return r.signatures.Suits(key)
}
