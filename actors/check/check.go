/*
Package check says what is wrong with a request, whoever makes it and however it
comes: one table of sentences for command line, management and wire, so that a
mistake is called the same everywhere.

A sentence is an [actors.Problem]: it says nothing but what the one who asks has
said himself, and what is known to everybody who may ask, so it may be told to a
peer. Words that are not known come with the one that was probably meant.

Whether a request can be granted is not asked here: that is for policies, tickets
and ledgers.
*/
package check

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/leasehold/leasehold/actors"
)

// Limits of what anybody may ask for. They are far above any use and below any harm.
const (
	MaxUnits = 1_000_000
	maxName  = 256 // octets in a name or an identity
	maxKnown = 10  // how many known words are listed when none is near
)

// Late is how long ago a new term may have begun: messages take their time, and
// clocks differ.
const Late actors.Millis = 60 * 60 * 1000

func problem(format string, args ...any) error { return actors.Problem(fmt.Sprintf(format, args...)) }

// Units says why nobody can ask for so many units.
func Units(n int) error {
	if n < 1 || n > MaxUnits {
		return problem("units is %d, not 1 to %d", n, MaxUnits)
	}
	return nil
}

// Type says why nothing of a type can be had. No known types mean that any may be.
func Type(wanted actors.ResourceType, known []actors.ResourceType) error {
	if wanted == "" {
		return problem("type is missing: say what to lease")
	}
	if err := Name("type", string(wanted)); err != nil || len(known) == 0 || slices.Contains(known, wanted) {
		return err
	}
	var words []string
	for _, t := range known {
		words = append(words, string(t))
	}
	slices.Sort(words)
	words = slices.Compact(words)
	hint := Perhaps(string(wanted), words)
	if hint == "" {
		hint = "; known are " + strings.Join(words[:min(len(words), maxKnown)], ", ")
	}
	return problem("type %q is not sold%s", wanted, hint)
}

// Named says why a thing cannot be called so: it must have a name, and one that
// somebody would give it.
func Named(what, name, why string) error {
	if name == "" {
		return problem("%s is missing: %s", what, why)
	}
	return Name(what, name)
}

// Name refuses what nobody would call a thing. No name is no bad name.
func Name(what, name string) error {
	switch {
	case len(name) > maxName:
		return problem("%s has %d octets, limit %d", what, len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return problem("%s %q has characters that cannot be printed", what, name)
	case strings.TrimSpace(name) != name:
		return problem("%s %q begins or ends with a space", what, name)
	}
	return nil
}

// Unknown is the answer to a name that nothing has.
func Unknown(what, given string, known []string) error {
	return problem("no %s is called %q%s", what, given, Perhaps(given, known))
}

// Term says why t cannot be the term of a new request. Its end is told as the first
// instant no longer covered, as people say it.
func Term(now actors.Millis, t actors.Term) error {
	if err := Form(t); err != nil {
		return err
	}
	switch {
	case t.End <= now:
		return problem("end %s has passed; it is %s", after(t.End), stamp(now))
	case t.NewStart < now-Late:
		return problem("start %s has passed; it is %s", stamp(t.NewStart), stamp(now))
	}
	return nil
}

// Form says why t is no term at all.
func Form(t actors.Term) error {
	switch {
	case t.Start <= 0:
		return problem("start is missing: say when the term begins")
	case t.End <= 0:
		return problem("end is missing: say when the term is over")
	case t.End <= t.Start:
		return problem("end %s is not after start %s", after(t.End), stamp(t.Start))
	case t.NewStart <= 0:
		return problem("start of the new interval is missing")
	case t.NewStart < t.Start || t.NewStart > t.End:
		return problem("start %s of the new interval is outside the term from %s to %s", stamp(t.NewStart), stamp(t.Start), after(t.End))
	}
	return nil
}

// Longer says why t does not prolong the term that is held.
func Longer(now actors.Millis, t, held actors.Term) error {
	switch {
	case t.Start > 0 && t.Start != held.Start:
		return problem("start %s is not the present start %s", stamp(t.Start), stamp(held.Start))
	case t.End > 0 && t.End <= held.End:
		return problem("end %s is not after the present end %s", after(t.End), after(held.End))
	}
	if err := Form(t); err != nil {
		return err
	}
	switch {
	case t.NewStart <= held.NewStart:
		return problem("start %s of the new interval is not after that of the present one, %s", stamp(t.NewStart), stamp(held.NewStart))
	case t.End <= now:
		return problem("end %s has passed; it is %s", after(t.End), stamp(now))
	}
	return nil
}

// Beyond says why t lies outside the term of a ticket.
func Beyond(t, ticket actors.Term) error {
	if ticket.Covers(t) && t.NewStart >= ticket.NewStart {
		return nil
	}
	return problem("the term from %s to %s is not within the ticket's, from %s to %s", stamp(t.NewStart), after(t.End), stamp(ticket.NewStart), after(ticket.End))
}

// RedeemBy says why a ticket comes too late to be redeemed.
func RedeemBy(now actors.Millis, t actors.Ticket) error {
	if by := t.RedeemBy(); now > by {
		return problem("the ticket was to be redeemed by %s; it is %s", stamp(by), stamp(now))
	}
	return nil
}

// stamp is an instant as people read it.
func stamp(t actors.Millis) string {
	if t > lastInstant {
		return "without end"
	}
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

// after is the first instant behind one that is the last of something.
func after(t actors.Millis) string {
	if t >= lastInstant {
		return "without end"
	}
	return stamp(t + 1)
}

// lastInstant is the last that RFC 3339 can write.
var lastInstant = actors.Millis(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli())
