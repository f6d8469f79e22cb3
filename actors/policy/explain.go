package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Outcome is what became of an ask, or would become of it.
type Outcome string

// The outcomes.
const (
	Granted    Outcome = "granted"    // as asked, or as little different as the ask allows
	Queued     Outcome = "queued"     // it waits, or was granted a later start
	Smaller    Outcome = "smaller"    // refused; it would fit with fewer units
	Later      Outcome = "later"      // refused; it would fit at another time
	Impossible Outcome = "impossible" // refused; so many units do not exist here
	Refused    Outcome = "refused"    // for another reason
)

// Verdict is a decision in words.
type Verdict struct {
	Reservation actors.ReservationID `json:"reservation"`
	Outcome     Outcome              `json:"outcome"`
	Units       int                  `json:"units,omitempty"` // that are granted, or would fit
	Term        actors.Term          `json:"term,omitzero"`   // that is granted
	Earliest    actors.Millis        `json:"earliest,omitempty"`
	Text        string               `json:"text"`              // one line
	Details     []string             `json:"details,omitempty"` // what was weighed, a line each
}

// Explain says in words what a decision about an ask means. It is the same for a
// decision that was carried out and for one that a broker only made to be asked.
func Explain(a Ask, d Decision) Verdict {
	why := Reason{}
	if d.Reason != nil {
		why = *d.Reason
	}
	v := Verdict{Reservation: a.Reservation, Earliest: why.Earliest, Details: why.lines()}
	what := func(n int) string { return fmt.Sprintf("%d %s of %s", n, plural(n, "unit"), a.Type) }
	switch {
	case d.Granted:
		v.Outcome, v.Units, v.Term, v.Earliest = Granted, d.Units, d.Term, d.Term.NewStart
		v.Text = "granted: " + what(d.Units)
		if d.Units < a.Units {
			v.Text = fmt.Sprintf("granted: %d of %s", d.Units, what(a.Units))
		}
		if d.Term.NewStart > a.Term.NewStart {
			v.Outcome = Queued
			v.Text = strings.Replace(v.Text, "granted", "queued until "+stamp(d.Term.NewStart), 1)
		}
		v.Text += fmt.Sprintf(", from %s to %s", stamp(d.Term.NewStart), stamp(d.Term.End+1))
		for _, t := range why.Tried {
			if t.Chosen {
				v.Text += ", at " + t.name()
			}
		}
	case d.Waits && why.Earliest > 0:
		v.Outcome, v.Text = Queued, fmt.Sprintf("queued until %s: %s", stamp(why.Earliest), d.Why)
	case d.Waits:
		v.Outcome, v.Text = Queued, "queued: "+d.Why
	case d.Reason == nil:
		v.Outcome, v.Text = Refused, "refused: "+d.Why
	case why.Exist == 0:
		v.Outcome, v.Text = Impossible, fmt.Sprintf("impossible: no units of %s exist here", a.Type)
	case why.Exist < a.Units:
		v.Outcome, v.Units = Impossible, why.Exist
		v.Text = fmt.Sprintf("impossible: only %d %s", why.Exist, map[bool]string{true: "exists", false: "exist"}[why.Exist == 1])
	case why.Quota != "" && why.Limit < a.Units:
		v.Outcome, v.Units = Impossible, why.Limit
		v.Text = fmt.Sprintf("impossible: the quota of %s is %d %s", why.Quota, why.Limit, plural(why.Limit, "unit"))
	case why.Fits > 0 && why.Fits < a.Units:
		v.Outcome, v.Units = Smaller, why.Fits
		v.Text = fmt.Sprintf("refused: it would fit with %s", what(why.Fits))
		if why.Earliest > 0 {
			v.Text += ", or from " + stamp(why.Earliest)
		}
	case why.Earliest > 0 && why.Fits == 0:
		v.Outcome, v.Text = Later, "refused: it would fit from "+stamp(why.Earliest)
	default:
		v.Outcome, v.Text = Refused, "refused: "+d.Why
	}
	return v
}

// lines is what was weighed, for people.
func (r Reason) lines() []string {
	if r.Rule == "" {
		return nil
	}
	out := []string{fmt.Sprintf("%s; turn %d of %d", r.Rule, r.Turn, r.Of)}
	for _, t := range r.Tried {
		out = append(out, fmt.Sprintf("%s: %s", t.name(), t.Why))
	}
	if r.Note != "" {
		out = append(out, r.Note)
	}
	return out
}

func (t Attempt) name() string {
	if t.Site != "" {
		return t.Site
	}
	return string(t.Source)
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// stamp is an instant for people. Whole seconds have no fraction.
func stamp(t actors.Millis) string {
	if t >= actors.Forever-1 {
		return "ever"
	}
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}
