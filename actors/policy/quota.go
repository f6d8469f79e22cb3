package policy

import (
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// Limit is a quota as an operator sets it: how many units somebody may hold at any
// one instant, whatever is free. Exactly one of Client, Slice and Each says whom it
// is about. The holder of a ticket is the client that asked for it: a service
// manager, or a broker that sells on.
type Limit struct {
	Client string `yaml:"client"` // this client, in all its slices
	Slice  string `yaml:"slice"`  // slices of this name or identity, whoever their client is
	Each   string `yaml:"each"`   // "client" or "slice": every one of them by itself
	Type   string `yaml:"type"`   // only units of this type; empty counts all together
	Units  int    `yaml:"units"`
}

// Check says what is wrong with a limit.
func (l Limit) Check() error {
	about := 0
	for _, s := range []string{l.Client, l.Slice, l.Each} {
		if s != "" {
			about++
		}
	}
	switch {
	case about != 1:
		return errors.New("a quota is for one of client, slice and each")
	case l.Each != "" && l.Each != "client" && l.Each != "slice":
		return fmt.Errorf(`a quota is for each "client" or each "slice", not each %q`, l.Each)
	case l.Units < 0 || l.Units > maxNumber:
		return fmt.Errorf("a quota is 0 to %d units, not %d", maxNumber, l.Units)
	}
	return nil
}

// Of is the name of the quota that the limit puts on some client's units, for
// people and to tell it from others; empty if it does not concern them.
func (l Limit) Of(client actors.ActorID, slice actors.Slice, t actors.ResourceType) string {
	what := ""
	if l.Type != "" {
		if l.Type != string(t) {
			return ""
		}
		what = " for " + l.Type
	}
	switch {
	case l.Client == string(client) && l.Client != "":
		return "client " + l.Client + what
	case l.Slice != "" && (l.Slice == string(slice.ID) || l.Slice == slice.Name):
		return "slice " + l.Slice + what
	case l.Each == "client":
		return "client " + string(client) + what
	case l.Each == "slice":
		return "slice " + slice.Name + " (" + string(slice.ID) + ") of client " + string(client) + what
	}
	return ""
}

// Quota is a limit with what is held under it: a calendar like any other, so that a
// quota means the same instants as a grant does.
type Quota struct {
	Name     string
	Units    int
	Calendar *calendar.Calendar // a sketch, made from NewQuota's
}

// unbounded is the capacity of a quota's calendar. The limit itself is not the
// capacity: it may be lowered below what is held, and that must still be counted.
const unbounded = 1 << 30

// NewQuota is the calendar of a quota under which nothing is held.
func NewQuota() *calendar.Calendar {
	return calendar.New(unbounded, actors.NewTerm(1, actors.Forever))
}

// Free is the least that is left of the quota anywhere in from..to; below zero
// where more is held than it allows.
func (q Quota) Free(from, to actors.Millis) int {
	return q.Units - (unbounded - q.Calendar.Free(from, to))
}
