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
again until an operator releases it.

The site also counts every ticket that is presented, and all it was carved from, in
a ledger (actors/ledger). A ticket that does not fit beside the others is refused as
oversold, and the conflicting tickets, which their issuer has signed, are kept as
evidence: an issuer that sells more than it was given never gets a unit twice, and
everybody can be shown why.

A unit may change though nobody asked: an operator gave its node another address. The
client hears of that in an update it did not ask for, once in a cycle however many of
its units changed; or in the answer it waits for, if it waits for one.

states.go has the legal moves, reservation.go what one lease does about each
event, units.go its units, changed.go what becomes of them by themselves, inventory.go
the hosts, ledger.go what is delegated and redeemed, actor.go the actor around them.
*/
package authority
