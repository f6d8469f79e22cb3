/*
Package manager is the service manager: the actor that leases on behalf of
guests.

One reservation follows this path (leasing 1.3):

	Nascent    asked for; a ticket request is out
	Ticketed   the broker granted a ticket; redeem it one cycle before it starts
	Active     the site set the units up; they join the guest, then serve
	...        before the end: extend the ticket, then the lease, or close
	CloseWait  units have left the guest, the site was told to take them back
	Closed     the site confirmed, the broker got the ticket back

states.go has the legal moves, reservation.go what one reservation does about
each event, timing.go when it acts by itself, and actor.go the actor around
them. testdata/matrix.txt shows every state against every event.

A reservation that waits for a peer asks again with the same sequence number
until it gets an answer or its deadline passes; peers answer repetitions without
doing anything twice. Where this departs from the legacy manager is written in
conformance/doc/divergences.md.
*/
package manager
