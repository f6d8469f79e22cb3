/*
Package zones reads what a directory says about DNS: the entries of class dNSZone,
one for each owner name, become the records a name server should have.

A [Book] is told of entries as they come and go and answers with the names whose
records may have changed; [Book.Records] is what such a name should have now. One
value that is no record leaves out itself and nothing else, and is reported as a
[Problem]: a typing error of somebody's must not hold up a zone.

The text of a value is what it would be in a zone's master file (RFC 1035 5), as
ldap2zone and the schema's other readers take it: a name without a dot at its end
is relative to the zone.

The SOA and NS records of a zone's apex are not read: they belong to the name
server's own configuration, which counts the serial by itself. Signatures and the
records of DNSSEC that a server makes are left to it too.

What is not here: talking to a name server, see package cod/dns.
*/
package zones
