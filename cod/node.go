package cod

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

// A node is one unit of a slice at the site, and the lane in which its actions run
// one at a time.
type node struct {
	keeping
	unit  actors.UnitID // see unitKey
	state State

	// Who it is; set when it gets an id, and then changed by operators only.
	cluster *cluster // nil while it has no id
	id      int
	identity
	host    string     // the piece of inventory
	public  netip.Addr // by which it is seen from outside; zero when it is not
	blurred bool       // its entry names a public address that nobody can read or have, and what it had is not known
	virtual
	ladder

	// What operators said of it.
	ruled   bool              // its image is not the one that its lessee wants
	rejects map[string]string // attributes that cannot be followed, and why
	// oldAddrs, oldMACs and oldPublics are what it had before, and keeps from others until its
	// entries say so no more.
	oldAddrs   []netip.Addr
	oldMACs    []ldapschema.MAC
	oldPublics []netip.Addr

	telling
	said said // what its entry was last told to say
	code int  // what the action of a suspect node is answered with

	// What was asked of it.
	action actors.Action      // carried out, or being carried out; Verb 0 after Load
	next   *actors.Action     // waits for the driver call under way
	answer *actors.ActionDone // of action, once there is one
	waits  *cluster           // which it waits to join

	// Where the driver stands.
	calling Token         // the call under way; 0 when there is none
	touched bool          // the driver may have made something of it under its present name
	calls   int           // made for this action
	began   actors.Millis // when the first of them was made
	again   actors.Millis // not to be called before
	known   bool          // found holds what the driver found out
	found   actors.Properties
}

// identity is what operators may change of a node by editing its entry.
type identity struct {
	name     string // host name without domain
	rdn      string // the name of its entry, where an operator chose one that no machine can have
	addr     netip.Addr
	mac      ldapschema.MAC
	bootFile string
	boot     string // what it boots whatever its state (codBoot)
	stopped  string // an operator's hold: who, and why; empty for none
}

// telling is what a node's entry says besides who the node is.
type telling struct {
	lease      string
	leaseEnd   time.Time
	kind       string // resource type
	image      string
	generation int    // sequence number of the action it was last changed for
	trouble    string // why it is suspect
	notice     string // what its holder should know
}

// said is what was told, and the state it was told in.
type said struct {
	state State
	telling
	seat
	saved string
	made  actors.UnitID
}

// newest is the highest sequence number asked of the node.
func (n *node) newest() int {
	if n.next != nil {
		return n.next.Sequence
	}
	if n.action.Verb == 0 {
		return math.MinInt // loaded: whatever the authority still owes may come
	}
	return n.action.Sequence
}

// advance moves the node as far as it can go.
func (n *node) advance(m *Machine, now actors.Millis) {
	for n.turn(m, now) {
	}
}

// move takes the node to another state. A move that is not in the table makes the
// node suspect instead: it is a mistake of ours, and its lessee should hear of it.
func (n *node) move(m *Machine, to State) {
	if err := moves.Check(n.state, to); err != nil {
		to, n.code, n.trouble = Suspect, CodeInvalid, err.Error()
	}
	if to != n.state {
		m.fx.Moved = append(m.fx.Moved, Transition{Unit: n.unit, From: n.state, To: to, Why: n.why(to)})
		n.state = to
		n.converted(m, to)
	}
}

// why says what a move means, for logs.
func (n *node) why(to State) string {
	if to.doubtful() {
		return n.trouble
	}
	return to.Means()
}

// turn makes one move, if the node can make one now.
func (n *node) turn(m *Machine, now actors.Millis) bool {
	if m.fenced != "" || n.held() {
		return false // what it looks at meanwhile is asked for by whoever saw it
	}
	if n.next != nil && n.free() {
		n.begin(m, now)
		return true
	}
	if n.migrate(m, now) {
		return false
	}
	if n.state == Held {
		return n.hold(m, now)
	}
	n.warn(m, now)
	if n.answer != nil || n.action.Verb == 0 || n.waits != nil {
		m.tend(now, n)
		return false
	}
	switch n.state {
	case Asked:
		return n.place(m, now)
	case Allocated:
		return n.write(m, now, present, Staged)
	case Staged:
		n.say(m, Booting)
		return n.write(m, now, present, Booting)
	case Booting:
		if n.ladder.saved != "" && !n.tell(m, now) { // whose it is now comes first
			return false
		}
		if n.state != Booting {
			return true
		}
		if !n.revive(m, now) {
			n.drive(m, now)
		}
	case Saving:
		n.say(m, Saving)
		n.shelf.aim = hold
		m.push(now, &n.shelf, n)
		if n.shelf.done() || n.shelf.refused != "" {
			n.save(m, now)
		}
	case Up:
		n.say(m, Up)
		if !n.write(m, now, present, Up) {
			return false
		}
		if n.action.Verb == actors.ModifyUnit {
			n.drive(m, now)
			return false
		}
		if !n.known { // loaded: only the driver knows what it found
			n.drive(m, now)
			return false
		}
		n.spare(m)
		n.succeed(m)
		return true
	case Suspect, Quarantined:
		n.say(m, n.state)
		n.shelf.aim = hold
		m.push(now, &n.shelf, n)
		if n.shelf.done() || n.shelf.refused != "" {
			n.fail(m, n.code, n.trouble)
			return true // another action may have waited for the end of this one
		}
	case Draining:
		n.say(m, Draining)
		n.shelf.aim = hold
		m.push(now, &n.shelf, n)
		if (n.shelf.done() || n.shelf.refused != "") && n.drained(m, now) {
			n.drive(m, now)
		}
	case Wiped:
		return n.wipe(m, now)
	case Free:
		n.bury(m, now)
	}
	return false
}

// forgettable reports whether nobody works on the node, and nobody vouches for it.
func (n *node) forgettable() bool {
	idle := n.next == nil && n.calling == 0
	return idle && (n.action.Verb == 0 || n.state.doubtful() && n.answer != nil)
}

// forget sends the node on its last way without asking the driver.
func (n *node) forget(m *Machine) {
	n.answer = nil
	n.suspect(m, CodeDone, "an operator says it is gone")
	n.action.Verb = actors.Teardown
	n.action.Unit.ID = n.unit
	n.move(m, Wiped)
}

// free reports whether the next action can be taken up: no driver call is under
// way, and a teardown that was begun is finished before anything is set up again. A
// write under way does not matter: the shelf keeps what it sent.
func (n *node) free() bool {
	if n.calling != 0 {
		return false
	}
	tearing := n.action.Verb == actors.Teardown && n.answer == nil
	return !(tearing && n.next.Verb != actors.Teardown)
}

// begin takes up the next action.
func (n *node) begin(m *Machine, now actors.Millis) {
	loaded := n.action.Verb == 0
	same := maps.Equal(n.action.Properties, n.next.Properties) && maps.Equal(n.action.Ticket, n.next.Ticket)
	n.action, n.next, n.answer = *n.next, nil, nil
	n.shelf.refused, n.calls, n.again, n.trouble = "", 0, 0, ""
	n.lease = plainOr(string(n.action.Reservation))
	if n.state != Held { // of that it is the end of its grace, and what is noted stays
		n.leaseEnd, n.notice = leaseTime(n.action.Term.End), ""
	}
	n.generation = n.action.Sequence
	n.kind = plainOr(string(n.action.Type))
	if n.action.Verb == actors.Teardown {
		n.stopWaiting(m, now)
		m.pool.Arrived(string(n.unit), false) // it moves nowhere any more
		switch {
		case n.state == Held: // it is put away already
		case n.keeps(m, now):
			n.move(m, Saving)
		case n.state != Wiped:
			n.move(m, Draining)
		}
		return
	}
	if n.action.Verb == actors.ModifyUnit {
		if n.state != Up {
			n.fail(m, handlers.ExitInvalid, fmt.Sprintf("the node is %v, not up", n.state))
		} else if note := n.allow(m); note != "" {
			n.fail(m, handlers.ExitInvalid, note)
		} else if note := m.rekey(n.cluster, n.action.Properties); note != "" {
			n.fail(m, CodeExhausted, note)
		}
		if n.cluster != nil {
			n.cluster.advance(m, now)
		}
		return
	}
	n.choose(clip(imageWanted(n.action.Properties), 256), loaded)
	if n.state == Up {
		n.known = n.known && same // otherwise its driver has to hear of it
		if note := n.grant(m); note != "" {
			n.fail(m, CodeExhausted, note)
		}
	}
	switch {
	case n.cluster == nil && n.state.doubtful(): // only its teardown ever failed
		n.move(m, Asked)
	case n.state.doubtful() || n.state == Draining && loaded:
		n.move(m, Allocated) // what is missing of its entries comes first
	}
	if n.cluster != nil {
		wanted := logins(n.action.Properties)
		if loaded { // old news; a key that is not there any more was taken away
			for i := range wanted {
				wanted[i].keys = nil
			}
		}
		if note := m.enlist(n.cluster, wanted); note != "" {
			n.fail(m, CodeExhausted, note)
		}
		n.cluster.advance(m, now)
	}
}

// imageWanted is the image that a lessee names, in either way.
func imageWanted(p actors.Properties) string { return cmp.Or(p[PropImage], p[PropImageID]) }

// choose takes the image the lessee wants, unless an operator gave the node another.
func (n *node) choose(image string, loaded bool) {
	if loaded && n.image != "" && image != n.image {
		n.ruled = true // the directory has the last word
	}
	if image != "" && !n.ruled {
		n.image = image
	}
}

// tend keeps the entries of a node at rest as they should be: operators may have moved
// it. Nothing that is not there is added for one that is not in service.
func (m *Machine) tend(now actors.Millis, n *node) {
	if n.cluster == nil {
		return
	}
	n.shelf.aim = hold
	if n.state == Up {
		n.shelf.aim = present
	}
	m.push(now, &n.shelf, n)
	if n.state == Up && n.shelf.done() {
		n.release(m)
	}
}

// write brings the shelf to its aim and then moves on. A node whose entries the
// directory will not have is suspect.
func (n *node) write(m *Machine, now actors.Millis, a aim, to State) bool {
	n.shelf.aim = a
	m.push(now, &n.shelf, n)
	if n.shelf.refused != "" {
		if n.state == Up { // still in service: only the news about it is refused
			n.fail(m, CodeDirectory, n.shelf.refused)
			return false
		}
		n.suspect(m, CodeDirectory, n.shelf.refused)
		return true
	}
	if !n.shelf.done() {
		return false
	}
	n.move(m, to)
	return true
}

// saying is what the node's entry would say in a state.
func (n *node) saying(s State) said { return said{s, n.telling, n.seat, n.ladder.saved, n.made} }

// say puts the node's state and lease into the entry that should stand.
func (n *node) say(m *Machine, s State) {
	now := n.saying(s)
	if n.cluster == nil || n.said == now {
		return
	}
	before := n.said
	if before.state = s; before == now { // nothing else is new, and making it all anew costs much
		n.said = now
		n.shelf.records[0].wish(n.shelf.records[0].want.With("codState", s.String()))
		return
	}
	if e, err := n.entry(m.cfg, s); err == nil { // every value was made to fit
		n.said = now
		n.shelf.records[0].wish(e)
	}
}

// wipe removes the node's entries.
func (n *node) wipe(m *Machine, now actors.Millis) bool {
	n.shelf.aim = absent
	m.push(now, &n.shelf, n)
	if n.shelf.refused != "" {
		n.suspect(m, CodeDirectory, n.shelf.refused)
		return true
	}
	if !n.shelf.done() {
		return false
	}
	if n.action.Verb == actors.Setup { // its name was a stranger's: try another
		n.move(m, Asked)
		n.vacate(m)
		return true
	}
	n.move(m, Free)
	if c := n.cluster; c != nil {
		n.vacate(m)
		c.advance(m, now) // it goes if this was its last node
	}
	return true
}

// suspect gives the node up for this action. One that could not be torn down may still
// run somebody's work.
func (n *node) suspect(m *Machine, code int, why string) {
	n.code, n.trouble, n.shelf.refused = code, clip(why, maxNote), ""
	if n.state == Draining || n.state == Quarantined {
		n.move(m, Quarantined)
		return
	}
	n.move(m, Suspect)
}

// bury answers the teardown and forgets the node. An alarm set for it may still go
// off; it then finds nothing to do.
func (n *node) bury(m *Machine, now actors.Millis) {
	delete(m.units, n.unit)
	next := n.next
	n.next, n.answer = nil, &actors.ActionDone{}
	if n.action.Reservation != "" { // else an operator's word was enough
		*n.answer = m.report(n.action, CodeDone, "", nil)
		m.gone.keep(n.unit, *n.answer)
	}
	if next != nil {
		m.do(now, *next)
	}
}

// succeed answers a setup with everything the lessee may know: what the driver
// found out, under what the site decided.
func (n *node) succeed(m *Machine) {
	done := m.report(n.action, CodeDone, "", n.found.Merged(n.facts(m.cfg)))
	n.answer = &done
}

// fail answers the action with what went wrong.
func (n *node) fail(m *Machine, code int, note string) {
	done := m.report(n.action, code, note, nil)
	n.answer = &done
}

// clashed starts over with another id: a stranger has a name that goes with this
// one. What the driver has seen cannot be renamed; it is torn down first, when the
// authority hears that its setup failed.
func (n *node) clashed(m *Machine, now actors.Millis, i int) {
	if n.state == Up { // it was given a name or an address that somebody else was faster to use
		m.leave(now, n, &n.shelf.records[i], replaced)
		return
	}
	n.cluster.taken[n.id] = true
	if !n.touched && n.state == Allocated {
		n.move(m, Wiped)
		return
	}
	n.shelf.refused = fmt.Sprintf("the name %s is taken", n.owner())
}

// mine reports whether e is ours: written for this slice and this very node.
func (n *node) mine(m *Machine, e ldapschema.Entry, _ part) bool {
	return n.cluster != nil && m.cfg.marked(e, n.cluster.key) && originOf(e) == n.origin()
}

// origin is the unit that the node was first made for. It is what its entries have in
// common when a later lease takes it up.
func (n *node) origin() actors.UnitID { return cmp.Or(n.made, n.unit) }

// originOf is the same, of an entry.
func originOf(e ldapschema.Entry) actors.UnitID {
	return actors.UnitID(cmp.Or(e.Get("codOrigin"), e.Get("codUnit")))
}

// same: each entry names its unit.
func (n *node) same(part) bool { return true }

// itoa is short for what entries are full of.
func itoa(n int) string { return strconv.Itoa(n) }
