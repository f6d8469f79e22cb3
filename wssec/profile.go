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

// Strict is the profile between our own actors: SHA-256 with ECDSA P-256 or RSA
// of 2048 bits and more, over the Body and everything in the header that a
// receiver relies on.
const Strict Profile = 1

// profiles is the policy. A profile for other peers is another row here, and
// another layout in seal.go.
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
		request:  body | authToken | token | timestamp | to | messageID,
		response: body | authToken | token | timestamp | to | relatesTo | confirmation,
		lifetime: MaxLifetime,
	},
}

// MaxLifetime is the longest time that may lie between a message's creation and
// its end. A replay cache must remember at least this long, and twice the
// allowed skew more.
const MaxLifetime = 15 * time.Minute

// rules are one row: what must be there and signed, and how well.
type rules struct {
	name       string
	signatures dsig.Policy
	request    part // parts a request consists of: each once, each signed, no others
	response   part // the same of a response
	lifetime   time.Duration
}

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
