/*
Package c14n writes elements in the canonical form that signatures are made over:
Exclusive XML Canonicalization 1.0 without comments
(https://www.w3.org/TR/xml-exc-c14n/).

[Exclusive] works straight on the node array of wire/xmltree, so what is digested
is what is decoded. It takes time in proportion to its input: every namespace is
looked up in a list that xmltree's limits keep short, and nothing is copied per
element. The output can outgrow the input, because a namespace is declared again
wherever its prefix comes into use; [Bounded] is for documents nobody vouches for.

Sealing needs no canonicaliser. Whoever writes an element in canonical form from
the start, using [AppendText] and [AppendAttr], can hash the octets as they are.

Differences from other implementations in the field, all of which refuse or
mis-sign such input, are kept in the tests: redundant xmlns="" is dropped,
"#default" in a prefix list is understood, attributes are sorted by namespace
before local name.
*/
package c14n
