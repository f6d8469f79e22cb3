package wiring

import "github.com/leasehold/leasehold/actors/store"

// Store is the actor's records, for tests that look at what is kept.
func (a *Actor) Store() store.Store { return a.store }
