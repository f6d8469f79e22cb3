/*
Package wssec seals messages between actors, in SOAP or as calls of XML-RPC, and opens
them again.

Opening is the only way to get a [Verified], and a Verified is the only thing a
decoder of messages should accept: it holds the Body that a pinned key signed,
says whose key it was, and nothing else of the envelope.

	Seal.Request   body octets -> envelope            the sender
	OpenRequest    envelope -> Verified or ErrRefused  the receiver
	Seal.Response  body octets, Verified.SignatureValue -> envelope
	OpenResponse   envelope, the value we sent -> Verified or ErrRefused

	Seal.Call, OpenCall, Seal.Result, OpenResult      the same for calls

Identity is a pin: a public key that an administrator, or something as good,
tied to a GUID ([Pin], [Trust]). Certificates only carry keys; who issued them
is of no interest. What a message must look like is a [Profile], agreed per peer:
[Strict] between our own actors, [Legacy] and [LegacyStrong] with deployed ones.
A [Policy] says where one peer departs from its profile.

Everything here is a pure function: the time is an argument and sealing needs no
chance. A strict message is written in canonical form once, and the octets that
are hashed are the octets that are sent. [Replay], [Strength] and [Certificates]
are memory that the caller owns.

# What a peer learns

[ErrRefused], whatever was wrong. The error that wraps it carries the cause, one
of the sentinels in errors.go or in package dsig, for the log.

# Where to read next

profile.go is the policy on one screen, policy.go what can be set per peer, open.go
the algorithm in the order it runs, token.go how the signer is found, seal.go and
seal_legacy.go the messages we send. THREATS.md says what is promised and what is
not; attack_test.go tries it. call.go has what is signed of a call. words.go has the words that configuration uses.

# What is not here

Keys on disk are in wssec/keys, tickets in wssec/ticket, canonical form in
wssec/c14n, signatures as such in wssec/dsig. HTTP, SOAPAction and the meaning
of a Body are for actors/endpoint and wire/soap.
*/
package wssec
