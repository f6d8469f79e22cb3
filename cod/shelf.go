package cod

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// A record is one entry the machine keeps in the directory.
type record struct {
	part part
	want ldapschema.Entry // what should stand there
	// base is what was last written, so that an operator's edit can be told from
	// our own; zero when nothing of ours stands there.
	base ldapschema.Entry
	// stale says that base is not what is wanted now. It is kept beside the two
	// because comparing them is what would cost most here.
	stale bool
	// doubt says that an add was sent and its answer lost; tried is what was added.
	doubt bool
	tried ldapschema.Entry
	// left says that whatever stands at this name is not ours to touch: a
	// stranger's entry, one an operator deleted, or one with strangers below it.
	left bool
	// drop says that it is to go although its owner stays: it is under a name or an
	// address that the owner had before.
	drop bool
	// check says that something unexpected was seen at its name: it is read before
	// anything else is done.
	check bool
	// sent is what was written and not seen yet, the oldest first.
	sent []ldapschema.Entry
	odd  oddity
	key  ldapschema.DN // its name as Machine.names has it
}

// part is what a record is to its owner.
type part uint8

const (
	partContainer part = iota // an organizational unit
	partCluster               // the virtual cluster
	partNetwork               // its block
	partGroup                 // its POSIX group
	partAccount               // one of its accounts
	partDHCPGroup             // its group of DHCP hosts
	partVolume                // its volume on a file server
	partMount                 // a map of automounters, or an entry of one
	partReader                // the credentials of its nodes
	partHost                  // the node: its name is the allocation
	partDHCPHost              // its DHCP host
	partForward               // its address record
	partReverse               // its pointer record
)

// yields reports whether a stranger's entry at this name is left alone and lived
// with. At the other names it means that the name is taken.
func (p part) yields() bool {
	return p == partAccount || p == partContainer || p == partVolume || p == partMount || p == partReader
}

// aim is what a shelf's records should become.
type aim uint8

const (
	present aim = iota // all of them stand
	hold               // those that stand are up to date; none is added
	absent             // none of them stands
)

// A shelf is the entries of one cluster or node, in the order in which they are
// written; they are removed in the opposite order. It is told the aim, and asks
// for one operation at a time until the directory agrees.
type shelf struct {
	records []record
	aim     aim

	token   Token              // of the operation under way; 0 when there is none
	batch   []int              // the records it concerns, in order
	sent    []ldapschema.Entry // what it makes of them; nil for reads and deletes
	doing   doing
	look    int           // the record to read next, or -1
	stuck   bool          // it is read because it could not be deleted
	refused string        // why the directory will not have a record; cleared by a new action
	rounds  int           // modifies in a row that somebody else's write spoiled
	tries   int           // failures of the directory since it last answered
	note    string        // what the last of them said
	hint    ldapschema.DN // where the node's own entry may be instead of at its name
	hinted  bool          // the read under way is of that
	retry   actors.Millis
}

// doing is the kind of operation under way.
type doing uint8

const (
	adding doing = iota + 1
	modifying
	deleting
	reading
)

// mostRounds is how often a modify is tried against somebody who keeps writing to
// the same entry.
const mostRounds = 8

// wish makes e what should stand there.
func (r *record) wish(e ldapschema.Entry) {
	r.want = e
	r.stale = r.ours() && !r.base.Equal(e)
}

// put notes what was written.
func (r *record) put(e ldapschema.Entry) {
	r.base, r.doubt, r.tried = e, false, ldapschema.Entry{}
	r.stale = !e.Equal(r.want)
}

// none notes that nothing of ours stands there.
func (r *record) none() { *r = record{part: r.part, want: r.want, drop: r.drop, key: r.key} }

// ours reports whether something of ours stands at the record's name.
func (r record) ours() bool { return !r.base.IsZero() }

// newShelf is a shelf on which nothing stands yet.
func newShelf(records []record) shelf { return shelf{records: records, look: -1} }

// revise replaces what is wanted, and adds records that are new behind the others.
// What is known about the records that stay is kept; those not wanted any more are
// removed when all others stand.
func (s *shelf) revise(want []record) {
	at := make(map[ldapschema.DN]int, len(s.records))
	for i := range s.records {
		at[s.records[i].want.DN] = i
		s.records[i].drop = true
	}
	for _, w := range want {
		if i, ok := at[w.want.DN]; ok {
			s.records[i].drop = false
			s.records[i].wish(w.want)
		} else {
			s.records = append(s.records, w)
		}
	}
}

// done reports whether the directory agrees with the aim, as far as is known.
func (s *shelf) done() bool {
	return s.token == 0 && s.look < 0 && s.unsure() < 0 && len(s.due()) == 0
}

// unsure is the first record that has to be read because of what was seen; -1 for
// none.
func (s *shelf) unsure() int {
	for i := range s.records {
		if s.records[i].check {
			return i
		}
	}
	return -1
}

// due is the records the next operation concerns: a run of adds or deletes, or
// one record to read first.
func (s *shelf) due() []int {
	var run []int
	if s.aim == absent {
		for i := len(s.records) - 1; i >= 0; i-- {
			switch r := s.records[i]; {
			case r.left:
			case r.doubt:
				if len(run) == 0 {
					return []int{i}
				}
				return run
			case r.ours():
				run = append(run, i)
			}
		}
		return run
	}
	for i, r := range s.records {
		switch {
		case r.left, r.drop, !r.ours() && !r.doubt && s.aim == hold, r.ours() && !r.stale:
		case r.ours() || r.doubt:
			if len(run) == 0 {
				return []int{i}
			}
			return run
		default:
			run = append(run, i)
		}
	}
	if len(run) == 0 && s.aim == present {
		return s.dropping()
	}
	return run
}

// dropping is the records to remove while their owner stays, the last first.
func (s *shelf) dropping() []int {
	var run []int
	for i := len(s.records) - 1; i >= 0; i-- {
		if r := s.records[i]; r.drop && r.ours() && !r.left {
			run = append(run, i)
		}
	}
	return run
}

// going reports whether the record is to be removed.
func (s *shelf) going(r *record) bool { return s.aim == absent || r.drop }

// push asks for the next operation, if one is due and none is under way.
func (m *Machine) push(now actors.Millis, s *shelf, o owner) {
	if s.token != 0 || s.refused != "" || m.fenced != "" {
		return
	}
	if s.retry > now {
		m.wake(s.retry, o)
		return
	}
	if s.look < 0 {
		s.look = s.unsure()
	}
	if s.look >= 0 {
		m.ask(s, o, reading, []int{s.look})
		return
	}
	if o.held() {
		return
	}
	run := s.due()
	if len(run) == 0 {
		return
	}
	r := &s.records[run[0]]
	switch {
	case r.doubt:
		m.ask(s, o, reading, run)
	case s.going(r):
		m.ask(s, o, deleting, run)
	case r.ours():
		// Written as if nobody else had been there. The change names the values it
		// replaces, so where somebody was it fails, and then the entry is read.
		change, any, _ := ldapschema.Merge(r.base, r.base, r.want)
		if !any {
			r.put(r.want)
			m.push(now, s, o)
			return
		}
		m.ask(s, o, modifying, run, change)
	default:
		m.ask(s, o, adding, run)
	}
}

// ask puts one operation into the step's effects.
func (m *Machine) ask(s *shelf, o owner, d doing, batch []int, change ...ldapschema.Change) {
	s.token, s.doing, s.batch, s.sent, s.look = m.token(o), d, batch, nil, -1
	switch d {
	case reading:
		r := &s.records[batch[0]]
		r.check = false
		dn := r.want.DN
		if s.hinted = r.part == partHost && s.hint != ""; s.hinted {
			dn = s.hint
		}
		m.fx.Read = append(m.fx.Read, Read{s.token, dn})
		return
	case adding:
		for _, i := range batch {
			r := &s.records[i]
			change = append(change, m.signed(o, ldapschema.AddEntry(r.want), r.want))
			s.sent = append(s.sent, r.want)
			r.remember(r.want)
			r.doubt, r.tried = true, r.want // until the answer comes
		}
	case modifying:
		r := &s.records[batch[0]]
		change[0] = m.signed(o, change[0], r.want)
		s.sent = []ldapschema.Entry{r.want}
		r.remember(r.want)
	case deleting:
		for _, i := range batch {
			change = append(change, m.signed(o, ldapschema.DeleteEntry(s.records[i].base.DN), ldapschema.Entry{}))
		}
	}
	m.fx.Write = append(m.fx.Write, Write{s.token, change})
}

// written takes in the answer to a write.
func (m *Machine) written(now actors.Millis, s *shelf, o owner, ev Written) {
	applied := min(max(ev.Applied, 0), len(s.batch))
	if ev.Outcome == Done {
		applied = len(s.batch)
	}
	for n, i := range s.batch {
		r := &s.records[i]
		switch {
		case n < applied && s.doing == deleting:
			m.bury(r)
		case n < applied:
			r.put(s.sent[n])
			s.rounds = 0
		case s.doing == adding && (n > applied || ev.Outcome != Unavailable):
			r.doubt = false // known not to have been added by this write
		}
	}
	if applied == len(s.batch) {
		s.settle()
		return
	}
	i := s.batch[applied]
	r := &s.records[i]
	switch ev.Outcome {
	case Unavailable:
		m.later(now, s, ev.Note)
		return
	case Exists:
		s.look = i
	case Missing:
		switch {
		case s.doing != adding && r.part == partHost && s.hint != "": // it has another name
			r.check = true
		case s.doing == deleting: // an operator was faster
			r.none()
		case s.doing == modifying:
			m.leave(now, o, r, removed)
		default: // its container is gone
			s.refuse(i, ev.Note)
		}
	case Conflict, Refused:
		s.rounds++
		switch {
		case s.doing == deleting && ev.Outcome == Conflict: // strangers live below it, or it is not ours any more
			s.look, s.stuck = i, true
		case s.doing == modifying && s.rounds < mostRounds && (ev.Outcome == Conflict || s.rounds == 1):
			s.look = i // somebody wrote since we read
		default:
			s.refuse(i, ev.Note)
		}
	}
	s.settle()
}

// settle forgets the operation under way.
func (s *shelf) settle() {
	s.token, s.batch, s.sent, s.doing, s.tries, s.note, s.retry = 0, nil, nil, 0, 0, "", 0
}

// refuse stops the shelf until somebody asks for something else.
func (s *shelf) refuse(i int, note string) {
	s.refused = clip(fmt.Sprintf("directory refused %s: %s", s.records[i].want.DN, note), maxNote)
}

// later repeats the operation after a pause that grows with every failure.
func (m *Machine) later(now actors.Millis, s *shelf, note string) {
	tries := s.tries + 1
	if s.doing == reading {
		s.look = s.batch[0]
	}
	s.settle()
	s.tries, s.note = tries, clip(note, maxNote)
	s.retry = now + min(m.cfg.RetryMost, m.cfg.RetryFirst<<min(tries-1, 20))
}

// look takes in the answer to a read. It returns the record whose name a stranger
// has, or -1.
func (m *Machine) look(now actors.Millis, s *shelf, o owner, ev Found) int {
	i, hinted := s.batch[0], s.hinted
	r := &s.records[i]
	if ev.Outcome == Unavailable {
		m.later(now, s, ev.Note)
		return -1
	}
	stuck, tries, note := s.stuck, s.tries, s.note
	s.stuck, s.hinted = false, false
	s.settle()
	if ev.Outcome != Done && ev.Outcome != Missing {
		s.refuse(i, ev.Note)
		return -1
	}
	mine := ev.Outcome == Done && o.mine(m, ev.Entry, r.part)
	if mine && m.fencedBy(ev.Entry) {
		return -1
	}
	if hinted {
		s.hint = ""
		if !mine {
			r.check = r.ours() // it stands under its own name, or not at all
			return -1
		}
		o.renamed(m, now, ev.Entry)
		r, i = &s.records[0], 0
	}
	switch {
	case r.left:
		if !mine {
			return -1
		}
		r.left = false // an operator put it back
		r.adopt(ev.Entry, o.same(r.part))
	case r.ours() && !mine:
		switch {
		case s.going(r):
			r.none()
		case ev.Outcome == Missing:
			m.leave(now, o, r, removed)
		default:
			m.leave(now, o, r, replaced)
		}
		return -1
	case r.ours() && s.going(r):
		r.left = stuck // it would have been deleted, but for what lies below
		return -1
	case r.ours(): // an operator edited it
	case mine && r.doubt: // the answer was lost
		r.put(r.tried)
		if s.going(r) {
			return -1
		}
	case mine: // from before a crash
		r.adopt(ev.Entry, o.same(r.part))
		if s.going(r) {
			return -1
		}
	default:
		r.doubt = false
		if ev.Outcome == Missing && s.aim == present {
			s.tries, s.note = tries, note // the add that was in doubt failed, and is tried again
		}
		if ev.Outcome == Missing || s.aim != present {
			return -1
		}
		if r.part.yields() {
			r.left = true
			return -1
		}
		return i
	}
	if s.going(r) {
		return -1
	}
	m.takeOver(now, s, o, i, ev.Entry)
	return -1
}

// takeOver compares an entry with what we last wrote, lets its owner follow what
// others made of it, and writes the rest of what is wanted.
func (m *Machine) takeOver(now actors.Millis, s *shelf, o owner, i int, have ldapschema.Entry) {
	r := &s.records[i]
	r.sent = nil // what is told from now on may be older than this, but not taken for ours
	edits := r.part.edits(r.base, have)
	if len(edits) > 0 {
		o.edited(m, now, i, have, edits)
		r = &s.records[i]
		r.base = agreed(r.base, have, r.want)
	}
	change, any, kept := ldapschema.Merge(r.base, have, r.want) // conflicts: the operator wins
	// What operators put there anew and could not be followed stays, and is shown.
	for _, c := range r.part.orders(r.base, have) {
		if !r.want.Has(c.Attr) {
			kept = append(kept, c)
		}
	}
	m.oddly(now, o, r, kept)
	if !any && m.writer > 0 && slices.ContainsFunc(edits, func(c ldapschema.Conflict) bool { return c.Attr == attrPublic }) {
		any = true // sign it anew: what a node's public address was can be told from the digest alone
	}
	if !any {
		r.put(r.want)
		return
	}
	if o.held() {
		return // what is wanted is written when it is let go
	}
	m.ask(s, o, modifying, []int{i}, change)
}

// agreed is base, but where an entry is as we want it now, whoever wrote that.
func agreed(base, have, want ldapschema.Entry) ldapschema.Entry {
	for _, a := range append(slices.Clone(want.Attrs), base.Attrs...) {
		if v := want.Values(a.Name); slices.Equal(v, have.Values(a.Name)) {
			base = base.With(a.Name, v...)
		}
	}
	return base
}

// adopt takes an entry of ours for what we last wrote, as far as that can be told.
func (r *record) adopt(have ldapschema.Entry, same bool) {
	if base, ok := written(have, r.want); ok && same {
		r.put(base)
	} else {
		r.put(adopted(have, r.want, same))
	}
}

// adopted is what we take for the entry we wrote when we find one of ours that we
// do not remember writing. What operators added beside our attributes is not ours to
// remove. When the entry is certainly of this node or cluster, and not left from an
// earlier one of the same name, we would have written what we want now: where it
// differs an operator was there, and wins. Only our own marks follow the life of
// what they mark.
func adopted(have, want ldapschema.Entry, same bool) ldapschema.Entry {
	base := ldapschema.Entry{DN: want.DN}
	for _, a := range have.Attrs {
		switch {
		case !want.Has(a.Name):
		case same && !strings.HasPrefix(a.Name, "cod"):
			base.Attrs = append(base.Attrs, ldapschema.Attr{Name: a.Name, Values: want.Values(a.Name)})
		default:
			base.Attrs = append(base.Attrs, a)
		}
	}
	return base.Canonical()
}
