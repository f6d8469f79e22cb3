/*
Package xstream reads and writes the text of tickets as deployed legacy actors
do: the XML that the library XStream makes of their Java objects (tickets 2, 3).

It is a codec for exactly the classes a ticket consists of, and nothing else. It
is no general object reader: no name in a text chooses what is made of it.

# Three forms

	Simple  <ticket> of plain delegations; unit tests only (tickets 1.7)
	Signed  <ticket> of delegations with a signature each
	Sharp   <sharpTicket>: signed delegations and a chain of certificates; the
	        one form that crosses the wire (tickets 1.6)

# Exact to the octet

A signature covers the text of one delegation as its issuer's library would have
written it alone ([Delegation.SignedBytes]). So [Ticket.Append] writes exactly
what that library writes: order of elements, indent, escapes, dates whose
milliseconds have no leading zeros, Base64 with or without line breaks. What a
reader must not lose is in the model: whether an element was absent or empty,
the order of properties, how Base64 was broken. For every text T that a legacy
actor wrote, Append(Parse(T)) is T.

# What is read

[Parse] takes every variation that legacy readers are known to take (tickets
3.3; testdata/loose has one file for each), and refuses, where they do not:

  - attributes class and resolves-to anywhere but on holderCertificate: to a
    legacy reader they name a class to make an object of (wssec A23), so a
    text that has them must not be passed on;
  - document types, comments and processing instructions;
  - a property given twice, text between elements, numbers in other spellings,
    characters XML 1.0 does not have although the library would write them, and
    anything over a [Limits] field.

# Where to read next

model.go is the objects, encode.go writes, decode.go reads, date.go and order.go
have what Java does with dates and hash tables.

# What is not here

Keys, signatures and whether a ticket means anything: package ticket.
*/
package xstream
