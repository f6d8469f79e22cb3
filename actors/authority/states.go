package authority

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/fsm"
)

// Status is the two coordinates of a reservation at a site.
type Status struct {
	State   actors.State   `json:"state"`
	Pending actors.Pending `json:"pending"`
}

// String prints the coordinates as the documents do.
func (s Status) String() string { return s.State.String() + "," + s.Pending.String() }

// The statuses a reservation can have.
var (
	accepted      = Status{actors.Ticketed, actors.None}
	redeeming     = Status{actors.Ticketed, actors.Redeeming}
	priming       = Status{actors.Ticketed, actors.Priming}
	active        = Status{actors.Active, actors.None}
	extending     = Status{actors.Active, actors.ExtendingLease}
	modifying     = Status{actors.Active, actors.ModifyingLease}
	repriming     = Status{actors.Active, actors.Priming}
	failed        = Status{actors.Failed, actors.None}
	closingTicket = Status{actors.Ticketed, actors.Closing}
	closingLease  = Status{actors.Active, actors.Closing}
	closingFailed = Status{actors.Failed, actors.Closing}
	closed        = Status{actors.Closed, actors.None}
)

// Moves is every move a reservation can make here; each step is checked against
// it (leasing 1.6).
var Moves = fsm.New(
	row(accepted, "the ticket was accepted", redeeming, closed),
	row(redeeming, "waiting for its start and for free hosts", priming, closingTicket),
	row(priming, "units are being set up", active, failed, closingTicket),
	row(active, "the client uses its units", extending, modifying, closingLease),
	row(extending, "an extension waits for its start", repriming, closingLease),
	row(modifying, "a modify was accepted", repriming),
	row(repriming, "units are being set up, kept or taken away for the extension, or modified", active, extending, failed, closingLease),
	row(failed, "no unit could be set up", closingFailed),
	row(closingTicket, "units are being torn down before the lease began", closed),
	row(closingLease, "units are being torn down", closed),
	row(closingFailed, "what is left of a failed lease is being torn down", closed),
	row(closed, "over; every host is free again or in quarantine"),
)

func row(s Status, means string, to ...Status) fsm.Row[Status] {
	return fsm.Row[Status]{State: s, Means: means, To: to}
}
