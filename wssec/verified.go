package wssec

import (
	"crypto"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// Verified is the body that a pinned key signed, and whose key it was. Only
// OpenRequest and OpenResponse make one, so holding a Verified is the proof.
// What is not signed under the profile of the sender is said so below. The zero
// Verified holds nothing.
type Verified struct {
	body       xmltree.Node
	guid, name string
	replay     string
	message    string
	created    time.Time
	value      []byte
	key        crypto.PublicKey
	profile    Profile
	dated      bool // a call of XML-RPC, all of which say when they were made
}

// Body is the one child of soap:Body. Nothing else of the envelope is to be read. Of a
// call of XML-RPC it is no node: there, request is what was signed.
func (v Verified) Body() xmltree.Node { return v.body }

// GUID is the sender: the identity the signing key is pinned to.
func (v Verified) GUID() string { return v.guid }

// Name is the name the sender gives itself, for a Strict or mutual peer under its
// signature, else not. It is not pinned: any name is as good to whoever holds the
// key. Empty in answers of legacy peers.
func (v Verified) Name() string { return v.name }

// Dated reports whether everything under the sender's profile says when it was made, so
// that it is for [Replay] to remember, and not for [Once].
func (v Verified) Dated() bool { return v.dated || v.profile == Strict }

// MessageID identifies a request; of a response it is the id of the request
// that it answers. Legacy messages have theirs in the body only: then it is empty. Of a
// call of XML-RPC it is the nonce.
func (v Verified) MessageID() string { return v.message }

// Created is when the sender made the message, by the sender's clock. It is zero
// where nothing signed says so, as in the messages of deployed actors.
func (v Verified) Created() time.Time { return v.created }

// SignatureValue is a copy of the octets that a response has to confirm: of a call, its
// nonce.
func (v Verified) SignatureValue() []byte { return append([]byte(nil), v.value...) }

// Key is the pinned key that signed.
func (v Verified) Key() crypto.PublicKey { return v.key }

// Profile is the one the message was opened under.
func (v Verified) Profile() Profile { return v.profile }

// ReplayKey identifies a request for [Replay]. Under Strict it is the sender and
// its message id, both signed: the signature value would not do, because whoever
// sees an ECDSA signature can write it in a second way. A legacy request has no id
// that is known to be its own, and its AuthToken is not signed; there it is the
// key that signed and the digest of the signed Body.
func (v Verified) ReplayKey() string { return v.replay }
