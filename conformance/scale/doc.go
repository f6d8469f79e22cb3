/*
Package scale is the scaling experiment of the Shirako paper (leasing 9.4), played
on the actors of this program: its machines in its hosts, on its stores, over
function calls or over its signed wire.

One service manager leases all N nodes of one site through one broker, as l leases
of n nodes each; every term of t ticks all of them are asked for again, so that each
term starts where the one before it ended and every node changes hands: it flips.
Nothing is extended and handlers do nothing. The clock is virtual: the next tick is
issued as soon as everything that follows from the one before has been carried out.
What is measured is the real time of many ticks:

	alpha   milliseconds for one tick
	t'      alpha t: the shortest term that this machine could keep up with
	r'      N / t': node flips in a millisecond

Messages between actors of one process are copied, not shared: nobody gains by
having his peer next door.

# Where the time of flips_ldap_share goes

A term of 240 flips is 10 leases, 70 messages and 204 saved records of 1.06 million
octets, most of them tickets. The figures that follow are the least of many rounds on two
cores that others used as well, each for itself, so that what is made of several of them is
an estimate. A term takes 54 ms of our processor time and 8 ms of slapd's: if neither core
ever waited it would last 31 ms, while the records alone, as bare operations, last 18 ms,
which admits a share of some 0.58. Beside others it lasted 60 ms, and 40 on the same machine
when it was quiet, so the cores wait for a good part of the time: a lease's seven messages
follow one another, each after a save of 20,000 octets and more, which go-ldap takes some
10 ns an octet to encode.

world.go drives a federation, local.go and wire.go carry its messages, measure.go
measures. `make bench-core` writes the table actors/doc/bench-core.md.
*/
package scale
