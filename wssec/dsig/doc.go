/*
Package dsig reads, checks and writes XML Signatures (https://www.w3.org/TR/xmldsig-core1/),
as far as WS-Security messages need them.

Reading is in three steps that a caller takes in its own order:

	Parse   a ds:Signature of the one shape we accept, by the caller's Policy
	Verify  the signature value over SignedInfo, with a key the caller trusts
	Check   the digest of one Reference, over the element the caller found

The order that costs least is the order above: nothing of a stranger's document
is canonicalised, except its small SignedInfo, before a trusted key has vouched
for it. Finding the element that an id names is left to the caller, who knows
where it must stand; this package opens no URI and resolves nothing.

A Policy says which algorithms are good enough. The algorithms this package can
compute are rows of the tables in algorithms.go; a row that no Policy names is
never used.

Writing is [AppendSignedInfo], which writes canonical form at once, and [Sign].

# What is not here

Transforms other than exclusive canonicalisation, Manifest, Object, KeyValue,
X509Data, HMAC: all refused by shape. Keys and tokens are the business of wssec.
*/
package dsig
