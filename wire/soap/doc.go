/*
Package soap writes and reads the messages of package wire as SOAP 1.1,
rpc/literal, as legacy leasing peers speak it (wire contract 1.4 to 1.9, 2, 3).

It writes one way: [EncodeBody] emits the child of Body in its canonical form
(Exclusive XML Canonicalization), so that the octets that are written are the
octets that are hashed, and nothing ever canonicalises what this side made. That
fixes the escapes, forbids empty-element tags, and binds the services' namespace
to the prefix ns2 on the wrapper alone, because an unprefixed child in a default
namespace is what legacy readers refuse first.

It reads several: [DecodeBody] takes the node that wssec has verified and walks
it along the schema. A missing, extra, misplaced, repeated or qualified element
is an error that names it. What legacy readers let pass, and peers may therefore
send, is listed here and has a file in testdata/loose:

  - white space between elements, never inside numbers (blanks.xml)
  - failed and message in either order, and an empty updateData, which means "not
    failed" (update-order.xml, update-empty.xml)
  - xsi:nil="true" on a string, which is then empty (nil-string.xml)
  - attributes on elements; xsi:nil on an element with children is refused all the
    same (attributes.xml)
  - CDATA, though legacy readers garble it (cdata.xml)
  - "true" and "false" in any case (boolean-case.xml); "1" is refused, because
    legacy readers take it for false and everyone else for true

pvalue of a plist node, which legacy readers skip and nobody writes, is refused.

# Where to read next

encode.go and decode.go are the schema, twice, in the same order. write.go and
read.go are what they are made of. envelope.go, response.go and fault.go frame
what is not signed; version.go does so in SOAP 1.2 too, which node agents take.

# What is not here

Signatures and the AuthToken header are in wssec; meaning is in actors/translate.
*/
package soap
