package authority

import (
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// shares is what leases take of each delegation, whoever sold them: the last guard of
// the site's own promise. The ledger judges issuers one by one, and a claim that was
// sold on counts there from its NewStart; what is carved from it may begin before
// that, and only a sum over all leases shows it.
type shares map[actors.TicketID]*calendar.Calendar

// endless is room for anything: what is past may exceed a delegation, and so may what
// is put back after a restart.
const endless = 1 << 50

// set makes the tickets of r, and no others of it, what it takes.
func (s shares) set(r Reservation) {
	c := s[r.Export]
	if c == nil {
		c = calendar.New(endless, actors.NewTerm(1, actors.Forever))
		s[r.Export] = c
	}
	c.Release(r.ID)
	for _, h := range r.counted() {
		_ = c.Take(r.ID, h) // there is room for anything
	}
}

// check says why r takes more than is left of its delegation at some instant to come,
// or nil.
func (s shares) check(now actors.Millis, r Reservation, of actors.Delegation) error {
	c := s[r.Export]
	if c == nil {
		return nil
	}
	own := c.Holds(r.ID) // which are going to be replaced
	c.Release(r.ID)
	defer func() {
		for _, h := range own {
			_ = c.Take(r.ID, h)
		}
	}()
	for _, h := range r.counted() {
		from := max(h.From, now)
		if from > h.To {
			continue
		}
		if taken := endless - c.Free(from, h.To); taken+h.Units > of.Units {
			return fmt.Errorf("%d units of %s are asked for, of which %d of %d are taken", h.Units, of.Type, taken, of.Units)
		}
	}
	return nil
}

// counted is what the tickets of a lease take from the delegation they rest on: each
// from its new start on, until the next one, its end, or the end of the lease.
func (r Reservation) counted() []calendar.Hold {
	var out []calendar.Hold
	until := actors.Forever
	if r.Released != 0 {
		until = r.Released - 1
	}
	for _, t := range slices.Backward(append(r.Earlier[:len(r.Earlier):len(r.Earlier)], r.Ticket)) {
		h := calendar.Hold{From: t.Term.NewStart, To: min(t.Term.End, until), Units: t.Units}
		if until = min(until, h.From-1); h.From <= h.To {
			out = append(out, h)
		}
	}
	return out
}
