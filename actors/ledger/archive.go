package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// most bounds what is kept against one issuer: the first conflict proves as much as
// the hundredth, and nobody may fill a store by overselling.
const most = 64

// Archive is the evidence that an actor keeps. The zero Archive is empty and ready.
type Archive struct{ kept map[string]actors.Evidence }

// Keep takes in a conflict over a ticket that somebody presented for a reservation,
// and gives the record to be saved: none if it was kept before, or if more of its
// kind is kept than anybody needs.
func (a *Archive) Keep(now actors.Cycle, peer actors.ActorID, reservation actors.ReservationID, c *Conflict) []actors.Record {
	e := c.Evidence
	e.Since, e.Peer, e.Reservation = now, peer, reservation
	against := 0
	for _, o := range a.kept {
		if o.Parent.Holder == e.Parent.Holder {
			against++
		}
	}
	if _, ok := a.kept[e.ID]; ok || against >= most {
		return nil
	}
	a.put(e)
	return []actors.Record{{Key: actors.EvidencePrefix + e.ID, Value: e}}
}

func (a *Archive) put(e actors.Evidence) {
	if a.kept == nil {
		a.kept = map[string]actors.Evidence{}
	}
	a.kept[e.ID] = e
}

// Restore puts back what was kept under a name.
func (a *Archive) Restore(id string, data []byte) error {
	var e actors.Evidence
	if err := json.Unmarshal(data, &e); err != nil {
		return err
	}
	if e.ID != id || len(e.Claims) == 0 {
		return fmt.Errorf("it is about conflict %q of %d claims", e.ID, len(e.Claims))
	}
	a.put(e)
	return nil
}

// List is what is kept, oldest first.
func (a *Archive) List() []actors.Evidence {
	return slices.SortedFunc(maps.Values(a.kept), func(x, y actors.Evidence) int {
		return cmp.Or(cmp.Compare(x.Since, y.Since), cmp.Compare(x.ID, y.ID))
	})
}
