package manager

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/fsm"
)

// Status is the three coordinates of a reservation at a service manager.
type Status struct {
	State   actors.State     `json:"state"`
	Pending actors.Pending   `json:"pending"`
	Join    actors.JoinState `json:"join"`
}

// String prints the coordinates as the documents do.
func (s Status) String() string {
	return s.State.String() + "," + s.Pending.String() + "," + s.Join.String()
}

func at(s actors.State, p actors.Pending, j actors.JoinState) Status { return Status{s, p, j} }

// The statuses a reservation can have.
var (
	asked         = at(actors.Nascent, actors.None, actors.NoJoin)
	ticketing     = at(actors.Nascent, actors.Ticketing, actors.NoJoin)
	ticketed      = at(actors.Ticketed, actors.None, actors.NoJoin)
	blockedRedeem = at(actors.Ticketed, actors.None, actors.BlockedRedeem)
	redeeming     = at(actors.Ticketed, actors.Redeeming, actors.NoJoin)
	blockedJoin   = at(actors.Active, actors.None, actors.BlockedJoin)
	joining       = at(actors.Active, actors.None, actors.Joining)
	active        = at(actors.Active, actors.None, actors.NoJoin)
	closing       = at(actors.Active, actors.Closing, actors.NoJoin)
	closeWait     = at(actors.CloseWait, actors.None, actors.NoJoin)
	closed        = at(actors.Closed, actors.None, actors.NoJoin)
	failed        = at(actors.Failed, actors.None, actors.NoJoin)

	extendingB      = at(actors.Active, actors.ExtendingTicket, actors.BlockedJoin)
	activeTicketedB = at(actors.ActiveTicketed, actors.None, actors.BlockedJoin)
	extendingLeaseB = at(actors.ActiveTicketed, actors.ExtendingLease, actors.BlockedJoin)
	modifyingB      = at(actors.Active, actors.ModifyingLease, actors.BlockedJoin)
	extending       = at(actors.Active, actors.ExtendingTicket, actors.NoJoin)
	extendingJ      = at(actors.Active, actors.ExtendingTicket, actors.Joining)
	activeTicketed  = at(actors.ActiveTicketed, actors.None, actors.NoJoin)
	activeTicketedJ = at(actors.ActiveTicketed, actors.None, actors.Joining)
	extendingLease  = at(actors.ActiveTicketed, actors.ExtendingLease, actors.NoJoin)
	extendingLeaseJ = at(actors.ActiveTicketed, actors.ExtendingLease, actors.Joining)
	modifying       = at(actors.Active, actors.ModifyingLease, actors.NoJoin)
	modifyingJ      = at(actors.Active, actors.ModifyingLease, actors.Joining)
)

// Moves is every move a reservation can make here; each step is checked against
// it (leasing 1.3.2).
var Moves = fsm.New(
	row(asked, "wanted, the broker not asked yet", ticketing),
	row(ticketing, "the broker was asked for a ticket", ticketed, closed, failed),
	row(ticketed, "a ticket is held; it is not yet time to redeem it", blockedRedeem, closed, failed),
	row(blockedRedeem, "time to redeem; predecessors must be ready first", redeeming, closed, failed),
	row(redeeming, "the site was asked to turn the ticket into a lease", blockedJoin, closed, failed),
	row(blockedJoin, "the lease arrived; predecessors must be ready before its units join",
		joining, extendingB, modifyingB, closeWait, failed),
	row(joining, "units are joining the guest", active, extendingJ, modifyingJ, closing, failed),
	row(active, "the guest uses its units", joining, extending, modifying, closing, failed),
	row(extending, "the broker was asked for a longer ticket", active, activeTicketed, extendingJ, closing, failed),
	row(extendingJ, "the same, while units are still joining", joining, activeTicketedJ, extending, closing, failed),
	row(activeTicketed, "a longer ticket is held; it is not yet time to extend the lease",
		extendingLease, activeTicketedJ, closing, failed),
	row(activeTicketedJ, "the same, while units are still joining", activeTicketed, extendingLeaseJ, closing, failed),
	row(extendingLease, "the site was asked to extend the lease", joining, extendingLeaseJ, closing, failed),
	row(extendingLeaseJ, "the same, while units are still joining", joining, extendingLease, closing, failed),
	row(modifying, "the site was asked to modify the units", active, joining, closing, failed),
	row(modifyingJ, "the same, while units are still joining", joining, modifying, closing, failed),
	row(extendingB, "the broker was asked for a longer ticket, while no unit may join yet",
		blockedJoin, activeTicketedB, extendingJ, closeWait, failed),
	row(activeTicketedB, "a longer ticket is held, while no unit may join yet", extendingLeaseB, activeTicketedJ, closeWait, failed),
	row(extendingLeaseB, "the site was asked to extend the lease, while no unit may join yet",
		blockedJoin, extendingLeaseJ, closeWait, failed),
	row(modifyingB, "the site was asked to modify the units, while no unit may join yet", blockedJoin, modifyingJ, closeWait, failed),
	row(closing, "units are leaving the guest", closeWait),
	row(closeWait, "the site was asked to take the units back", closed),
	row(closed, "over, everything given back"),
	row(failed, "over, because something went wrong", closed),
)

func row(s Status, means string, to ...Status) fsm.Row[Status] {
	return fsm.Row[Status]{State: s, Means: means, To: to}
}
