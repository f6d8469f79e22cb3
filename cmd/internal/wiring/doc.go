/*
Package wiring puts a process together from its configuration: which machine an
actor runs, which store, keys, peers, network ends and handlers it gets.

Nothing decides anything here. The lists in lists.go are where a new policy or
driver is made known; everything else is plumbing, in one direction:

	config -> stores, keys, registries -> hosts -> endpoints and remotes -> HTTP, admin socket

A Process is made with New, which opens everything and starts nothing that
changes the world, and run with Serve, until its context ends. Stopping goes the
other way round, so that nothing is handed to what is already closed. Killing the
process instead is fine: that is what the stores are for.
*/
package wiring
