/*
Package desk is what the broker policies share: the desk at which asks are served,
one at a time, from the sketches of a round.

A policy opens a [Desk] with its [Rules]: which ask goes first, which source and
which hosts it prefers. [Desk.Open] serves what every policy serves alike,
extensions and then request groups, and gives back the other asks in order. For
each of them the policy takes a [Turn] and tries: as asked, with fewer units,
later; and in the end refuses it or lets it wait. Whatever is tried is noted in
the decision's reason.

fit.go finds how much of an ask a source can serve, group.go fills groups.
*/
package desk

import (
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
)

// Rules is what policies differ in. Only Name is required.
type Rules struct {
	Name string // for reasons, as in "first come, first served"
	// Order says which of two asks goes first, as slices.SortFunc wants it; asks it
	// calls equal stay in order of arrival.
	Order func(x, y policy.Ask) int
	// Sources puts the sources an ask may use over a term in order, best first, and
	// says in a few words what speaks for each. Nil keeps the order of names.
	Sources func(a policy.Ask, term actors.Term, from []policy.Source) (why []string)
	// Hosts spreads units of a size over hosts with this much room, as far as they
	// fit. Nil is FirstFit.
	Hosts Packing
	// Mixed lets new asks that Order puts first go before extensions. Open then gives
	// the extensions back among the others, to be settled in turn.
	Mixed bool
}

// Desk is one round being decided. Make one with New.
type Desk struct {
	policy.Round
	rules Rules
	turns int
	out   []policy.Decision
}

// New is a desk at which nobody has been served.
func New(r policy.Round, rules Rules) *Desk {
	if rules.Hosts == nil {
		rules.Hosts = FirstFit
	}
	return &Desk{Round: r, rules: rules, out: make([]policy.Decision, 0, len(r.Asks))}
}

// Decisions is what has been decided so far.
func (d *Desk) Decisions() []policy.Decision { return d.out }

// Open serves extensions and groups and gives back the other asks, in order.
func (d *Desk) Open() []policy.Ask {
	if d.rules.Mixed && d.rules.Order != nil {
		all := slices.Clone(d.Asks)
		slices.SortStableFunc(all, d.rules.Order)
		return d.groups(all)
	}
	var prolonging, fresh []policy.Ask
	for _, a := range d.Asks {
		if a.Held != nil {
			prolonging = append(prolonging, a)
		} else {
			fresh = append(fresh, a)
		}
	}
	if d.rules.Order != nil {
		slices.SortStableFunc(prolonging, d.rules.Order)
		slices.SortStableFunc(fresh, d.rules.Order)
	}
	for _, a := range prolonging {
		d.Settle(a)
	}
	return d.groups(fresh)
}

// Last is the decision made last, to be added to.
func (d *Desk) Last() *policy.Decision { return &d.out[len(d.out)-1] }

// Settle serves an ask for good: as asked, with fewer units if it is elastic,
// later if it is deferrable, or not at all.
func (d *Desk) Settle(a policy.Ask) {
	t := d.Turn(a)
	if a.Held == nil && a.Term.End > a.Deadline() {
		t.Refuse("its deadline is before the end of its term")
		return
	}
	least, _ := a.Elastic()
	if t.Try(least, a.Term) {
		return
	}
	if deadline, ok := a.Deferrable(); ok {
		if start, ok := t.Earliest(a.Units, max(a.Term.Start, d.Slot()), deadline); ok && t.Try(a.Units, Shifted(a.Term, start)) {
			return
		}
	}
	t.Refuse("")
}

// Shifted is the term of the same length from start on.
func Shifted(t actors.Term, start actors.Millis) actors.Term {
	return actors.NewTerm(start, start+t.Length()-1)
}

// Turn is one ask being served.
type Turn struct {
	Ask    policy.Ask
	Memory policy.Memory // goes into the decision; at first what the ask came with
	Note   string        // goes into its reason
	Look   actors.Cycle  // and this: the round in which it will be looked at more closely
	desk   *Desk
	reason policy.Reason
}

// Turn calls an ask up.
func (d *Desk) Turn(a policy.Ask) *Turn {
	d.turns++
	t := &Turn{Ask: a, Memory: a.Memory, desk: d, reason: policy.Reason{Rule: d.rules.Name, Turn: d.turns, Of: len(d.Asks)}}
	for _, s := range d.candidates(a) {
		t.reason.Exist = max(t.reason.Exist, s.Calendar.Capacity())
	}
	for _, q := range d.quotas(a) {
		if t.reason.Quota == "" || q.Units < t.reason.Limit {
			t.reason.Quota, t.reason.Limit = q.Name, q.Units
		}
	}
	return t
}

// candidates is the sources an ask may use.
func (d *Desk) candidates(a policy.Ask) []policy.Source {
	out := make([]policy.Source, 0, len(d.Sources))
	for _, s := range d.Sources {
		if s.Type == a.Type && (a.Held == nil || a.Held.Source == s.ID) {
			out = append(out, s)
		}
	}
	return out
}

// Try grants the ask over a term if some source has all its units, or else the
// most that any has, if that is at least least.
func (t *Turn) Try(least int, term actors.Term) bool {
	d, ok := t.try(least, term)
	if ok {
		t.desk.out = append(t.desk.out, d)
	}
	return ok
}

func (t *Turn) try(least int, term actors.Term) (policy.Decision, bool) {
	from := t.desk.candidates(t.Ask)
	var praise []string
	if t.desk.rules.Sources != nil {
		praise = t.desk.rules.Sources(t.Ask, term, from)
	}
	first := t.reason.Tried == nil
	tried := make([]policy.Attempt, 0, min(len(from), policy.MaxTried))
	best, chosen := fit{}, -1
	for i, s := range from {
		f := t.desk.fit(s, t.Ask, term)
		if (f.units > best.units || chosen < 0) && f.units >= max(least, 1) && best.units < t.Ask.Units {
			best, chosen = f, i
		}
		why := f.why
		if praise != nil {
			why += "; " + praise[i]
		}
		if first {
			t.reason.Fits = max(t.reason.Fits, f.units)
		}
		if len(tried) < policy.MaxTried {
			tried = append(tried, policy.Attempt{Source: s.ID, Site: s.Site.Name, Term: term, Free: f.units, Why: why})
		}
	}
	if first || chosen >= 0 {
		t.reason.Tried = tried
	}
	if chosen < 0 {
		return policy.Decision{}, false
	}
	if chosen < len(tried) {
		tried[chosen].Chosen = true
	}
	d := policy.Decision{Reservation: t.Ask.Reservation, Granted: true, Source: from[chosen].ID, Units: best.units, Term: term,
		Slivers: best.slivers, Size: best.size, Memory: t.Memory, Reason: t.why()}
	return d, t.take(from[chosen], d)
}

// Never reports whether no source could ever serve so many units at once, or no
// quota allows them.
func (t *Turn) Never(units int) bool {
	return t.reason.Exist < units || t.reason.Quota != "" && t.reason.Limit < units
}

// take notes a grant in its source's sketch.
func (t *Turn) take(s policy.Source, d policy.Decision) bool {
	holds, err := t.Ask.Holds(d)
	if err != nil {
		return false
	}
	for _, h := range holds {
		if s.Calendar.Take(t.Ask.Reservation, h) != nil {
			s.Calendar.Release(t.Ask.Reservation)
			return false
		}
	}
	for _, q := range t.desk.quotas(t.Ask) {
		for _, h := range holds {
			_ = q.Calendar.Take(t.Ask.Reservation, calendar.Hold{From: h.From, To: h.To, Units: h.Units}) // fit has looked
		}
	}
	return true
}

// giveBack undoes take. In a sketch an ask holds nothing but what it was granted
// in this round.
func (d *Desk) giveBack(a policy.Ask, source actors.TicketID) {
	for _, s := range d.Sources {
		if s.ID == source {
			s.Calendar.Release(a.Reservation)
		}
	}
	for _, q := range d.quotas(a) {
		q.Calendar.Release(a.Reservation)
	}
}

// quotas is those that bound an ask.
func (d *Desk) quotas(a policy.Ask) []policy.Quota {
	if len(a.Quotas) == 0 {
		return nil
	}
	out := make([]policy.Quota, 0, len(a.Quotas))
	for _, i := range a.Quotas {
		if i >= 0 && i < len(d.Quotas) {
			out = append(out, d.Quotas[i])
		}
	}
	return out
}

// Block reserves what a waiting ask will need from start on, all its units or at
// least least, so that nothing granted behind it in this round is in its way.
func (t *Turn) Block(least int, start actors.Millis) {
	was := t.reason
	_, _ = t.try(least, Shifted(t.Ask.Term, start))
	t.reason = was
}

// Refuse decides against the ask. Without a reason of its own, it is that units
// are missing.
func (t *Turn) Refuse(why string) {
	if t.reason.Tried == nil {
		t.look()
	}
	if why != "" {
		t.reason.Fits = 0 // fewer units would meet the same refusal
	} else {
		why = t.missing()
		if t.reason.Earliest == 0 && t.Ask.Held == nil && !t.Never(t.Ask.Units) {
			t.reason.Earliest, _ = t.Earliest(t.Ask.Units, max(t.Ask.Term.Start, t.desk.Slot()), t.Ask.Deadline())
		}
	}
	t.desk.out = append(t.desk.out, policy.Decision{Reservation: t.Ask.Reservation, Why: why, Memory: t.Memory, Reason: t.why()})
}

// Wait leaves the ask for the next round. Earliest, when it is not 0, is when its
// turn may come.
func (t *Turn) Wait(why string, earliest actors.Millis) {
	t.reason.Earliest = earliest
	t.desk.out = append(t.desk.out, policy.Decision{Reservation: t.Ask.Reservation, Waits: true, Why: why, Memory: t.Memory, Reason: t.why()})
}

// look notes how things stand for an ask that was decided without trying.
func (t *Turn) look() {
	for _, s := range t.desk.candidates(t.Ask) {
		f := t.desk.fit(s, t.Ask, t.Ask.Term)
		t.reason.Fits = max(t.reason.Fits, f.units)
		if len(t.reason.Tried) < policy.MaxTried {
			t.reason.Tried = append(t.reason.Tried, policy.Attempt{Source: s.ID, Site: s.Site.Name, Term: t.Ask.Term, Free: f.units, Why: f.why})
		}
	}
}

func (t *Turn) why() *policy.Reason {
	r := t.reason
	r.Note, r.Look = t.Note, t.Look
	return &r
}

func (t *Turn) missing() string {
	switch n := t.reason.Exist; {
	case n == 0:
		return fmt.Sprintf("no units of type %q here", t.Ask.Type)
	case t.Ask.Units > n:
		return fmt.Sprintf("insufficient resources: %d units asked, only %d exist", t.Ask.Units, n)
	case t.reason.Quota != "" && t.Ask.Units > t.reason.Limit:
		return fmt.Sprintf("insufficient resources: %d units asked, the quota of %s is %d", t.Ask.Units, t.reason.Quota, t.reason.Limit)
	default:
		return fmt.Sprintf("insufficient resources: %d units are not free over the whole term", t.Ask.Units)
	}
}
