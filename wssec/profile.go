package wssec

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/leasehold/leasehold/wssec/dsig"
)

// Profile names what two actors agreed a secured message looks like. The zero
// Profile accepts nothing and seals nothing.
type Profile uint8

const (
	// Strict is the profile between our own actors: SHA-256 with ECDSA P-256 or RSA
	// of 2048 bits and more, over the Body and everything in the header that a
	// receiver relies on.
	Strict Profile = 1 + iota
	// Legacy is what deployed actors send and demand (wssec.md 4): RSA-SHA1 over the
	// Body alone, in the layout of WSS4J 1.5.1. Nothing in it says when the message
	// was made or for whom; the receiver has to remember what it has seen.
	Legacy
	// LegacyStrong sends RSA-SHA256 over Body, AuthToken and token, which deployed
	// actors accept, and takes what Legacy takes, since they answer as ever. See
	// Policy.Mutual for peers that sign as well as they are signed to.
	LegacyStrong
)

// profiles is the policy. A profile for other peers is another row here, and
// perhaps another layout in seal.go.
var profiles = [...]rules{
	Strict: {
		name: "strict",
		signatures: dsig.Policy{
			Signatures:    []string{dsig.ECDSASHA256, dsig.RSASHA256},
			Digests:       []string{dsig.SHA256},
			MinRSABits:    2048,
			MaxReferences: 8,
			MaxPrefixes:   16,
		},
		tokens:   TokenDirect,
		request:  exactly(body | authToken | token | timestamp | to | messageID),
		response: exactly(body | authToken | token | timestamp | to | relatesTo | confirmation),
		lifetime: MaxLifetime,
		headers:  true,
	},
	Legacy:       legacy("legacy"),
	LegacyStrong: legacy("legacy-strong"),
}

// legacy is what we take from deployed actors, however we sign to them.
func legacy(name string) rules {
	return rules{
		name: name,
		signatures: dsig.Policy{
			Signatures:    []string{dsig.RSASHA1, dsig.RSASHA256, dsig.RSASHA512},
			Digests:       []string{dsig.SHA1, dsig.SHA256, dsig.SHA512},
			MinRSABits:    1024,
			MaxReferences: 4,
			MaxPrefixes:   16,
		},
		more:   []string{dsig.DSASHA1, dsig.ECDSASHA256},
		tokens: tokenAll,
		request: shape{
			need: body | authToken, sign: body,
			may: token | timestamp | confirmation, ifThere: timestamp, final: true,
		},
		// What confirms the request has to be signed with the Body, or an old answer
		// could be given again with a confirmation of anybody's.
		response: shape{
			need: body | confirmation, sign: body | confirmation,
			may: token | timestamp | authToken, ifThere: timestamp, final: true,
		},
	}
}

// MaxLifetime is the longest time that may lie between a message's creation and
// its end. A replay cache must remember at least this long, and twice the
// allowed skew more.
const MaxLifetime = 15 * time.Minute

// rules are one row: what must be there and signed, and how well.
type rules struct {
	name       string
	signatures dsig.Policy
	more       []string // signature algorithms that a Policy may add
	tokens     Tokens   // forms of KeyInfo that a Policy may allow
	request    shape
	response   shape
	lifetime   time.Duration // longest period of a Timestamp; 0 asks nothing
	headers    bool          // destination and message id stand in the header
	anyCase    bool          // the GUID may have letters in upper case
}

// shape is the parts of one kind of message. Others are refused.
type shape struct {
	need    part // each once
	sign    part // of need, must be signed
	may     part // may be there as well, and may be signed
	ifThere part // of may, must be signed when there
	final   bool // a confirmation may be in either namespace
}

// exactly is a shape of parts that are all there and all signed.
func exactly(p part) shape { return shape{need: p, sign: p} }

func (p Profile) rules() (*rules, bool) {
	if int(p) >= len(profiles) || profiles[p].name == "" {
		return nil, false
	}
	return &profiles[p], true
}

// String is the profile's name in configuration files.
func (p Profile) String() string {
	if r, ok := p.rules(); ok {
		return r.name
	}
	return fmt.Sprintf("Profile(%d)", uint8(p))
}

// ParseProfile is the inverse of String.
func ParseProfile(name string) (Profile, error) {
	for i := range profiles {
		if name != "" && profiles[i].name == name {
			return Profile(i), nil
		}
	}
	return 0, fmt.Errorf("wssec: no profile %.40q", name)
}

// part is a set of the parts of a message that can be signed.
type part uint16

const (
	body part = 1 << iota
	authToken
	token
	timestamp
	to
	messageID
	relatesTo
	confirmation

	parts = 8
)

// partInfo says what a part is called, in documents and as an id.
var partInfo = [parts]struct{ space, local, id string }{
	{soapNS, "Body", "sec-body"},
	{secNS, "AuthToken", "sec-auth"},
	{wsseNS, "BinarySecurityToken", "sec-token"},
	{wsuNS, "Timestamp", "sec-timestamp"},
	{wsaNS, "To", "sec-to"},
	{wsaNS, "MessageID", "sec-message"},
	{wsaNS, "RelatesTo", "sec-relates"},
	{wsse11NS, "SignatureConfirmation", "sec-confirmation"},
}

// index is the number of a single part.
func (p part) index() int { return bits.TrailingZeros16(uint16(p)) }

func (p part) has(q part) bool { return p&q == q }

// String lists the parts by their element names.
func (p part) String() string {
	var names []string
	for i := range partInfo {
		if p.has(1 << i) {
			names = append(names, partInfo[i].local)
		}
	}
	return strings.Join(names, ", ")
}
