package actors

import (
	"fmt"
	"maps"
	"slices"
)

// Properties are named strings that travel with a reservation. A Properties
// value that is part of an actor's state is never changed in place; With and
// Merged make a new one.
type Properties map[string]string

// Keys lists the names in order; ranging over the map itself would make two
// runs of one seed differ.
func (p Properties) Keys() []string { return slices.Sorted(maps.Keys(p)) }

// Merged is p with over's values taking precedence.
func (p Properties) Merged(over Properties) Properties {
	if len(over) == 0 {
		return p
	}
	out := make(Properties, len(p)+len(over))
	maps.Copy(out, p)
	maps.Copy(out, over)
	return out
}

// Slice names the guest a reservation belongs to (wire contract 3.2).
type Slice struct {
	ID   SliceID `json:"id"`
	Name string  `json:"name"`
}

// Location says how to reach an actor: its GUID, its configured name and the
// endpoint it announces.
type Location struct {
	ID   ActorID `json:"id"`
	Name string  `json:"name"`
	URL  string  `json:"url,omitempty"`
}

// Delegation is one record of a ticket: issuer gives holder the right to units
// of a type over a term (tickets 2.1).
type Delegation struct {
	ID         TicketID     `json:"id"`
	Issuer     ActorID      `json:"issuer"`
	Holder     ActorID      `json:"holder"`
	Type       ResourceType `json:"type"`
	Units      int          `json:"units"`
	Term       Term         `json:"term"`
	Properties Properties   `json:"properties,omitempty"`
}

// Ticket is a right to lease: the newest delegation and those it was carved
// from, nearest first. Text is the signed form that crosses the wire. A ticket
// its actor has just granted has no Text yet; it has Base, the signed text of
// its ancestors, and the actor's outbound side adds the signature when it
// sends. Signing again gives the same record, so a repeated answer is the same
// ticket.
type Ticket struct {
	Delegation
	Ancestors []Delegation `json:"ancestors,omitempty"`
	Authority Location     `json:"authority"` // who redeems it
	Text      string       `json:"text,omitempty"`
	Base      string       `json:"base,omitempty"`
	// Described is what its site says of the units beside the ticket, which nobody
	// signed; what is certified goes before it.
	Described Properties `json:"described,omitempty"`
	// Loose says that the records of the chain do not name their parents, as those
	// of legacy actors do not (tickets 4.1.4).
	Loose bool `json:"loose,omitempty"`
}

// Root is the record the site authority issued to itself or to its first
// holder: the last ancestor, or the delegation itself.
func (t Ticket) Root() Delegation {
	if n := len(t.Ancestors); n > 0 {
		return t.Ancestors[n-1]
	}
	return t.Delegation
}

// UnitState is where one unit stands. The ordinals are on the wire
// (leasing 1.1.4).
type UnitState uint8

// The states of a unit.
const (
	UnitDefault   UnitState = iota // known, nothing done yet
	UnitPriming                    // setup or join is running
	UnitActive                     // usable
	UnitModifying                  // a modify action is running
	UnitClosing                    // teardown or leave is running
	UnitClosed                     // gone
	UnitFailed                     // its last action failed for good
)

var unitNames = [...]string{"default", "priming", "active", "modifying", "closing", "closed", "failed"}

// String names the state.
func (s UnitState) String() string {
	if int(s) < len(unitNames) {
		return unitNames[s]
	}
	return fmt.Sprintf("UnitState(%d)", uint8(s))
}

// Pending reports whether an action on the unit is outstanding.
func (s UnitState) Pending() bool {
	return s == UnitPriming || s == UnitModifying || s == UnitClosing
}

// Unit is one leased thing: a host, seen from the site or from the guest.
type Unit struct {
	ID         UnitID     `json:"id"`
	Host       string     `json:"host,omitempty"` // inventory name at the site; empty at the guest
	State      UnitState  `json:"state"`
	Sequence   int        `json:"sequence"`           // number of actions begun; a completion must echo it
	Attempts   int        `json:"attempts,omitempty"` // failed tries of the present action
	Properties Properties `json:"properties,omitempty"`
	Notice     string     `json:"notice,omitempty"` // last thing a handler said
}
