/*
Package policy is the contract between the leasing core and the people who write
policies.

The core knows states, messages and durability; it does not know who should get
what. It hands a policy a snapshot and receives decisions. A policy is pure: it
keeps nothing between calls, reads no clock, and gives the same decisions for the
same snapshot. Whatever it needs to remember belongs in the decisions themselves:
a [Decision] carries a [Memory] that comes back with the reservation, and a
[Reason] that tells people what was weighed.

Each policy is a package of its own below this one; what broker policies share is
in package desk. Package policytest holds the properties every one of them must
have.

policy.go is the contract; ask.go reads what clients may say in an ask; reason.go
and explain.go turn a decision into words, for an ask that was decided as well as
for one that somebody only thinks about.
*/
package policy
