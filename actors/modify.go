package actors

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A modify travels as configuration properties (leasing 3.5, wire contract 8.4): the
// n-th of a lease is named by modify.subcommand.<n>, and its arguments are
// modify.<n>.<name>. Whoever reads the list carries out the highest n.

const (
	subcommandPrefix = "modify.subcommand."
	modifyPrefix     = "modify."
	resultPrefix     = "unit.modify."

	// ResultNumber is the unit property with the number of the last modify.
	ResultNumber = "unit.modify.sequencenum"

	// maxModifies is how many modifies a list keeps. Legacy lists grow without end, and
	// with them every later message of the lease; the site's own list has them all in
	// any case, because it merges what it is sent.
	maxModifies = 16
	maxModify   = 1 << 20 // the highest number a modify may have
	maxWord     = 64      // octets of a subcommand
)

// Modification is one modify as its properties describe it.
type Modification struct {
	Number     int        // from 1; 0 means that there is none
	Subcommand string     // such as "modify.restart"
	Arguments  Properties // under their plain names
}

// NewestModify is the modify with the highest number in p, which is the one to carry
// out (leasing 5.1). Names that only look like one are passed over.
func NewestModify(p Properties) Modification {
	var m Modification
	for k, v := range p {
		if n, ok := modifyNumber(k, subcommandPrefix); ok && n > m.Number {
			m.Number, m.Subcommand = n, v
		}
	}
	if m.Number > 0 {
		m.Arguments = p.modifyArguments(m.Number)
	}
	return m
}

// Modifies are all of p, from the lowest number to the highest.
func Modifies(p Properties) []Modification {
	var out []Modification
	for k, v := range p {
		if n, ok := modifyNumber(k, subcommandPrefix); ok && k == subcommandPrefix+strconv.Itoa(n) {
			out = append(out, Modification{n, v, p.modifyArguments(n)})
		}
	}
	slices.SortFunc(out, func(a, b Modification) int { return a.Number - b.Number })
	return out
}

// modifyArguments are those of modify n.
func (p Properties) modifyArguments(n int) (out Properties) {
	prefix := fmt.Sprintf("%s%d.", modifyPrefix, n)
	for k, v := range p {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			if out == nil {
				out = Properties{}
			}
			out[name] = v
		}
	}
	return out
}

// Validate says why nobody would carry m out, or nil.
func (m Modification) Validate() error {
	word := strings.TrimPrefix(m.Subcommand, modifyPrefix)
	switch {
	case m.Number < 1 || m.Number > maxModify:
		return fmt.Errorf("modify: the number %d is outside 1..%d", m.Number, maxModify)
	case m.Subcommand == word || word == "" || len(m.Subcommand) > maxWord || strings.ContainsFunc(word, notInWord):
		return fmt.Errorf("modify: the subcommand %.80q is none: it is a word such as %q", m.Subcommand, modifyPrefix+"restart")
	}
	return nil
}

func notInWord(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// Modified is p with m in it, and without the modifies that are too old to matter.
func (p Properties) Modified(m Modification) Properties {
	over := Properties{subcommandPrefix + strconv.Itoa(m.Number): m.Subcommand}
	for k, v := range m.Arguments {
		over[modifyPrefix+strconv.Itoa(m.Number)+"."+k] = v
	}
	return p.Merged(over).sinceModify(m.Number - maxModifies)
}

// MergedModify is p with a peer's list over it, without the modifies that are too old
// to matter. It is what a site makes of its configuration (wire contract 3.5).
func (p Properties) MergedModify(over Properties) Properties {
	if len(over) == 0 {
		return p
	}
	out := p.Merged(over)
	return out.sinceModify(NewestModify(out).Number - maxModifies)
}

// sinceModify drops the modifies up to number last. It changes p.
func (p Properties) sinceModify(last int) Properties {
	for k := range p {
		n, ok := modifyNumber(k, subcommandPrefix)
		if !ok {
			n, ok = modifyNumber(k, modifyPrefix)
		}
		if !ok {
			n, ok = modifyNumber(k, resultPrefix)
		}
		if ok && n <= last {
			delete(p, k)
		}
	}
	return p
}

// modifyNumber is n of "<prefix><n>" and "<prefix><n>.<more>".
func modifyNumber(key, prefix string) (int, bool) {
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0 && n <= maxModify && strconv.Itoa(n) == digits
}

// ModifyResult is p, a unit's properties, with how modify n went: code 0 is success,
// -1 a handler that broke off, anything else the handler's own code (leasing 5.4).
// Results too old to matter are dropped.
func (p Properties) ModifyResult(n, code int, message string) Properties {
	number := strconv.Itoa(n)
	return p.Merged(Properties{
		ResultNumber:                       number,
		resultPrefix + number + ".code":    strconv.Itoa(code),
		resultPrefix + number + ".message": message,
	}).sinceModify(n - maxModifies)
}

// ModifyOutcome is what ModifyResult put into a unit's properties; ok is false when
// modify n has no result there.
func (p Properties) ModifyOutcome(n int) (code int, message string, ok bool) {
	number := strconv.Itoa(n)
	code, err := strconv.Atoi(p[resultPrefix+number+".code"])
	return code, p[resultPrefix+number+".message"], err == nil
}
