/*
Package leasing writes the messages of the leasing protocol as XML-RPC calls, and
reads them: the operations of package wire one to one, under the names of
xmlrpc-leasing 4.

	broker.ticket(auth, request)      Encode: wire.Message -> method and request
	actor.updateLease(auth, request)  Decode: the same back

What the calling conventions are for: 64-bit instants are strings of digits, because
half of all peers have no i8; what is absent is left out, because they have no nil;
property lists are structs; a text that holds a carriage return is base64, because XML
would change it. The text of a ticket always is, so that its octets are those that were
signed.

The reader is strict about what is there and lenient about types that mean the same: it
takes i8 and whole doubles for instants, digits for the sequence, base64 for any text.
Unlike its SOAP form a property list has no order and no name twice; of two in a message
the later is written, which is the one that counts (wire contract 3.6).

The first parameter says who calls and proves it: that is package wssec's.
*/
package leasing
