/*
Package broker is the actor that sells what sites delegated to it.

Its stock is tickets donated to it, each a source with a calendar. A request is
an ask; once a cycle the policy is shown the sources and the asks and answers
with grants and refusals, and each grant becomes a new delegation carved from its
source. The client keeps the ticket; the broker keeps the hold in the calendar
until the term ends or the ticket is given back (leasing 1.5).

A refused extension ends the broker's record as Failed, but its hold stays until
the term ends: the client's lease runs on, and units it uses are not sold again.

states.go has the legal moves, reservation.go what one reservation does about
each event, actor.go the sources, the asks and the rounds.
*/
package broker
