/*
Package ldapschema knows what a site's directory holds: names, entries, the
classes that entries may be of, and how one set of entries becomes another.

A site publishes its machines, addresses, names and people in an LDAP directory,
where unmodified daemons read them: dhcpd, DNS tools, name service switches,
automounters. The package makes entries that those daemons understand and that a
server accepts, and nothing else: an [Entry] that comes out of a builder has been
checked against the classes it names, and a [DN] made with [DN.Child] cannot say
more than was meant, whatever the name in it.

# The two questions

[Diff] asks how to make a directory exactly as wanted. [Merge] asks how to bring
one entry up to date when people may have edited it since we wrote it: theirs
stands. Both answer with a [Change], which package cod/directory carries out.

# Where to read next

dn.go and entry.go are the nouns, schema.go the shape of the tables, and each
family of schema is one file of facts: core.go, cosine.go, nis.go, inetorg.go,
dhcpschema.go, dnsschema.go, automount.go, publickey.go, codschema.go, recovery.go, operational.go. The
builders beside them (cod.go, dhcp.go, dns.go, accounts.go, exports.go) are examples of their
own use.

# What is not here

No LDAP library, no network, no clock: see cod/directory and the packages below
it. Access control and passwords belong to servers.
*/
package ldapschema
