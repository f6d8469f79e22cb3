/*
Package sim plays a whole federation in one goroutine from one seed: service
managers, a broker, sites with their inventory, directory and drivers, the network
between them and the people who disturb them.

Everything that decides is the shipping code: the three role machines, the
policies, actors/translate, wire/soap over wire/xmltree, wssec, wssec/ticket, and
package cod with a memory directory. Everything that happens to it, time, chance,
loss, crashes and failures, comes from the seed. So a seed is a history, and one
that goes wrong can be played again as often as it takes to understand it.

# A world

[Swarm] draws from the seed what kind of world it is: how big, and which faults are
common in it; half the time a fault does not occur at all. [Run] plays it in four
acts.

	chaos    leases come and go while faults last: nothing bad may happen
	calm     the faults are over: everything good must; every lease ends
	the last one manager asks for all that is left of each site and must get it:
	lease    nothing was lost on the way
	oblivion every record of what is over is forgotten

What "bad" and "good" mean is a list of sentences, [Sentences]. An actor's process
is a mailbox, a machine and a disk, as in actors/host: a batch of events is stepped,
saved, answered, sent and run, in this order, and the process can die between any
two of these. What a network or a crash takes away is really lost.

[Seeds] plays many worlds, each twice, and compares the hashes of their traces: a
map that is walked in no order, or a clock that is read, shows up as a difference.

# Where to read next

config.go is what a world can be; run.go the acts; process.go an actor's life;
courier.go, network.go and post.go a message's way; site.go, rack.go and books.go
what a site does to its machines and its directory; people.go and attacker.go who
disturbs; safe.go and live.go the judges. testdata holds stories.

mutant_test.go breaks the world on purpose, one way at a time, and shows which
sentence notices.

# What is not here

Goroutines, sockets, files and real clocks: actors/host, remote and endpoint and
cod/site are tested where they are. Their order of effects and their rules for
trying again are played here by process.go and courier.go.
*/
package sim
