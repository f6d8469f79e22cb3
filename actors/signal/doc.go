/*
Package signal reads how much a guest needs, so that its service manager can lease
as much: a file, the output of a command, or an address on this machine, read every
so often and told to the manager as an event.

All three say the same: one whole number that is not negative, with nothing but
blanks around it. Anything else is an error, is logged once until the source is well
again, and changes nothing: the manager goes on with what it knows.

A command gets no input and little time; an address must be a loopback one, because
what is read there leases machines. Both are given up on after [Patience].

What the number means for leases is the business of the policies below
actors/policy; nothing is decided here.
*/
package signal
