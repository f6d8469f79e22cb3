package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// MaxGroup is the most members a request group may have.
const MaxGroup = 1000

// Check says what is wrong with the properties of a request for units, as far as
// policies read them (leasing 3.9, 4.5.7): everything at once, in order of names.
// Empty values count as absent, as legacy managers send them, and names that no
// policy reads are nobody's business here: they pass through as they are.
func Check(p actors.Properties, units int) error {
	if len(p) == 0 {
		return nil
	}
	var bad []error
	add := func(name, format string, args ...any) {
		bad = append(bad, fmt.Errorf("request property %s is %q: %s", name, p[name], fmt.Sprintf(format, args...)))
	}
	for _, name := range p.Keys() {
		text := p[name]
		if text == "" {
			continue
		}
		switch kindOf(name) {
		case aFlag:
			if _, ok := boolean(text); !ok {
				add(name, "it must be true or false")
			}
		case aNumber:
			if n, err := strconv.Atoi(text); err != nil || n < 0 || n > maxNumber {
				add(name, "it must be a whole number from 0 to %d", maxNumber)
			}
		case anInstant:
			if ms, err := strconv.ParseInt(text, 10, 64); err != nil || ms < 1 {
				add(name, "it must be an instant in milliseconds since 1970")
			}
		case aCount:
			if n, err := strconv.Atoi(text); err != nil || n < 1 || n > MaxGroup {
				add(name, "it must be a whole number from 1 to %d", MaxGroup)
			} else if p["groupID"] == "" {
				add(name, "there is no groupID that it could be about")
			}
		}
	}
	if len(bad) > 0 {
		return joined(bad) // ranges of what is no number are not worth a word
	}
	for i := range ranges {
		dim := dimension(i)
		least, okLeast := given(p, dim+".min")
		most, okMost := given(p, dim+".max")
		if !okLeast && dim != "units" {
			least, okLeast = given(p, dim)
		}
		if okLeast && okMost && least > most {
			add(dim+".max", "it is less than the least, %d", least)
		}
		if dim == "units" && okLeast && least > units {
			add(dim+".min", "only %d are asked for", units)
		}
		if dim == "units" && okMost && most < units {
			add(dim+".max", "%d are asked for", units)
		}
	}
	return joined(bad)
}

// kind is what a request property's value must be.
type kind uint8

const (
	anything kind = iota
	aFlag
	aNumber
	anInstant
	aCount
)

// kindOf is what policies read in the property of that name.
func kindOf(name string) kind {
	switch name {
	case "elastic", "request.elasticSize", "deferrable", "request.elasticTime":
		return aFlag
	case "deadline":
		return anInstant
	case "leaseCount":
		return aCount
	case "queueThreshold", "priority":
		return aNumber
	}
	base, end, _ := strings.Cut(name, ".")
	for i := range ranges {
		switch {
		case dimension(i) != base:
		case end == "min", end == "max", end == "" && base != "units":
			return aNumber
		case end == "elastic":
			return aFlag
		}
	}
	return anything
}

// ranges is how many things an ask can give a range for: the dimensions of a
// sliver, and then units.
const ranges = len(calendar.Vector{}) + 1

func dimension(i int) string {
	if i == ranges-1 {
		return "units"
	}
	return calendar.Dimension(i)
}

// boolean reads a flag as people and legacy actors write it.
func boolean(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1", "t":
		return true, true
	case "false", "no", "off", "0", "f", "":
		return false, true
	}
	return false, false
}

// given is the number in a property; false if it says none.
func given(p actors.Properties, name string) (int, bool) {
	n := number(p, name, -1)
	return n, n >= 0
}

// CheckStock says what is wrong with the properties of units that a site delegates:
// sizes and the number of hosts must be numbers, there are no more hosts than units,
// and hosts without a size say nothing. Other names are nobody's business here.
func CheckStock(p actors.Properties, units int) error {
	var bad []error
	add := func(name, format string, args ...any) {
		bad = append(bad, fmt.Errorf("property %s is %q: %s", name, p[name], fmt.Sprintf(format, args...)))
	}
	sized := false
	for i := range (calendar.Vector{}) {
		name := calendar.Dimension(i)
		if text, ok := p[name]; ok {
			sized = true
			if n, err := strconv.Atoi(text); err != nil || n < 1 || n > maxNumber {
				add(name, "it must be a whole number from 1 to %d", maxNumber)
			}
		}
	}
	if text, ok := p["hosts"]; ok {
		switch n, err := strconv.Atoi(text); {
		case err != nil || n < 1 || n > units:
			add("hosts", "it must be a whole number from 1 to the number of units, %d", units)
		case !sized:
			add("hosts", "it says how many hosts the units are cut from, and no size of theirs is given")
		}
	}
	return joined(bad)
}

// joined is all that is wrong as one problem, nil if nothing is.
func joined(bad []error) error {
	if len(bad) == 0 {
		return nil
	}
	texts := make([]string, len(bad))
	for i, err := range bad {
		texts[i] = err.Error()
	}
	return actors.Problem(strings.Join(texts, "; "))
}
