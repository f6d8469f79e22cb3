/*
Package authority is the site authority: the actor that owns hardware and turns
tickets into leases.

A redeem brings a ticket the site itself once issued to a broker, who carved the
redeemer's part from it. When the lease's start comes, the policy assigns free
hosts, each becomes a unit, and a setup action runs for each; when none is
outstanding the lease is Active and the client hears of its units. One cycle
after the term's end, or when the client closes, every unit is torn down; when
the last is gone the client hears of an empty lease (leasing 1.6).

A host is free when no unit is on it. It stays taken until its teardown has
succeeded; a host whose teardown keeps failing is quarantined, never leased
again until an operator releases it. The site also keeps, for every delegation
it issued, a calendar of what was redeemed under it: an issuer that sells more
than it was given makes redeemers wait and shows up in their explanation, but
never gets a unit twice.

states.go has the legal moves, reservation.go what one lease does about each
event, units.go its units, inventory.go the hosts, actor.go the actor around
them.
*/
package authority
