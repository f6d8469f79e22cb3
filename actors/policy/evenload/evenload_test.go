package evenload_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/evenload"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestBroker(t *testing.T) { policytest.Broker(t, evenload.Policy{}) }

// TestBalance: asks go where the load will be least, by the whole of a site.
func TestBalance(t *testing.T) {
	r := policy.Round{Cycles: actors.Cycles{Begin: 1, Length: 1}}
	for i, s := range []struct {
		site  string
		units int
	}{{"east", 4}, {"east", 4}, {"north", 2}, {"west", 4}} {
		r.Sources = append(r.Sources, policy.Source{ID: actors.TicketID(fmt.Sprint("T", i)), Type: "node",
			Site: actors.Location{ID: actors.ActorID("id of " + s.site), Name: s.site}, Calendar: calendar.New(s.units, actors.NewTerm(1, 1000))})
	}
	for i, units := range []int{1, 1, 2, 1, 1, 4, 1, 9} {
		a := policy.Ask{Reservation: actors.ReservationID(fmt.Sprint(i)), Type: "node", Units: units, Term: actors.NewTerm(10, 19)}
		if units == 9 {
			a.Properties = actors.Properties{"elastic": "true"}
		}
		r.Asks = append(r.Asks, a)
	}
	var got []string
	for _, d := range (evenload.Policy{}).Allocate(r) {
		got = append(got, fmt.Sprintf("%s:%s%d", d.Reservation, d.Source, d.Units))
	}
	// East has 8 units in two sources, west 4, north 2. East is at 1/8 first; then 2/8
	// there equals 1/4 at west, which has less allocated; two more make 3/8 of east; a
	// tie of 1/2 everywhere goes to north, where nothing is; four fit in east's second
	// source only; and nine are cut to what the least loaded site has.
	if want := "0:T01 1:T31 2:T02 3:T21 4:T31 5:T14 6:T31 7:T01"; strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}
