/*
Package actors holds the nouns of resource leasing and the contract every actor
obeys.

An actor is a pure machine. It is given the current cycle and one [Event], and it
answers with the [Effects] it wants carried out. It never reads a clock, opens a
socket or starts a goroutine. Package actors/host does those things on its
behalf, in the order that Effects documents.

# The life of a lease

	manager  --ticket-->       broker
	manager  <--updateTicket-- broker       a signed right to units over a term
	manager  --redeem-->       authority    presents that right
	                           authority    sets units up through handlers
	manager  <--updateLease--  authority    the units and their properties
	manager  --extendTicket--> broker       and extendLease at the site, to go on
	manager  --modifyLease-->  authority    to change what the units are
	manager  --close-->        authority    units torn down, answered by updateLease
	manager  --relinquish-->   broker       what is left of the right goes back

Every message is one way. An answer is another call, later, to the address the
request named. What a reservation still owes the world follows from its state
alone, so a restart loads the records and asks each reservation again.

# Where to read next

machine.go is the contract on one screen. Then actors/authority/states.go and its
testdata/matrix.txt: everything a site does. Then actors/host.

# What is not here

XML lives in wire, signatures in wssec, directories in cod, machines in handlers.
This package imports only the standard library.
*/
package actors
