package broker

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/fsm"
)

// Status is the two coordinates of a reservation at a broker.
type Status struct {
	State   actors.State   `json:"state"`
	Pending actors.Pending `json:"pending"`
}

// String prints the coordinates as the documents do.
func (s Status) String() string { return s.State.String() + "," + s.Pending.String() }

// The statuses a reservation can have.
var (
	asked     = Status{actors.Nascent, actors.None}
	ticketing = Status{actors.Nascent, actors.Ticketing}
	priming   = Status{actors.Ticketed, actors.Priming}
	ticketed  = Status{actors.Ticketed, actors.None}
	extending = Status{actors.Ticketed, actors.ExtendingTicket}
	closed    = Status{actors.Closed, actors.None}
	failed    = Status{actors.Failed, actors.None}
)

// Moves is every move a reservation can make here; each step is checked against
// it (leasing 1.5).
var Moves = fsm.New(
	row(asked, "a request arrived", ticketing),
	row(ticketing, "waiting for the policy's next round", priming, failed, closed),
	row(priming, "granted; the ticket is about to be sent", ticketed),
	row(ticketed, "the client holds a ticket", extending, closed),
	row(extending, "an extension waits for the policy's next round", priming, failed, closed),
	row(closed, "over; the units are free again"),
	row(failed, "refused; a refused extension keeps its units until the old term ends", closed),
)

func row(s Status, means string, to ...Status) fsm.Row[Status] {
	return fsm.Row[Status]{State: s, Means: means, To: to}
}
