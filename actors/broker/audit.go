package broker

import (
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/ledger"
)

// audit counts a ticket that was given to this broker, for a holding or as a
// donation, beside the others that it was given. One that shows that a seller above
// has given more away than it held is refused, and the evidence kept. A site may
// promise more than it has: it alone knows its hosts, and sorts out who gets them.
func (a *Actor) audit(now actors.Cycle, holding actors.ReservationID, t actors.Ticket) (fx actors.Effects, err error) {
	at := a.config.Cycles.Start(now)
	if holding == "" {
		err = a.ledger.See(at, t)
	} else {
		err = a.ledger.Redeem(at, holding, t)
	}
	var c *ledger.Conflict
	switch {
	case err == nil:
		return fx, nil
	case errors.As(err, &c) && c.Parent.Issuer == c.Parent.Holder:
		a.ledger.Restore(holding, t, actors.Forever)
		return fx, nil
	case c != nil:
		fx.Save = a.archive.Keep(now, t.Issuer, holding, c)
	}
	return fx, a.refuse("audit", holding, actors.KindOf(err), fmt.Sprint(err))
}

// Evidence lists the conflicts in which a ticket was refused (actors.Witness).
func (a *Actor) Evidence() []actors.Evidence { return a.archive.List() }
