/*
Package policy is the contract between the leasing core and the people who write
policies.

The core knows states, messages and durability; it does not know who should get
what. It hands a policy a snapshot and receives decisions. A policy is pure: it
keeps nothing between calls, reads no clock, and gives the same decisions for the
same snapshot. Whatever it needs to remember belongs in the decisions themselves.

Each policy is a package of its own below this one. Package policytest holds the
properties every one of them must have.
*/
package policy

import (
	"iter"
	"strconv"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// Broker divides what sites have delegated among those who ask.
type Broker interface {
	// Allocate decides as many of the round's asks as it can. An ask it says
	// nothing about waits for the next round.
	Allocate(Round) []Decision
}

// Round is one allocation as a broker's policy sees it.
type Round struct {
	Now     actors.Cycle
	Cycles  actors.Cycles
	Sources []Source // in order of their tickets' names
	Asks    []Ask    // extensions first, then new asks, each in order of arrival
}

// Source is one ticket the broker may carve grants from. Calendar is a sketch:
// a policy takes from it what it grants, so that its next decision sees it.
type Source struct {
	ID       actors.TicketID
	Type     actors.ResourceType
	Calendar *calendar.Calendar
}

// Ask is one request for units over a term.
type Ask struct {
	Reservation actors.ReservationID
	Client      actors.ActorID
	Type        actors.ResourceType
	Units       int
	Term        actors.Term
	Properties  actors.Properties
	// Held is set when the ask prolongs a grant: what it holds now, and from where.
	Held *Held
}

// Held is what an extension already has.
type Held struct {
	Source actors.TicketID
	Units  int
	Term   actors.Term
}

// Decision grants or refuses one ask.
type Decision struct {
	Reservation actors.ReservationID
	Granted     bool
	Source      actors.TicketID // where the units come from
	Units       int
	Term        actors.Term
	Why         string // for a refusal: the reason, for people
}

// Needs lists what must be free beside what the ask already holds, for units
// over term: one hold for a new ask; for an extension the time behind its old
// end, and any growth before it.
func (a Ask) Needs(units int, term actors.Term) []calendar.Hold {
	if a.Held == nil {
		return []calendar.Hold{{From: term.Start, To: term.End, Units: units}}
	}
	var needs []calendar.Hold
	if more := units - a.Held.Units; more > 0 && term.NewStart <= a.Held.Term.End {
		needs = append(needs, calendar.Hold{From: term.NewStart, To: a.Held.Term.End, Units: more})
	}
	from := max(term.NewStart, a.Held.Term.End+1)
	return append(needs, calendar.Hold{From: from, To: term.End, Units: units})
}

// Elastic reports whether the ask accepts fewer units than it names, and the
// least it accepts. Both the paper's name and the legacy one count (leasing 3.9).
func (a Ask) Elastic() (least int, ok bool) {
	if !a.flag("elastic", "request.elasticSize") {
		return a.Units, false
	}
	if n, err := strconv.Atoi(a.Properties["units.min"]); err == nil && n > 0 && n < a.Units {
		return n, true
	}
	return 1, true
}

// Deferrable reports whether the ask accepts a later start, and the last instant
// at which it must be over; actors.Forever when it does not say.
func (a Ask) Deferrable() (deadline actors.Millis, ok bool) {
	if !a.flag("deferrable", "request.elasticTime") || a.Held != nil {
		return a.Term.End, false
	}
	if ms, err := strconv.ParseInt(a.Properties["deadline"], 10, 64); err == nil && ms > 0 {
		return actors.Millis(ms), true
	}
	return actors.Forever, true
}

func (a Ask) flag(names ...string) bool {
	for _, n := range names {
		if on, err := strconv.ParseBool(a.Properties[n]); err == nil && on {
			return true
		}
	}
	return false
}

// Authority picks hosts for a lease that is due.
type Authority interface {
	// Assign names the hosts a lease gets; fewer than need when there are not
	// enough. It must name free hosts only, each once.
	Assign(need Need) []string
}

// Need is one lease that wants hosts. Free yields the free hosts of its type in
// order of their names.
type Need struct {
	Reservation actors.ReservationID
	Type        actors.ResourceType
	Units       int
	Properties  actors.Properties
	Free        iter.Seq[actors.Host]
}
