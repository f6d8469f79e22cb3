/*
Package sim plays a whole federation in one goroutine from one seed: service
managers, brokers that sites delegate to and brokers that buy from those, sites with
their inventory, directory and drivers, the network between them, their clocks and
disks, and the people who disturb them.

Everything that decides is the shipping code: the three role machines, the
policies, actors/translate, wire/soap over wire/xmltree, wssec, wssec/ticket, and
package cod with a memory directory. Everything that happens to it, time, chance,
loss, crashes and failures, comes from the seed. So a seed is a history, and one
that goes wrong can be played again as often as it takes to understand it.

# A world

[Swarm] draws from the seed what kind of world it is: how big, and which faults are
common in it; half the time a fault does not occur at all. [Run] plays it in acts:

	chaos           leases come and go while faults last: nothing bad may happen
	calm            the faults are over: everything good must; every lease ends
	the last lease  managers ask for all that is left of each site and must get it
	                (in a third of the worlds): nothing was lost on the way
	oblivion        every record of what is over is forgotten

What "bad" and "good" mean is a list of sentences, [Sentences]. An actor's process
is a mailbox, a machine and a disk, as in actors/host: a batch of events is stepped,
saved, answered, sent and run, in this order, and the process can die between any
two of these. What a network or a crash takes away is really lost. A restart reads
the disk, and a site's cod reads its directory.

Every message becomes octets and is read from them again: in SOAP, in XML-RPC, or in
the one or the other as two actors agreed, in a third of the worlds each. Tickets are really signed
and verified in every world; messages are in one world of eight, and there somebody
forges them.

[Seeds] plays many worlds, one in four of them twice, and compares the hashes of their
traces: a map that is walked in no order, or a clock that is read, shows up as a
difference.
It is the one place here that starts goroutines, one world on each.

# Where to read next

config.go is what a world can be, run.go the acts, world.go who is in it.

	process.go, crash.go, disk.go    an actor's life
	clocks.go, offsets.go            what it believes the time to be, and that of others
	courier.go, network.go, post.go  a message's way; tickets.go what it carries
	calls.go                         the same in XML-RPC
	site.go, rack.go, guest.go       what actions do to machines and directories
	people.go, meddler.go            operators; attacker.go those who want harm; lies.go
	                                 policies that lie
	sentences.go                     what is judged
	safe.go, waits.go, conserved.go  at every step: moves and messages, what is waited for,
	                                 what is free
	history.go, ledger.go            one reservation's past, units sold
	brokers.go, units.go, books.go   units bought, units and hosts, the directory
	live.go                          at rest

testdata holds stories: short scripts over the same world, with everything that
happens in them; rules_test.go says which of them tells which of the subtle rules of
leasing. mutant_test.go breaks the world on purpose, one way at a time, and shows which
sentence notices; bugs_test.go does so with bugs in the machines themselves.
peace_test.go asks more of worlds in which less goes wrong. testdata/seeds has the seeds
that failed once, which are played for ever, and testdata/joint every combination of
states that a lease was found in at its three actors, with what brings it there.

# What is not here

Sockets, files, real clocks and the goroutines around one actor: actors/host,
remote, endpoint and cod/site are tested where they are. Their order of effects and
their rules for trying again are played here by process.go and courier.go.
*/
package sim
