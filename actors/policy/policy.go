package policy

import (
	"iter"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// Broker divides what sites have delegated among those who ask.
type Broker interface {
	// Allocate decides as many of the round's asks as it can. An ask it says
	// nothing about waits for the next round, and so does one it decides with Waits.
	Allocate(Round) []Decision
}

// Round is one allocation as a broker's policy sees it.
type Round struct {
	Now     actors.Cycle
	Cycles  actors.Cycles
	Sources []Source // in order of their tickets' names
	Asks    []Ask    // extensions first, then new asks, each in order of arrival
	// Grants yields what is held at present, and what was held not long ago, in
	// order of the reservations' names. It may be nil; looking costs as much as
	// there is.
	Grants iter.Seq[Grant]
	// Quotas bounds what some of those who ask may hold, whatever is free; asks say
	// which of them concern them.
	Quotas []Quota
}

// Slot is the first instant that a grant of this round can cover.
func (r Round) Slot() actors.Millis { return r.Cycles.Start(r.Now + 1) }

// Sketch is the same round on sketches of its own, to find out what would become
// of it.
func (r Round) Sketch() Round {
	r.Sources = slices.Clone(r.Sources)
	for i := range r.Sources {
		r.Sources[i].Calendar = r.Sources[i].Calendar.Sketch()
	}
	r.Quotas = slices.Clone(r.Quotas)
	for i := range r.Quotas {
		r.Quotas[i].Calendar = r.Quotas[i].Calendar.Sketch()
	}
	return r
}

// Source is one ticket the broker may carve grants from. Calendar is a sketch:
// a policy takes from it what it grants, so that its next decision sees it.
type Source struct {
	ID       actors.TicketID
	Type     actors.ResourceType
	Site     actors.Location // who redeems grants carved from it
	Calendar *calendar.Calendar
}

// Ask is one request for units over a term.
type Ask struct {
	Reservation actors.ReservationID
	Client      actors.ActorID
	Slice       actors.SliceID
	Type        actors.ResourceType
	Units       int
	Term        actors.Term
	Properties  actors.Properties
	Since       actors.Cycle // when it began to wait
	// Approval is what an operator said about it, if anybody did.
	Approval Approval
	// Memory is what the policy's last decision about it wanted to be remembered.
	Memory Memory
	// Held is set when the ask prolongs a grant: what it holds now, and from where.
	Held *Held
	// Quotas is the indices of the round's quotas that bound it.
	Quotas []int
}

// Held is what an extension already has.
type Held struct {
	Source  actors.TicketID
	Units   int
	Term    actors.Term
	Slivers []Sliver        // on which hosts, if its source has any
	Size    calendar.Vector // of one unit there
}

// Sliver is some units of a grant on one host of its source, counted from 1.
type Sliver struct {
	Host  int `json:"host"`
	Units int `json:"units"`
}

// Memory is numbers of a policy's own, kept with the reservation they are about.
type Memory [2]int64

// Approval is an operator's word on an ask.
type Approval struct {
	Given   bool   `json:"given"`
	Granted bool   `json:"granted,omitempty"`
	Note    string `json:"note,omitempty"` // for people
}

// Grant is what one reservation holds, or held until not long ago.
type Grant struct {
	Reservation actors.ReservationID
	Client      actors.ActorID
	Slice       actors.SliceID
	Source      actors.TicketID
	Type        actors.ResourceType
	Units       int
	Term        actors.Term
	Over        bool // it has been given back or has expired
	Memory      Memory
}

// Decision grants or refuses one ask, or says why it waits.
type Decision struct {
	Reservation actors.ReservationID
	Granted     bool
	Waits       bool            // neither granted nor refused: asked again in the next round
	Operator    bool            // it waits for an operator's word
	Source      actors.TicketID // where the units come from
	Units       int
	Term        actors.Term
	Slivers     []Sliver        // on which hosts of the source, when it has any
	Size        calendar.Vector // of one unit there
	Why         string          // unless granted: the reason, for people
	Memory      Memory          // kept until the next decision about the reservation
	Reason      *Reason         // what was weighed, for whoever asks afterwards
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
	Now         actors.Cycle
	Reservation actors.ReservationID
	Type        actors.ResourceType
	Units       int
	Properties  actors.Properties // the ticket's, under the request's configuration
	Free        iter.Seq[actors.Host]
	// Trouble tells what went wrong on a host since it last worked. It may be nil.
	Trouble func(host string) Trouble
}

// Trouble is a host's record of failed setups since the last that succeeded.
type Trouble struct {
	Failures int          `json:"failures,omitempty"`
	Last     actors.Cycle `json:"last,omitempty"` // when the latest was
}
