/*
Package supply is what the policies of service managers share: given how many
units a guest should have, it asks for what is missing, prolongs what ends, and
gives back what is too much (paper B 5.2).

What will be missing is looked for at one instant, the start of a lease that is
asked for now: leases that cover it count, granted or not, and so do those being
prolonged. Leases follow one another without a gap, because a look is due whenever
a lease requested then would begin just as another one ends.
*/
package supply

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// usualLead is how many cycles ahead leases are asked for by default: enough for
// the legacy margins (leasing 2.5).
const usualLead = 5

// Cover is the bids that give a guest want units.
func Cover(o policy.Outlook, s policy.GuestSettings, want int) policy.Bids {
	out := policy.Bids{Want: want}
	ahead := lead(o, s)
	begin := o.Cycles.Start(o.Now + ahead)
	// again makes a look due when the successor of a lease can be asked for.
	again := func(end actors.Millis) {
		if at := o.Cycles.Of(end+1) - ahead; at > o.Now && (out.Again == 0 || at < out.Again) {
			out.Again = at
		}
	}
	missing := want
	for _, l := range o.Leases {
		if l.Covers(begin) || l.Extending {
			missing -= l.Units
		}
	}
	o.Leases = slices.Clone(o.Leases)
	for i := range o.Leases {
		l := &o.Leases[i]
		if s.Renew && missing > 0 && l.Granted && !l.Extending && !l.Refused && l.Term.End < begin {
			missing -= l.Units
			l.Extending = true
			out.Extend = append(out.Extend, policy.Extension{Reservation: l.Reservation, End: l.Term.End + s.Term})
			again(l.Term.End + s.Term)
			continue
		}
		again(l.Term.End)
	}
	if s.Return {
		out.Close = surplus(o, begin, want, -missing)
	}
	for missing > 0 {
		n := missing
		if s.Chunk > 0 {
			n = min(n, s.Chunk)
		}
		missing -= n
		w := policy.Wanted{Units: n, Term: actors.NewTerm(begin, begin+s.Term-1)}
		out.Ask = append(out.Ask, w)
		again(w.Term.End)
	}
	return out
}

func lead(o policy.Outlook, s policy.GuestSettings) actors.Cycle {
	if s.Lead == 0 {
		return usualLead
	}
	return max(actors.Cycle(s.Lead/o.Cycles.Length), 1)
}

// surplus is the newest leases that the guest can do without, now and when a lease
// asked for now would begin. Spare is how many units there are too many then.
func surplus(o policy.Outlook, begin actors.Millis, want, spare int) []actors.ReservationID {
	over := -want
	at := o.Cycles.Start(o.Now)
	for _, l := range o.Leases {
		if l.Covers(at) {
			over += l.Units
		}
	}
	var out []actors.ReservationID
	for _, l := range slices.Backward(o.Leases) {
		later := l.Covers(begin)
		if !l.Granted || l.Extending || !l.Covers(at) || l.Units > over || later && l.Units > spare {
			continue
		}
		over -= l.Units
		if later {
			spare -= l.Units
		}
		out = append(out, l.Reservation)
	}
	return out
}
