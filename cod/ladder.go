package cod

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

// The end of a lease is a ladder (leasing 10, rows 13 and 14; paper A 2): its holder is
// warned, the node is suspended or checkpointed instead of destroyed, what was saved is
// held for a while, and then it is reclaimed. A new lease of the same slice takes a held
// node up again where it stopped. A lease that its holder closes early has no ladder, and
// neither has one without a driver that can save.
//
//	up        warned: Effects.Warn, and a note in the node's entry
//	saving    the driver suspends it, or makes a checkpoint and ends it
//	held      nothing runs; name, address and what was saved are kept
//	draining  the grace is over: what is left goes, as after any lease
//
// The authority is told that the unit is gone as soon as it is held: what it used is
// free again.

// LadderConfig is a site's side of it. The zero value reclaims at once, as does a lessee
// that asks for it.
type LadderConfig struct {
	// End is what becomes of nodes whose lessees do not say: EndReclaim (also when empty),
	// EndSuspend or EndCheckpoint.
	End string
	// Warn is how long before its end a lessee is warned; 0 does not warn.
	Warn actors.Millis
	// Grace is how long a node is held that does not say, Most what a lessee may ask for.
	// 0 is a day for Grace, and Grace for Most.
	Grace, Most actors.Millis
	// Can is what the driver can do (handlers.Capabilities).
	Can []string
}

// What becomes of a node at the end of its lease.
const (
	EndReclaim    = "reclaim"
	EndSuspend    = "suspend"
	EndCheckpoint = "checkpoint"
)

// Properties of configuration by which a lessee chooses. Times are as "90m" or "36h".
const (
	PropEnd    = "lease.end"       // reclaim, suspend or checkpoint
	PropGrace  = "lease.end.grace" // how long it is held
	PropWarn   = "lease.end.warn"  // how long before the end it is warned
	PropResume = "lease.resume"    // the held node that a new lease takes up, by its host name
)

// Warning is what the holder of a lease should hear.
type Warning struct {
	Reservation actors.ReservationID
	Unit        actors.UnitID
	End         actors.Millis // of the lease
	Note        string
}

// ladder is what a node knows about it.
type ladder struct {
	saved  string        // how it is, or is to be, saved: EndSuspend or EndCheckpoint
	copied bool          // its checkpoint is made, and it is being ended
	warned actors.Millis // the end of the lease that was warned of
	made   actors.UnitID // the unit that its driver made it for; empty for its own
}

// checked is c with defaults filled in, or what is wrong with it.
func (c LadderConfig) checked() (LadderConfig, error) {
	if c.End == "" {
		c.End = EndReclaim
	}
	if !slices.Contains([]string{EndReclaim, EndSuspend, EndCheckpoint}, c.End) {
		return c, fmt.Errorf("cod: config: a lease ends with %s, %s or %s, not %q", EndReclaim, EndSuspend, EndCheckpoint, c.End)
	}
	if c.Warn < 0 || c.Grace < 0 || c.Most < 0 {
		return c, fmt.Errorf("cod: config: times must not be negative")
	}
	def(&c.Grace, 24*60*60*1000)
	def(&c.Most, c.Grace)
	return c, nil
}

// span is a time in a lessee's property, within bounds; def when it is none.
func span(p actors.Properties, name string, def, most actors.Millis) actors.Millis {
	d, err := time.ParseDuration(p[name])
	if err != nil || d < 0 {
		return def
	}
	return min(actors.Millis(d.Milliseconds()), most)
}

// ending is what becomes of the node at the end of its lease, as far as it is known.
func (n *node) ending(m *Machine) string {
	end := n.action.Properties[PropEnd]
	if end != EndReclaim && end != EndSuspend && end != EndCheckpoint {
		end = m.cfg.Ladder.End
	}
	verb := map[string]string{EndSuspend: handlers.Suspend, EndCheckpoint: handlers.Checkpoint}[end]
	switch {
	case verb == "" || !slices.Contains(m.cfg.Ladder.Can, verb):
		return EndReclaim
	case n.action.Unit.Properties[PropHostMAC] != "":
		return EndReclaim // its hardware address stays with its piece of inventory
	}
	return end
}

// keeps reports whether the teardown that was just begun saves the node instead.
func (n *node) keeps(m *Machine, now actors.Millis) bool {
	if n.state != Up && n.state != Saving || n.cluster == nil || now < n.action.Term.End || n.hosting(m) {
		return false
	}
	n.saved = n.ending(m)
	return n.saved != EndReclaim
}

// warn tells the holder of a node that is up of its lease's end, when it is time.
func (n *node) warn(m *Machine, now actors.Millis) {
	if n.state != Up || n.leaseEnd.IsZero() || n.action.Verb == actors.Teardown {
		return
	}
	end := actors.Millis(n.leaseEnd.UnixMilli())
	before := span(n.action.Properties, PropWarn, m.cfg.Ladder.Warn, end)
	if before == 0 || n.warned == end || now >= end {
		return
	}
	if at := end - before; at > now {
		m.wake(at, n)
		return
	}
	then := map[string]string{EndReclaim: "what it has is lost", EndSuspend: "it is suspended and held", EndCheckpoint: "its checkpoint is held"}
	n.warned = end
	n.notice = fmt.Sprintf("the lease ends at %s; then %s", n.leaseEnd.UTC().Format(time.RFC3339), then[n.ending(m)])
	m.fx.Warn = append(m.fx.Warn, Warning{n.action.Reservation, n.unit, end, n.notice})
	n.say(m, Up)
	n.shelf.aim = present
	m.push(now, &n.shelf, n)
}

// save asks the driver to save the node.
func (n *node) save(m *Machine, now actors.Millis) {
	if !n.turned(m, now) {
		return
	}
	p := n.params(m)
	verb := actors.ModifyUnit
	switch {
	case n.copied:
		verb = actors.Teardown
		p[handlers.ParamKeep] = "yes"
	case n.saved == EndSuspend:
		p[handlers.ParamSubcommand], p[handlers.ParamModify] = "modify."+handlers.Suspend, "end"
	default:
		p[handlers.ParamSubcommand], p[handlers.ParamModify] = "modify."+handlers.Checkpoint, "end"
	}
	n.call(m, verb, p)
}

// putAway takes in what the driver answered when it was to save the node.
func (n *node) putAway(m *Machine, now actors.Millis, ev Driven) {
	switch {
	case ev.Failed == "" && !ev.Result.Done && !n.waited(m, now):
		n.pause(m, now, ev)
	case ev.Failed != "" || !ev.Result.Done: // nothing can be kept
		n.trouble = clip("it could not be saved: "+cmp.Or(ev.Failed, n.patience(now, ev)), maxNote)
		n.drop()
		n.calls = 0 // tearing it down has a patience of its own
		n.move(m, Draining)
	case n.saved == EndCheckpoint && !n.copied:
		n.copied, n.calls = true, 0
	default:
		n.stay(m, now)
	}
}

// stay is the moment from which the node is held.
func (n *node) stay(m *Machine, now actors.Millis) {
	until := now + span(n.action.Properties, PropGrace, m.cfg.Ladder.Grace, m.cfg.Ladder.Most)
	if n.dom0 == "" { // what was saved is where it was
		n.dom0 = n.given()
	}
	n.size, n.goal = calendar.Vector{}, calendar.Vector{} // nothing of it runs
	n.leaseEnd = leaseTime(until)
	n.notice = fmt.Sprintf("its lease is over; it is held until %s for a lease with %s=%s", n.leaseEnd.UTC().Format(time.RFC3339), PropResume, n.name)
	n.move(m, Held)
}

// given is the machine that the node's inventory puts it on.
func (n *node) given() string {
	return cmp.Or(n.action.Unit.Properties[handlers.ParamMachine], n.action.Unit.Host)
}

// hold keeps a held node's entry as it should be, until its grace is over.
func (n *node) hold(m *Machine, now actors.Millis) bool {
	n.say(m, Held)
	n.shelf.aim = hold
	m.push(now, &n.shelf, n)
	if at, _ := m.pool.Where(string(n.unit)); at != "" && n.shelf.done() { // and the directory says so
		m.pool.Release(string(n.unit))
		m.vacated(at)
	}
	if n.answer == nil && n.action.Verb == actors.Teardown && (n.shelf.done() || n.shelf.refused != "") {
		done := m.report(n.action, CodeDone, n.notice, nil)
		n.answer = &done
	}
	if until := actors.Millis(n.leaseEnd.UnixMilli()); now < until {
		m.wake(until, n)
		return false
	}
	if n.answer == nil && n.action.Verb == actors.Teardown {
		return false
	}
	// The authority has heard that it is gone; nobody has to be told again.
	n.answer = nil
	n.action.Verb, n.action.Reservation, n.action.Unit.ID = actors.Teardown, "", n.unit
	n.calls, n.again = 0, 0
	n.drop()
	n.move(m, Draining)
	return true
}

// drop forgets that something is saved.
func (n *node) drop() { n.saved, n.copied, n.notice = "", false, "" }

// take lets a new unit take up a held node of its slice. The text says why it cannot;
// it is empty too when the unit asks for none. A node that was taken is returned.
func (n *node) take(m *Machine, c *cluster) (*node, string) {
	name := n.action.Properties[PropResume]
	if name == "" {
		return nil, ""
	}
	for _, id := range c.ids() {
		h := c.nodes[id]
		if h.state != Held || h.name != name {
			continue
		}
		if h.answer == nil && h.action.Verb == actors.Teardown {
			return nil, fmt.Sprintf("%s is still being put away", name)
		}
		m.pool.Release(string(h.unit)) // if the directory never said that it is held
		if why := n.reseat(m, h); why != "" {
			return nil, why
		}
		if h.made == "" {
			h.made = h.unit
		}
		if h.action.Verb == actors.Teardown {
			m.gone.keep(h.unit, *h.answer)
		}
		delete(m.units, h.unit)
		m.units[n.unit] = h
		h.unit, h.action, h.next, h.answer, h.waits = n.unit, n.action, nil, nil, nil
		h.lease, h.leaseEnd, h.generation, h.kind = n.lease, n.leaseEnd, n.generation, n.kind
		h.host, h.notice, h.trouble, h.known, h.calls, h.again = printable(n.action.Unit.Host), "", "", false, 0, 0
		h.shelf.refused = ""
		h.move(m, Booting)
		return h, ""
	}
	return nil, fmt.Sprintf("%.64q is no node that is held for this slice", name)
}

// reseat gives a held node room again where it was saved, for a unit that takes it up.
func (n *node) reseat(m *Machine, h *node) string {
	if !slices.Contains(m.cfg.Virtual.Types, n.action.Type) {
		if at := n.given(); at != h.dom0 {
			return fmt.Sprintf("%s is held on %s, and the lease has a place on %s", h.name, h.dom0, at)
		}
		return ""
	}
	size := m.sizeOf(n.action)
	if why := m.pool.PlaceOn(string(n.unit), size, h.dom0); why != "" {
		return fmt.Sprintf("%s is held on %s: %s", h.name, h.dom0, why)
	}
	h.size, h.goal = size, size
	return ""
}

// tell writes that a held node is another unit's, before its driver hears of it.
func (n *node) tell(m *Machine, now actors.Millis) bool {
	n.say(m, Booting)
	return n.write(m, now, present, Booting)
}

// revive asks the driver to bring back what was saved of the node. It reports whether
// there is something to bring back.
func (n *node) revive(m *Machine, now actors.Millis) bool {
	if n.saved == "" {
		return false
	}
	if !n.turned(m, now) {
		return true
	}
	verb := handlers.Resume
	if n.saved == EndCheckpoint {
		verb = handlers.Restore
	}
	p := n.params(m)
	p[handlers.ParamSubcommand], p[handlers.ParamModify] = "modify."+verb, "resume"
	n.call(m, actors.ModifyUnit, p)
	return true
}

// revived takes in how that went.
func (n *node) revived(m *Machine, now actors.Millis, ev Driven) {
	switch {
	case ev.Failed != "":
		n.suspect(m, CodeDriver, "what was saved does not come back: "+ev.Failed)
	case !ev.Result.Done && n.waited(m, now):
		n.suspect(m, CodeDriver, n.patience(now, ev))
	case !ev.Result.Done:
		n.pause(m, now, ev)
	default:
		n.drop()
		n.calls = 0 // its setup follows
	}
}

// healths is what an entry says of each way of saving.
var healths = map[string]string{EndSuspend: "suspended", EndCheckpoint: "checkpointed"}

// recall takes back from a node's entry what it says about the ladder.
func (n *node) recall(h ldapschema.Host) {
	n.made = actors.UnitID(h.Origin)
	for saved, health := range healths {
		if h.Health == health {
			n.saved = saved
		}
	}
	if n.saved == "" && n.state == Held {
		n.saved = EndSuspend
	}
	if !n.state.doubtful() {
		n.notice, n.trouble = n.trouble, ""
	}
}
