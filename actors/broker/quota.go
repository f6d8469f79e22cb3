package broker

import (
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
)

// quotas are the calendars of what is held under each quota, by the quota's name.
// They follow from the reservations and are not stored.
type quotas struct {
	limits []policy.Limit
	books  map[string]*calendar.Calendar
}

func newQuotas(limits []policy.Limit) quotas {
	return quotas{limits, map[string]*calendar.Calendar{}}
}

// quota is one that concerns a reservation.
type quota struct {
	name  string
	units int
	book  *calendar.Calendar
}

// of lists the quotas that concern a reservation, in the order of configuration.
func (q *quotas) of(r Reservation) []quota {
	var out []quota
	for _, l := range q.limits {
		name := l.Of(r.Client, r.Slice, r.Type)
		if name == "" {
			continue
		}
		book := q.books[name]
		if book == nil {
			book = policy.NewQuota()
			q.books[name] = book
		}
		out = append(out, quota{name, l.Units, book})
	}
	return out
}

// put makes the calendars agree with what a reservation now holds.
func (q *quotas) put(r Reservation) {
	for _, one := range q.of(r) {
		one.book.Release(r.ID)
		for _, h := range r.Holds {
			// Nothing is refused: what is held is held, whatever the quota has become.
			_ = one.book.Take(r.ID, calendar.Hold{From: h.From, To: h.To, Units: h.Units})
		}
	}
}

// drop forgets a reservation.
func (q *quotas) drop(r Reservation) {
	for _, one := range q.of(r) {
		one.book.Release(r.ID)
	}
}

// show tells the round about the quotas of one of its asks.
func (q *quotas) show(round *policy.Round, known map[string]int, r Reservation, ask *policy.Ask) {
	for _, one := range q.of(r) {
		i, ok := known[one.name]
		if !ok {
			i = len(round.Quotas)
			known[one.name] = i
			round.Quotas = append(round.Quotas, policy.Quota{Name: one.name, Units: one.units, Calendar: one.book.Sketch()})
		}
		ask.Quotas = append(ask.Quotas, i)
	}
}
