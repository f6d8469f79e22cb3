/*
Package translate maps the words of package actors to the messages of package
wire, and back. It is the only place that knows both.

[Outgoing] fills a message for the operation it carries: which property list
travels, which concrete set, what a failed update must look like so that a legacy
client does not drop it (wire contract 2.6, 5.6). [Incoming] reads one that
wssec has authenticated. The signed text of a ticket is opaque to both; the
caller of Incoming passes the function that verifies it, so that no unverified
ticket ever becomes an [actors.Ticket].

Incoming refuses what cannot be understood: a missing concrete set, a term that
is none, a number out of range. What a message means, such as whether its units
are those of its ticket, is for the role's machine, which answers with a failed
update that the peer's people can read, instead of a fault that legacy clients
forget (wire contract 5.8).

[Fault] and [KindOf] carry the kind of an error across, and never its cause.

# Where to read next

ops.go is the table, outgoing.go and incoming.go walk it, concrete.go has tickets
and leases, fault.go the kinds, chain.go the records of signed tickets.

# What is not here

Octets (wire/soap), identities and signatures (wssec), where a message is sent
(actors/remote).
*/
package translate
