package authority

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestOccupies: the site's calendar shows each interval of a lease with its own number of
// units: what is on hosts in the one under way, and what the tickets say of the others.
func TestOccupies(t *testing.T) {
	t.Parallel()
	ticket := func(units int, start, newStart, end actors.Millis) actors.Ticket {
		return actors.Ticket{Delegation: actors.Delegation{Units: units, Term: actors.Term{Start: start, NewStart: newStart, End: end}}}
	}
	first, grown, shrunk := ticket(3, 10, 10, 19), ticket(5, 10, 20, 29), ticket(1, 10, 20, 29)
	for _, c := range []struct {
		name    string
		status  Status
		earlier []actors.Ticket
		ticket  actors.Ticket
		onHosts int
		want    string
	}{
		{"waits for its start", redeeming, nil, first, 0, "[10..19 3]"},
		{"is set up", priming, nil, first, 3, "[10..19 3]"},
		{"began with fewer", active, nil, first, 2, "[10..19 2]"},
		{"will grow", extending, []actors.Ticket{first}, grown, 3, "[10..19 3] [20..29 5]"},
		{"will grow, and has lost one", extending, []actors.Ticket{first}, grown, 2, "[10..19 2] [20..29 5]"},
		{"grows", repriming, []actors.Ticket{first}, grown, 5, "[10..19 3] [20..29 5]"},
		{"will shrink", extending, []actors.Ticket{first}, shrunk, 3, "[10..19 3] [20..29 1]"},
		{"has shrunk", active, []actors.Ticket{first}, shrunk, 1, "[10..19 3] [20..29 1]"},
		{"is torn down", closingLease, nil, first, 2, "[10..19 2]"},
		{"is over", closed, nil, first, 0, ""},
		{"failed", failed, nil, first, 0, ""},
		{"failed, and is cleared away", failed, nil, first, 1, "[10..19 1]"},
	} {
		r := Reservation{Status: c.status, Earlier: c.earlier, Ticket: c.ticket, Wanted: c.ticket.Term}
		var units []actors.Unit
		for i := range c.onHosts {
			units = append(units, actors.Unit{ID: actors.UnitID(fmt.Sprint("u", i)), State: actors.UnitActive})
		}
		r.Units = actors.UnitsOf(units...)
		got := ""
		for i, h := range r.occupies() {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprintf("[%d..%d %d]", h.From, h.To, h.Units)
		}
		if got != c.want {
			t.Errorf("a lease that %s: %s, want %s", c.name, got, c.want)
		}
	}
}
