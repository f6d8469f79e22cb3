/*
Package xmltree scans one XML document, strictly and within limits, into a flat
array of nodes that everything above it shares.

A signature is worth nothing if the code that verifies a message and the code
that decodes it can disagree about what the message says. So there is one
scanner and one tree: wssec digests these nodes and wire/soap decodes these
nodes. The scanner therefore refuses every document about which two parsers in
the field are known to differ, and whatever peers have no business sending.

# What is accepted

Well-formed XML 1.0 with namespaces, in UTF-8, with or without a byte order mark
and an XML declaration. References to the five predefined entities and to legal
characters are decoded, CDATA sections are text, line ends and attribute values
are normalised as XML 1.0 2.11 and 3.3.3 ask.

# What is refused

Document type declarations, processing instructions and comments (wssec.md A16,
A17); attributes given twice, also through two prefixes of one namespace;
prefixes that nobody declared; any other use of the prefixes xml and xmlns than
the one Namespaces in XML allows; characters XML does not have; and documents
larger than [Limits] allow, with the limit named.

# Shape

[Parse] copies the source once and never changes it again. A [Node] is a small
value that points into the array, so it is copied freely and compared with ==.
Two handles are equal exactly when they are the same place in the same document,
which is what "the signed element is the Body" has to mean.

Read node.go for what a reader of documents needs, then scan.go. Canonical form
is made in wssec/c14n. Documents are not written here: encoders append octets.
*/
package xmltree
