package manager

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// desk is a manager whose reservations a test moves about.
type desk struct {
	*testing.T
	*Actor
	now  actors.Cycle
	sent []actors.Message
	runs []actors.Task
}

func newDesk(t *testing.T, gate Gatekeeper) *desk {
	k := rules
	k.Gate = gate
	return &desk{T: t, Actor: New(Config{Rules: k, Broker: "br"}), now: 5}
}

func (d *desk) step(ev actors.Event) actors.Effects {
	d.Helper()
	fx, err := d.Step(d.now, ev)
	if err != nil {
		d.Fatalf("%T: %v", ev, err)
	}
	d.sent, d.runs = append(d.sent, fx.Send...), append(d.runs, fx.Run...)
	return fx
}

// restart stores everything and begins anew from it.
func (d *desk) restart() {
	d.Helper()
	b := New(d.config)
	for _, id := range slices.Sorted(maps.Keys(d.book)) {
		data, err := d.book[id].AppendRecord(nil)
		if err != nil {
			d.Fatal(err)
		}
		if err := b.Restore(actors.Stored{Key: key(id), Data: data}); err != nil {
			d.Fatal(err)
		}
	}
	d.Actor = b
	d.Recover(d.now)
	d.step(actors.Tick{})
}

func want(id string, after ...actors.Predecessor) actors.Request {
	return actors.Request{Reservation: actors.ReservationID(id), Slice: slice, Type: "node", Units: 2, Term: term, After: after}
}

// as puts an event about R1 of the tests into another reservation's mouth.
func as(id string, ev actors.Event) actors.Event {
	r := ev.(actors.Receive)
	r.Message.Reservation = actors.ReservationID(id)
	return r
}

// grant gives a reservation its ticket.
func (d *desk) grant(id string) { d.Helper(); d.step(as(id, granted(1, ticket("T-"+id, term)))) }

// join ends the joins of a reservation's units.
func (d *desk) join(id string) {
	d.Helper()
	for u := range d.book[actors.ReservationID(id)].Held.All() {
		d.step(actors.ActionDone{Reservation: actors.ReservationID(id), Unit: u.ID, Sequence: u.Sequence})
	}
}

func (d *desk) is(id string, s Status) {
	d.Helper()
	if got := d.book[actors.ReservationID(id)].Status; got != s {
		v, _ := d.View(actors.ReservationID(id))
		d.Fatalf("%s is %v, not %v; waiting for %q, error %q", id, got, s, v.Waiting, v.Error)
	}
}

func (d *desk) waits(id, text string) {
	d.Helper()
	if v, _ := d.View(actors.ReservationID(id)); !strings.Contains(v.Waiting, text) || v.Next == "" || v.Deadline == 0 {
		d.Fatalf("%s waits for %q, next %q, deadline %d; want %q", id, v.Waiting, v.Next, v.Deadline, text)
	}
}

// A cluster for its users: a file server first; the workers' redeem waits for the
// server's lease and learns its address; the head joins when the workers have.
func TestLeaseGroup(t *testing.T) {
	d := newDesk(t, nil)
	d.step(actors.RequestGroup{Requests: []actors.Request{
		want("head", actors.Predecessor{Reservation: "workers", Gate: actors.JoinGate, Filter: actors.Properties{"unit.id": "members"}}),
		want("workers", actors.Predecessor{Reservation: "nfs", Gate: actors.RedeemGate, Filter: actors.Properties{"ip": "nfs.server"}}),
		want("nfs"),
	}})
	for _, id := range []string{"head", "workers", "nfs"} {
		d.grant(id)
	}
	d.now = 9
	d.step(actors.Tick{})
	d.is("workers", blockedRedeem)
	d.is("head", redeeming)
	d.waits("workers", "reservation nfs, which is Ticketed,Redeeming,NoJoin, to be leased")

	up := lease(term, 1, "n1", "n2").(actors.Receive)
	up.Message.Lease.Units[0].Properties = actors.Properties{"ip": "10.0.0.1"}
	up.Message.Lease.Units[1].Properties = actors.Properties{"ip": "10.0.0.2"}
	d.sent = nil
	d.step(as("nfs", up))
	d.is("nfs", joining)
	d.is("workers", redeeming)
	if len(d.sent) != 1 || d.sent[0].Reservation != "workers" || d.sent[0].Properties["nfs.server"] != "10.0.0.1,10.0.0.2" {
		t.Fatalf("sent %+v", d.sent)
	}
	d.restart() // what was passed on is not passed on again
	if got := d.book["workers"].Config["nfs.server"]; got != "10.0.0.1,10.0.0.2" {
		t.Fatalf("after a restart it is %q", got)
	}
	d.step(as("head", lease(term, 1, "h1")))
	d.is("head", blockedJoin)
	d.waits("head", "reservation workers, which is Ticketed,Redeeming,NoJoin, to be active")
	d.restart()
	d.is("head", blockedJoin)
	d.step(as("workers", lease(term, 1, "w1", "w2")))
	d.is("head", blockedJoin)
	d.runs = nil
	d.join("workers")
	d.is("head", joining)
	if len(d.runs) != 1 || d.runs[0].Verb != actors.Join || d.runs[0].Properties["members"] != "w1,w2" {
		t.Fatalf("the head joins with %+v", d.runs)
	}
	if _, travels := d.book["head"].Config["members"]; travels {
		t.Error("what a join predecessor passes on went into the configuration")
	}
	d.join("head")
	d.is("head", active)
}

// A legacy redeem gate waits for the join.
func TestRedeemAfterJoin(t *testing.T) {
	d := newDesk(t, nil)
	d.step(want("a"))
	d.step(want("b", actors.Predecessor{Reservation: "a", Gate: actors.RedeemGate, Joined: true}))
	d.grant("a")
	d.grant("b")
	d.now = 9
	d.step(actors.Tick{})
	d.step(as("a", lease(term, 1, "u1", "u2")))
	d.is("b", blockedRedeem)
	d.waits("b", "to be active")
	d.join("a")
	d.is("b", redeeming)
}

// What has failed is passed over, or takes its successors with it, however far they
// are behind it.
func TestPredecessorFails(t *testing.T) {
	for _, required := range []bool{false, true} {
		d := newDesk(t, nil)
		d.step(actors.RequestGroup{Requests: []actors.Request{
			want("a"),
			want("b", actors.Predecessor{Reservation: "a", Gate: actors.RedeemGate, Required: required}),
			want("c", actors.Predecessor{Reservation: "b", Gate: actors.JoinGate, Required: required}),
		}})
		d.grant("b")
		d.grant("c")
		d.now = 9
		d.step(actors.Tick{})
		d.is("b", blockedRedeem)
		d.is("c", redeeming)
		d.sent = nil
		d.step(as("a", refused(actors.OpUpdateTicket, "br", 0)))
		d.is("a", failed)
		if !required {
			d.is("b", redeeming)
			continue
		}
		d.is("b", failed)
		d.is("c", redeeming) // its lease must arrive to be given back
		if !d.book["c"].CloseAsked || !strings.Contains(d.book["c"].Error, "reservation b, which it comes after, is Failed") {
			t.Errorf("c: %+v", d.book["c"])
		}
		d.step(as("c", lease(term, 1, "u1")))
		d.is("c", closeWait)
	}
}

// A group is taken whole or not at all, and a cycle is named.
func TestGroupRefused(t *testing.T) {
	after := func(id string) actors.Predecessor {
		return actors.Predecessor{Reservation: actors.ReservationID(id), Gate: actors.RedeemGate}
	}
	bad := want("e")
	bad.Units = 0
	for name, c := range map[string]struct {
		group []actors.Request
		why   string
	}{
		"cycle":   {[]actors.Request{want("a", after("c")), want("b", after("a")), want("c", after("b")), want("d")}, "a after c after b after a"},
		"itself":  {[]actors.Request{want("a", after("a"))}, "a after a"},
		"unknown": {[]actors.Request{want("a"), want("b", after("x"))}, "there is no such reservation"},
		"twice":   {[]actors.Request{want("a"), want("a")}, "two requests of the group"},
		"same":    {[]actors.Request{want("a"), want("b", after("a"), after("a"))}, "named twice"},
		"no gate": {[]actors.Request{want("a"), want("b", actors.Predecessor{Reservation: "a"})}, "the gate"},
		"one bad": {[]actors.Request{want("a"), bad}, "units is 0"},
	} {
		d := newDesk(t, nil)
		_, err := d.Step(5, actors.RequestGroup{Requests: c.group})
		if actors.KindOf(err) != actors.Invalid || !strings.Contains(err.Error(), c.why) || len(d.book) != 0 {
			t.Errorf("%s: %v, %d opened", name, err, len(d.book))
		}
	}
	d := newDesk(t, nil)
	group := actors.RequestGroup{Requests: []actors.Request{want("b", after("a")), want("a")}}
	d.step(group)
	if fx := d.step(group); len(fx.Save)+len(fx.Send) != 0 {
		t.Errorf("asked twice: %+v", fx)
	}
	d.step(actors.Close{Reservation: "a"})
	gone := after("a")
	gone.Required = true
	if _, err := d.Step(5, want("z", gone)); err == nil || !strings.Contains(err.Error(), "which is Closed") {
		t.Errorf("after what is over: %v", err)
	}
	for id := range d.book {
		if r := d.book[id]; r.forgotten(rules, 10_000) != r.Status.State.Final() {
			t.Errorf("%s is %v", id, r.Status)
		}
	}
	d.step(actors.Close{Reservation: "b"})
	d.now = 10_000
	d.step(actors.Tick{})
	if len(d.book) != 0 || len(d.behind) != 0 {
		t.Errorf("left: %v, %v", d.book, d.behind)
	}
}

// TestCheck13Filters: what predecessors pass on (leasing 1.4, 11).
func TestCheck13Filters(t *testing.T) {
	p := Reservation{ID: "P", Type: "node", Slice: slice, Resource: actors.Properties{"cpu": "4", "ip": "net"}, Held: actors.UnitsOf(
		actors.Unit{ID: "u1", State: actors.UnitActive, Properties: actors.Properties{"ip": "1", "gw": ""}},
		actors.Unit{ID: "u2", State: actors.UnitActive, Properties: actors.Properties{"ip": "2", "disk": "d"}},
		actors.Unit{ID: "u3", State: actors.UnitClosing, Properties: actors.Properties{"ip": "3"}},
	)}
	to := actors.Properties{"mine": "x", "server": "0", "predecessor.cpu": "2"}
	for name, c := range map[string]struct {
		filter actors.Properties
		want   string
	}{
		"null": {nil, "map[mine:x predecessor.cpu:2,4 predecessor.disk:d predecessor.ip:net,1,2 predecessor.unit.id:u1,u2 " +
			"predecessor.unit.resourceType:node,node predecessor.unit.rid:P,P predecessor.unit.sliceid:S,S predecessor.unit.state:2,2 server:0]"},
		"empty":     {actors.Properties{}, "map[mine:x predecessor.cpu:2 server:0]"},
		"mapped":    {actors.Properties{"ip": "server", "disk": "", "none": "n"}, "map[disk:d mine:x predecessor.cpu:2 server:0,net,1,2]"},
		"two names": {actors.Properties{"cpu": "all", "disk": "all"}, "map[all:4,d mine:x predecessor.cpu:2 server:0]"},
	} {
		before := fmt.Sprint(to)
		if got := fmt.Sprint(inherit(to, p, c.filter)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
		if fmt.Sprint(to) != before {
			t.Errorf("%s changed its argument", name)
		}
	}
}

// guard holds reservations for a while and marks those it lets pass.
type guard struct{ from actors.Cycle }

func (g guard) Pass(p Passage) Permit {
	if p.Now < g.from {
		return Permit{Hold: "the controller's word", Again: g.from}
	}
	return Permit{Properties: p.Properties.Merged(actors.Properties{"seen": fmt.Sprintf("%s %d", p.Gate, len(p.Predecessors))})}
}

// A gatekeeper may hold a reservation and edit what it goes on with. It is asked
// again when it said; the term ends the wait.
func TestGatekeeper(t *testing.T) {
	d := newDesk(t, guard{12})
	d.step(want("a"))
	d.step(want("b", actors.Predecessor{Reservation: "a", Gate: actors.RedeemGate, Filter: actors.Properties{}}))
	d.grant("a")
	d.grant("b")
	for d.now = 9; d.now < 12; d.now++ {
		d.step(actors.Tick{})
		d.is("a", blockedRedeem)
	}
	d.waits("a", "the controller's word")
	if v, _ := d.View("a"); v.Next != "ask the gatekeeper again" || v.NextAt != 12 {
		t.Errorf("next: %q at %d", v.Next, v.NextAt)
	}
	d.restart()
	d.is("a", redeeming)
	d.step(as("a", lease(term, 1, "u1")))
	d.is("b", redeeming)
	if a, b := d.book["a"], d.book["b"]; a.Config["seen"] != "redeem 0" || b.Config["seen"] != "redeem 1" || a.Local["seen"] != "join 0" {
		t.Errorf("a %v %v, b %v", a.Config, a.Local, b.Config)
	}
	late := newDesk(t, guard{1000})
	late.step(want("a"))
	late.grant("a")
	for late.now = 9; late.now <= 18; late.now++ {
		late.step(actors.Tick{})
	}
	late.is("a", closed)
}

// A request that may begin later waits for its answer until its deadline, not until
// the end of the term it asked for first.
func TestDeferrableWaits(t *testing.T) {
	for name, c := range map[string]struct {
		request actors.Properties
		until   actors.Cycle
	}{
		"paper's name":  {actors.Properties{"deferrable": "true", "deadline": "40999"}, 40},
		"legacy name":   {actors.Properties{"request.elasticTime": "true", "deadline": "40999"}, 40},
		"cannot wait":   {actors.Properties{"deadline": "40999"}, 19},
		"no deadline":   {actors.Properties{"deferrable": "true"}, 19},
		"earlier limit": {actors.Properties{"deferrable": "true", "deadline": "15000"}, 19},
	} {
		d := newDesk(t, nil)
		ev := want("a")
		ev.Request = c.request
		d.step(ev)
		for d.now = 5; d.now < c.until; d.now++ {
			d.step(actors.Tick{})
			d.is("a", ticketing)
		}
		if v, _ := d.View("a"); v.Deadline != c.until {
			t.Errorf("%s: the deadline is %d, not %d", name, v.Deadline, c.until)
		}
		d.step(actors.Tick{})
		d.is("a", failed)
	}
	d := newDesk(t, nil)
	ev := want("a")
	ev.Request = actors.Properties{"deferrable": "true", "deadline": "40999"}
	d.step(ev)
	d.now = 25
	d.step(actors.Tick{})
	d.step(as("a", granted(1, ticket("T1", actors.NewTerm(30_000, 39_999)))))
	d.is("a", ticketed)
	d.now = 29
	d.step(actors.Tick{})
	d.is("a", redeeming)
}

// A predecessor that ends in the tick in which its successor is forgotten moves it
// once more; nothing of the successor stays behind.
func TestForgottenSuccessor(t *testing.T) {
	k := rules
	k.Margins.Keep = 9 // closeWait ends at 28, and so does what is kept for a term that ends in 19
	a := New(Config{Rules: k, Broker: "br"})
	before, after := sample(closeWait), sample(failed)
	after.ID, after.After = "R2", []actors.Predecessor{{Reservation: "R1", Gate: actors.RedeemGate}}
	for _, r := range []Reservation{before, after} {
		data, err := r.AppendRecord(nil)
		if err == nil {
			err = a.Restore(actors.Stored{Key: key(r.ID), Data: data})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, now := range []actors.Cycle{28, 29, 60} {
		fx, err := a.Step(now, actors.Tick{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fx.Moved {
			if m.Reservation == "" || strings.HasPrefix(m.Why, "defect") {
				t.Errorf("at %d: %+v", now, m)
			}
		}
	}
	if len(a.book) != 0 {
		t.Errorf("%d reservations are never forgotten", len(a.book))
	}
}

// A ticket that has to be redeemed by a certain time is given back then, when its
// predecessors have not let it be.
func TestRedeemBy(t *testing.T) {
	d := newDesk(t, nil)
	d.step(want("a"))
	d.step(want("b", actors.Predecessor{Reservation: "a", Gate: actors.RedeemGate}))
	tk := ticket("T-b", term)
	tk.Properties = actors.Properties{actors.PropRedeemBy: "13999"}
	d.step(as("b", granted(1, tk)))
	for d.now = 9; d.now <= 13; d.now++ {
		d.step(actors.Tick{})
		d.is("b", blockedRedeem)
	}
	if v, _ := d.View("b"); v.Deadline != 14 {
		t.Errorf("the deadline is %d", v.Deadline)
	}
	d.sent = nil
	d.step(actors.Tick{})
	d.is("b", closed)
	if len(d.sent) == 0 || d.sent[len(d.sent)-1].Op != actors.OpRelinquish || d.book["b"].Error == "" {
		t.Errorf("sent %+v, %q", d.sent, d.book["b"].Error)
	}
}

// What is over passes nothing on, whatever is still known about it.
func TestNothingFromTheDead(t *testing.T) {
	d := newDesk(t, nil)
	d.step(want("a"))
	d.step(want("b", actors.Predecessor{Reservation: "a", Gate: actors.RedeemGate}))
	known := granted(1, ticket("T-a", term)).(actors.Receive)
	known.Message.Properties = actors.Properties{"cpu": "4"}
	d.step(as("a", known))
	d.grant("b")
	d.step(actors.Close{Reservation: "a"})
	d.now = 9
	d.step(actors.Tick{})
	d.is("b", redeeming)
	if got := d.book["b"].Config; len(got) != 0 {
		t.Errorf("it goes on with %v", got)
	}
}
