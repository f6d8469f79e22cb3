/*
Package plist reads and writes the texts that legacy leasing peers put inside
property values: what Java calls .properties text, and the flat node lists made
of it that carry tickets and leased units.

	concrete                          []wire.Property, one per plistNode
	  __class_name__                  which of the two kinds follows
	  ticket.authority.proxy          Text of a Proxy      (Ticket)
	    ProxyActorAuth                Text within Text
	  ticket.resourceTicket           the signed ticket, opaque here
	  unit.0, unit.1, ...             Text of a Unit       (UnitSet)
	    unit.notices                  Text within Text

Nesting is done by putting one text into a value of the next, which doubles the
backslashes each time (wire contract 4.5). How deep it goes is fixed by the kinds
above, at most three texts within one another; nothing here recurses on what a
peer sent. Sizes are bounded by [Limits].

Class names of the legacy implementation are the type tags (wire contract 4). They
are written because legacy readers load classes by them, and compared as plain
text here: no name ever selects code.

Read text.go and read.go for the format itself, then ticket.go, proxy.go, unit.go, unitset.go.

# What is not here

The XML around the nodes (wire/soap) and the ticket's own XML (wssec/ticket).
*/
package plist
