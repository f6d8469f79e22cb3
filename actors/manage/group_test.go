package manage_test

import (
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/manage"
)

// hurried is a clock on which time passes between any two looks at it.
type hurried struct {
	clock.Clock
	looks *atomic.Int64
}

func (h hurried) Now() time.Time {
	return h.Clock.Now().Add(time.Duration(h.looks.Add(1)) * time.Second)
}

// TestOneMoment: the relative times of one group are counted from one moment, so
// that what is to start together does.
func TestOneMoment(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *manage.Config) { c.Clock = hurried{c.Clock, new(atomic.Int64)} })
	order := manage.Order{Slice: "web", Type: "site.node", Units: 1, Start: "+2m", Length: "1h"}
	if _, err := o.local.RequestGroup(t.Context(), manage.Group{Actor: "sm-blue", Orders: []manage.Order{order, order}}); err != nil {
		t.Fatal(err)
	}
	rs := o.last("sm-blue").(actors.RequestGroup).Requests
	if rs[0].Term != rs[1].Term {
		t.Errorf("asked for %v and %v", rs[0].Term, rs[1].Term)
	}
}

func TestRequestGroup(t *testing.T) {
	both(t, func(t *testing.T, o *office) {
		o.put("sm-blue", "4f0c-1", "web", actors.Active)
		order := func(name string, after ...manage.After) manage.Order {
			return manage.Order{Name: name, Slice: "web", Type: "site.node", Units: 1, Length: "1h", After: after}
		}
		rs, err := o.RequestGroup(t.Context(), manage.Group{Actor: "sm-blue", Orders: []manage.Order{
			order("b", manage.After{Order: "a", Pass: map[string]string{"ip": "server"}, Joined: true}, manage.After{Reservation: "4f0c", Gate: "join", Pass: map[string]string{}, Required: true}),
			order("a"),
		}})
		if err != nil || len(rs) != 2 || rs[0].State != "Nascent" || len(rs[0].After) != 2 || rs[0].After[0].Reservation != rs[1].Reservation {
			t.Fatalf("%+v, %v", rs, err)
		}
		got := o.last("sm-blue").(actors.RequestGroup).Requests[0].After
		want := []actors.Predecessor{
			{Reservation: actors.ReservationID(rs[1].Reservation), Gate: actors.RedeemGate, Filter: actors.Properties{"ip": "server"}, Joined: true},
			{Reservation: "4f0c-1", Gate: actors.JoinGate, Filter: actors.Properties{}, Required: true},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the manager was asked %+v, want %+v", got, want)
		}
		if r, err := o.Request(t.Context(), manage.Order{Actor: "sm-blue", Slice: "web", Type: "site.node", Units: 1, Length: "1h",
			After: []manage.After{{Reservation: "4f0c-1"}}}); err != nil || o.last("sm-blue").(actors.Request).After[0].Filter != nil {
			t.Errorf("%+v, %v", r, err)
		}
		for _, tt := range []struct {
			g     manage.Group
			exit  int
			parts []string
		}{
			{manage.Group{Actor: "sm-blue"}, 2, []string{"0 orders"}},
			{manage.Group{Actor: "site", Orders: []manage.Order{order("a")}}, 2, []string{"site"}},
			{manage.Group{Actor: "broker", Orders: []manage.Order{order("a")}}, 2, []string{"only a service manager"}},
			{manage.Group{Actor: "sm-blue", Orders: []manage.Order{order("a"), order("a")}}, 2, []string{`two orders are called "a"`}},
			{manage.Group{Actor: "sm-blue", Orders: []manage.Order{order("files"), order("b", manage.After{Order: "fils"})}}, 2, []string{`b: after: no order is called "fils"; did you mean "files"?`}},
			{manage.Group{Actor: "sm-blue", Orders: []manage.Order{order("a", manage.After{Order: "b"}), order("b", manage.After{Order: "a"})}}, 2, []string{"a cycle: a after b after a"}},
			{manage.Group{Actor: "sm-blue", Orders: []manage.Order{order("a", manage.After{Reservation: "zz"})}}, 2, []string{`no reservation is called "zz"`}},
			{manage.Group{Actor: "sm-blue", Orders: []manage.Order{order("a", manage.After{})}}, 2, []string{"give either"}},
			{manage.Group{Actor: "sm-blue", Orders: []manage.Order{order("a"), order("b", manage.After{Order: "a", Gate: "door"})}}, 2, []string{`the gate "door"`}},
			{manage.Group{Actor: "sm-blue", Orders: []manage.Order{{Slice: "web", Type: "site.node", Units: 0, Length: "1h"}, {Actor: "x"}}}, 2,
				[]string{"order 1: units is 0", "order 2: the manager is named once", "order 2: slice is missing"}},
		} {
			_, err := o.RequestGroup(t.Context(), tt.g)
			refused(t, err, actors.Invalid, tt.exit, tt.parts...)
		}
	})
}
