package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// Needs lists what must be free beside what the ask already holds, for units
// over term: one hold for a new ask; for an extension the time behind its old
// end, and any growth before it.
func (a Ask) Needs(units int, term actors.Term) []calendar.Hold {
	if a.Held == nil {
		return []calendar.Hold{{From: term.Start, To: term.End, Units: units}}
	}
	var needs []calendar.Hold
	if more := units - a.Held.Units; more > 0 && term.NewStart <= a.Held.Term.End {
		needs = append(needs, calendar.Hold{From: term.NewStart, To: a.Held.Term.End, Units: more})
	}
	from := max(term.NewStart, a.Held.Term.End+1)
	return append(needs, calendar.Hold{From: from, To: term.End, Units: units})
}

// Holds is what a grant takes from its source's calendar, or why it is not an
// answer to the ask. Whether it is free is the calendar's to say.
func (a Ask) Holds(d Decision) ([]calendar.Hold, error) {
	// The core's own asks may grow while they wait, so that only the least and the
	// shape are checked here; policytest checks that nobody gets more than asked.
	if d.Units < 1 {
		return nil, fmt.Errorf("policy: a grant of %d units", d.Units)
	}
	if err := d.Term.Validate(); err != nil {
		return nil, err
	}
	needs := a.Needs(d.Units, d.Term)
	if len(d.Slivers) == 0 {
		return needs, nil
	}
	placed := 0
	for _, s := range d.Slivers {
		if s.Host < 1 || s.Units < 1 {
			return nil, fmt.Errorf("policy: %d units on host %d", s.Units, s.Host)
		}
		placed += s.Units
	}
	if placed != d.Units || len(needs) != 1 {
		return nil, fmt.Errorf("policy: %d of %d units have a host, in %d intervals", placed, d.Units, len(needs))
	}
	holds := make([]calendar.Hold, len(d.Slivers))
	for i, s := range d.Slivers {
		holds[i] = calendar.Hold{From: needs[0].From, To: needs[0].To, Units: s.Units, Host: s.Host, Size: d.Size}
	}
	return holds, nil
}

// Cut is what a ticket tells of the slivers it is for (leasing 4.5.7): the size of
// each unit, and the host of each, counted from 1. Nil when it is for whole units.
func (d Decision) Cut() actors.Properties {
	if len(d.Slivers) == 0 {
		return nil
	}
	p := actors.Properties{}
	for i, n := range d.Size {
		if n > 0 {
			p[calendar.Dimension(i)] = strconv.Itoa(n)
		}
	}
	var hosts []string
	for _, s := range d.Slivers {
		for range s.Units {
			hosts = append(hosts, strconv.Itoa(s.Host))
		}
	}
	p["Identifiers"] = strings.Join(hosts, ",")
	return p
}

// Elastic reports whether the ask accepts fewer units than it names, and the
// least it accepts. Both the paper's name and the legacy ones count (leasing 3.9),
// and a range from units.min to a larger units.max says it too (leasing 4.5.7). A
// member of a group is never elastic (leasing 4.8.4).
func (a Ask) Elastic() (least int, ok bool) {
	least, said := given(a.Properties, "units.min")
	most, ranged := given(a.Properties, "units.max")
	if a.grouped() || !a.flag("elastic", "request.elasticSize", "units.elastic") && !(said && ranged && least < most) {
		return a.Units, false
	}
	if said && least > 0 && least <= a.Units {
		return least, least < a.Units
	}
	return 1, a.Units > 1
}

// Deferrable reports whether the ask accepts a later start, and the last instant
// at which it must be over; actors.Forever when it does not say. A member of a
// group always is (leasing 4.8.4), an extension never.
func (a Ask) Deferrable() (deadline actors.Millis, ok bool) {
	if a.Held != nil || !a.flag("deferrable", "request.elasticTime") && !a.grouped() {
		return a.Term.End, false
	}
	return a.Deadline(), true
}

// Deadline is the last instant at which the ask must be over, in milliseconds
// since 1970; actors.Forever when it does not say (leasing 3.9).
func (a Ask) Deadline() actors.Millis {
	if text, ok := a.Properties["deadline"]; ok {
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 {
			return actors.Millis(ms)
		}
	}
	return actors.Forever
}

// Until is how long the ask may wait: to the end of its term, or to the deadline
// of one that can be deferred. An ask without either does not outlive its term.
func (a Ask) Until() actors.Millis {
	if deadline, ok := a.Deferrable(); ok && deadline < actors.Forever {
		return max(deadline, a.Term.End)
	}
	return a.Term.End
}

// Patience is how many cycles the ask may wait behind the start it asked for
// (queueThreshold, leasing 3.9); false when it does not say.
func (a Ask) Patience() (actors.Cycle, bool) {
	n, err := strconv.ParseInt(a.Properties["queueThreshold"], 10, 64)
	return actors.Cycle(n), err == nil && n > 0
}

// Impatient reports whether the ask has waited longer than it may.
func (a Ask) Impatient(r Round) bool {
	patience, ok := a.Patience()
	return ok && r.Now > r.Cycles.Of(a.Term.Start)+patience
}

// Group names the group an ask belongs to; groups are filled with one start, all
// or nothing (leasing 4.8.4). Members come from one client. Empty means none.
func (a Ask) Group() string {
	if !a.grouped() {
		return ""
	}
	return string(a.Client) + " " + a.Properties["groupID"]
}

func (a Ask) grouped() bool { return a.Held == nil && a.Properties["groupID"] != "" }

// LeaseCount is how many members the ask says its group has; the leader says it.
// 0 for the others.
func (a Ask) LeaseCount() int {
	n, err := strconv.Atoi(a.Properties["leaseCount"])
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// Sliver is the size one unit must have at least, and the most it can use
// (leasing 4.5.7): <dimension>.min and <dimension>.max, or <dimension> for both.
func (a Ask) Sliver() (least, most calendar.Vector) { return SizeOf(a.Properties) }

// SizeOf is a size in properties: <dimension>.min and <dimension>.max, or
// <dimension> for both, where the dimensions are those of a calendar.Vector.
func SizeOf(p actors.Properties) (least, most calendar.Vector) {
	if len(p) == 0 {
		return least, most
	}
	for i := range least {
		name := calendar.Dimension(i)
		least[i] = number(p, name+".min", number(p, name, 0))
		most[i] = max(least[i], number(p, name+".max", 0))
	}
	return least, most
}

// Priority is the number in the property of that name; larger goes first.
func (a Ask) Priority() int { return number(a.Properties, "priority", 0) }

// maxNumber bounds what a property may say, far above any use, so that sums of
// them stay numbers.
const maxNumber = 1 << 30

func number(p actors.Properties, name string, def int) int {
	text, ok := p[name]
	if !ok {
		return def // most asks say little, and an error costs something to make
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxNumber {
		return def
	}
	return n
}

func (a Ask) flag(names ...string) bool {
	for _, n := range names {
		if text, ok := a.Properties[n]; ok {
			if on, _ := boolean(text); on {
				return true
			}
		}
	}
	return false
}

// Stock is the empty calendar of a donated ticket. When the ticket's properties
// give a host's size in any dimension (cpu, memory, bandwidth, storage), its units
// are cut from hosts of that size: as many as its property hosts says, or one for
// each unit.
//
// Legacy names of sizes count too, and so does what the site says beside the ticket;
// what is certified goes before it.
func Stock(t actors.Ticket) *calendar.Calendar {
	said := t.Described.Merged(t.Properties).Sized()
	size, _ := SizeOf(said)
	if size == (calendar.Vector{}) {
		return calendar.New(t.Units, t.Term)
	}
	hosts := make([]calendar.Vector, min(number(said, "hosts", t.Units), max(t.Units, 0)))
	for i := range hosts {
		hosts[i] = size
	}
	return calendar.New(t.Units, t.Term, hosts...)
}
