/*
Package emulate runs the actors of this program on a virtual clock, to find out how
policies, terms and set-up times play out over days and months (paper B 4.2, 5.2).

The machines are those that serve real federations; what is missing is the world:
messages arrive in the cycle they are sent, nothing is stored, drivers do nothing
but take the time they are told to, and the clock jumps to the next cycle in which
anything happens. The same scenario always gives the same result, to the byte.

A [Scenario], read from YAML by [Parse], says which sites, brokers and managers
there are and what each manager wants over time. [Run] plays it and gives a
[Result]: samples of demand and supply, and sums over the whole time. [Result.CSV]
and [Result.HTML] write it down.

# What a guest does

At every sample a manager compares the demand that its trace gives with the units
it will hold when a lease requested now begins, and asks for what is missing with
the term it was given. Leases end with their terms, or are extended if the guest
renews. A guest that returns its surplus closes its newest leases as soon as demand
falls (paper B 5.2 did not).

# What is measured

Requested is what leases cover, granted or still asked for; leased is what tickets
cover until they are given back; usable is units whose join is done. RMSE compares the demand with each of
them over all samples. Utilisation is the share of a site's node time with a lease
on it, set-up and teardown included. Fidelity is the share of what was leased that
the guest could use (paper B 5.1).

# What to read next

scenario.go is the input, world.go the clock and the post, guest.go the adaptive
manager, result.go the sums. conformance/sim is the place for faults; here nothing
ever breaks.
*/
package emulate
