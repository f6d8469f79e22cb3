package actors

import "fmt"

// Millis is an instant: milliseconds since 1970-01-01T00:00:00Z, as on the wire.
type Millis int64

// Forever is the end of a term without end (wire contract 3.3).
const Forever Millis = 1<<63 - 1

// Cycle numbers the clock ticks of one actor. Nothing on the wire is in cycles.
type Cycle int64

// Never is the wake-up cycle of something that needs no wake-up.
const Never Cycle = 1<<63 - 1

// Cycles converts between instants and the cycles of one actor (leasing 2.1).
// Length must be at least one.
type Cycles struct {
	Begin  Millis `json:"begin"`  // start of cycle 0
	Length Millis `json:"length"` // milliseconds in one cycle
}

// Of is the cycle that t falls in; an instant before Begin falls in cycle 0.
func (c Cycles) Of(t Millis) Cycle {
	if t < c.Begin {
		return 0
	}
	return Cycle((t - c.Begin) / c.Length)
}

// Start is the first millisecond of cycle n.
func (c Cycles) Start(n Cycle) Millis { return c.Begin + Millis(n)*c.Length }

// End is the last millisecond of cycle n.
func (c Cycles) End(n Cycle) Millis { return c.Start(n+1) - 1 }

// Term is the interval a ticket or lease covers, closed at both ends
// (leasing 3.2). An extension keeps Start and moves NewStart and End.
type Term struct {
	Start    Millis `json:"start"`    // first instant of the whole holding
	NewStart Millis `json:"newStart"` // first instant of the latest interval
	End      Millis `json:"end"`      // last valid instant
}

// NewTerm is a fresh term from start to end, both included.
func NewTerm(start, end Millis) Term { return Term{Start: start, NewStart: start, End: end} }

// Validate says why t is no term, or nil.
func (t Term) Validate() error {
	switch {
	case t.Start <= 0 || t.NewStart <= 0 || t.End <= 0:
		return fmt.Errorf("term: start, new start and end must all be given")
	case t.End <= t.Start:
		return fmt.Errorf("term: end %d is not after start %d", t.End, t.Start)
	case t.NewStart < t.Start || t.NewStart > t.End:
		return fmt.Errorf("term: new start %d lies outside %d..%d", t.NewStart, t.Start, t.End)
	}
	return nil
}

// Length is how long the latest interval lasts, in milliseconds.
func (t Term) Length() Millis { return t.End - t.NewStart + 1 }

// Extends reports whether t prolongs old: the same holding, ending later.
func (t Term) Extends(old Term) bool {
	return t.Start == old.Start && t.End > old.End && t.NewStart > old.NewStart
}

// Extended is the term that follows t without a gap and ends at end.
func (t Term) Extended(end Millis) Term { return Term{Start: t.Start, NewStart: t.End + 1, End: end} }

// Covers reports whether t reaches over all of other.
func (t Term) Covers(other Term) bool { return t.Start <= other.Start && other.End <= t.End }

// Contains reports whether at lies in t.
func (t Term) Contains(at Millis) bool { return t.Start <= at && at <= t.End }
