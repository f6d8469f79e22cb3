package sim

import "github.com/leasehold/leasehold/actors/policy"

// boaster is a broker's policy that tells lies: it grants what it had to refuse, from
// any source of the type, decides twice, and decides about those who did not ask. What
// it grants and could have granted stays as it was, so that whoever believes none of the
// lies serves everybody as well as before.
type boaster struct{ policy.Broker }

// Allocate decides and lies (policy.Broker).
func (b boaster) Allocate(r policy.Round) []policy.Decision {
	decided := b.Broker.Allocate(r)
	asks := map[string]policy.Ask{}
	for _, a := range r.Asks {
		asks[string(a.Reservation)] = a
	}
	var out, more []policy.Decision
	for _, d := range decided {
		a := asks[string(d.Reservation)]
		if d.Granted {
			twice := d
			twice.Units, twice.Term.End = 2*d.Units, 2*d.Term.End
			more = append(more, twice)
		}
		for _, s := range r.Sources {
			if !d.Granted && !d.Waits && s.Type == a.Type && (a.Held == nil || a.Held.Source == s.ID) {
				d.Granted, d.Source, d.Units, d.Term = true, s.ID, a.Units, a.Term
			}
		}
		out = append(out, d)
	}
	return append(append(out, more...), policy.Decision{Reservation: "nobody", Granted: true, Units: 1})
}
