/*
Package broker is the actor that sells what sites delegated to it, and what it
bought from other brokers.

Its stock is tickets donated to it, each a source with a calendar, and holdings:
reservations of its own at other brokers, prolonged and asked for anew as long as
somebody wants them (leasing 1.8). A request is an ask; once a cycle the policy is shown the sources and the asks and answers
with grants and refusals, and each grant becomes a new delegation carved from its
source. The client keeps the ticket; the broker keeps the hold in the calendar
until the term ends or the ticket is given back (leasing 1.5).

A refused extension ends the broker's record as Failed, but its hold stays until
the term ends: the client's lease runs on, and units it uses are not sold again.

Every ticket that comes in is counted, with all it was carved from, in a ledger
(actors/ledger). When a seller in between has given this broker more than it held,
what does not fit is refused and the evidence kept.

A holding that its operator closes is given back when nobody holds any of it:
units in use must not be sold again by the broker they came from.

states.go has the legal moves, reservation.go what one reservation does about
each event, actor.go the asks and the rounds, stock.go the sources; holding.go is
what one holding does, buy.go how the broker keeps its holdings, audit.go what it
looks at in a ticket before it takes it.
*/
package broker
