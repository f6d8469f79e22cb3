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

world.go drives a federation, local.go and wire.go carry its messages, measure.go
measures. `make bench-core` writes the table actors/doc/bench-core.md.
*/
package scale
