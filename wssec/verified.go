package wssec

import (
	"crypto"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// Verified is the body that a pinned key signed, and whose key it was. Only
// OpenRequest and OpenResponse make one, so holding a Verified is the proof.
// Every value in it was signed. The zero Verified holds nothing.
type Verified struct {
	body       xmltree.Node
	guid, name string
	message    string
	created    time.Time
	value      []byte
	key        crypto.PublicKey
}

// Body is the one child of soap:Body. Nothing else of the envelope is to be read.
func (v Verified) Body() xmltree.Node { return v.body }

// GUID is the sender: the identity the signing key is pinned to.
func (v Verified) GUID() string { return v.guid }

// Name is the name the sender gives itself. It is signed but not pinned: any
// name is as good to whoever holds the key.
func (v Verified) Name() string { return v.name }

// MessageID identifies a request; of a response it is the id of the request
// that it answers.
func (v Verified) MessageID() string { return v.message }

// Created is when the sender made the message, by the sender's clock.
func (v Verified) Created() time.Time { return v.created }

// SignatureValue is a copy of the octets that a response has to confirm.
func (v Verified) SignatureValue() []byte { return append([]byte(nil), v.value...) }

// Key is the pinned key that signed.
func (v Verified) Key() crypto.PublicKey { return v.key }

// ReplayKey identifies a request for [Replay]: the sender and its message id.
// Both are signed. The signature value would not do, because whoever sees an
// ECDSA signature can write it in a second way.
func (v Verified) ReplayKey() string { return v.guid + " " + v.message }
