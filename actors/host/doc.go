/*
Package host runs one actor: it feeds events to a pure [actors.Machine] and
carries out, in order, the effects that come back. It is the one package of the
core that starts goroutines and keeps time.

# The loop

[Host.Serve] takes the events that are waiting, at most Config.Batch of them, and
steps the machine through each. Then, for the whole batch:

 1. one Store.Save of everything the steps asked to make durable,
 2. the answers to those who asked,
 3. Config.Send for every message,
 4. Config.Run for every action,
 5. Config.Watch, and everyone who subscribed,
 6. whoever wants to look ([Host.Inspect]).

Nothing of 2 to 6 happens before 1 has succeeded. A store that fails is tried
again, each time later, until it works or Serve's context ends; until then nothing
more is stepped. So a crash at any moment leaves a store that is whole, and a
world that has seen nothing the store does not know.

While a batch is being saved the next one gathers, so the dearer a save, the more
events share it.

# Restart

[New] loads the records into the machine and Serve begins with Machine.Recover,
what the restored reservations still owe. There is no other recovery. A record
that cannot be read does not keep the rest from running: it is logged, copied
aside and listed by [Host.Quarantined], until somebody puts it back with
[Host.Restore], mended or not, or throws it away with [Host.Drop].

# Time

An actor's time is the cycle of its clock, and it never falls. The host keeps in a
record of its own (reached.go) which cycle it had come to when something last
happened; under a clock that was set back, while the actor ran or before it was
started, it goes on taking requests in that cycle, and its time stands still until
the clock has caught up. A cycle in which something happened is so never played
again, and no lease ends late. Under a clock that was set forward all that is due by
then is done in one Tick. No message of a peer moves any of this.

# What stops a host

The end of Serve's context, and mistakes no retry can mend: a machine that panics,
a record that cannot be encoded, a store that somebody has closed. These leave the
store as it was before the batch, and Serve returns them.

# What to read next

loop.go, then commit.go; mend.go for records that were set aside. What is not here: peers (actors/remote, actors/endpoint),
machines and handlers (cod/site), people (actors/manage).
*/
package host
