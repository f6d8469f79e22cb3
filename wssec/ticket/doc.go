/*
Package ticket makes and checks SHARP tickets: signed rights to units of a
resource over a term, carved from one another.

A ticket is a chain of delegation records. The site authority signs the first
one to itself (the root). Each next record is signed by the holder of the one
before it and gives part of that right to a new holder. A site that trusts
nothing but its own key can therefore judge a ticket that reached it through
brokers it has never met (tickets 12.1).

# What a signature covers

The signature of record k is made by the holder of record k-1 (by the site
itself for the root) over

	a domain tag, the signature of record k-1 (empty for the root), the
	canonical bytes of record k, and the DER of its holder's certificate

each with its length in front. The parent's signature covers everything before
it, so a record cannot be moved under another parent, given to another holder,
taken out of the middle or combined with an endorsement lifted from elsewhere.
The legacy scheme allows all four (tickets 4.1.4, 4.2.6, 10.3).

# Text form

The text is the legacy sharpTicket XML, element for element (tickets 3.2, 5.7),
so that it travels where a legacy ticket travels. The attribute
scheme="sha256-chain-1" on the root element marks it; legacy readers ignore
attributes they do not know (tickets 3.3). There is exactly one text for one
ticket: [Verify] encodes what it read and refuses a text that differs by a
single octet. Nothing in it comes from a clock or from chance, so granting the
same record again gives the same ticket.

# Legacy tickets

Legacy actors sign with MD5 and RSA, each record alone, and understand nothing
else. A [Scheme], which the caller takes from the peer's profile, says which of
the two is spoken: [SHA256Chain], or [Sharp] and [SharpLenient] for legacy peers.
Legacy tickets are checked completely here, as no legacy actor does: every
endorsement, the root's included, every record, every link. What their form
cannot show remains: a record does not name its parent, so a broker with two
tickets of one type can move a child from one to the other (tickets 4.1.4, T4),
and the parent's term and units bound it all the same.

# Where to read next

record.go is a record and its rules, text.go writes, parse.go reads, sign.go has
the octets under a signature, chain.go links records: [Root], [Delegate], [Verify].
scheme.go chooses, legacy.go checks and legacysign.go signs the legacy form, whose
text is in package xstream. Whether an issuer sold its units twice is in
actors/ledger.

# What is not here

Whether a certificate has expired or a term has begun: there is no clock here,
callers compare [Record] with theirs. Whether a ticket was redeemed before.
*/
package ticket
