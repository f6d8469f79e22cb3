package ant

import (
	"fmt"
	"regexp"
	"strings"
)

// condition is a property that is set when something is true.
func (m *importer) condition(e *element, depth int) {
	n, value, other := e.attr("property"), e.attr("value"), e.attrs["else"]
	hasElse := e.has("else")
	e.attr("else")
	if value == "" {
		value = "true"
	}
	if !word(n) || len(e.kids) != 1 {
		m.lost(depth, e.line, "a condition in this form")
		return
	}
	when, err := m.test(e.kids[0])
	if err != nil {
		m.lost(depth, e.line, "%v", err)
		return
	}
	m.assign(n, value, when, e.line, depth)
	if hasElse {
		// The first to be set counts, so that this one is only set when that one was not.
		m.assign(n, other, "", e.line, depth)
	}
}

// branch is the if of ant-contrib. Which branch is taken is settled before either is.
func (m *importer) branch(e *element, depth int) {
	var test, then, other *element
	for _, k := range e.kids {
		switch {
		case k.name == "then":
			then = k
		case k.name == "else":
			other = k
		case k.name != "elseif" && test == nil:
			test = k
		default:
			m.lost(depth, k.line, "an if with %s", k.name)
			return
		}
	}
	if test == nil || then == nil && other == nil {
		m.lost(depth, e.line, "an if in this form")
		return
	}
	when, err := m.test(test)
	if err != nil {
		m.lost(depth, e.line, "%v", err)
		return
	}
	choice := fmt.Sprintf("if_%d", e.line)
	m.set[choice] = true
	m.line(depth, "- set: {%s: \"no\"} # line %d", choice, e.line)
	m.line(depth, "- set: {%s: \"yes\"}", choice)
	m.line(depth+1, "when: %s", quote(when))
	for _, b := range []struct {
		e    *element
		when string
	}{{then, choice + " == 'yes'"}, {other, choice + " == 'no'"}} {
		if b.e == nil || len(b.e.kids) == 0 {
			continue
		}
		m.line(depth, "- when: %s", quote(b.when))
		m.line(depth+1, "steps:")
		m.inside(b.e.kids, depth+2)
	}
}

// test is a condition of Ant in the words of a script.
func (m *importer) test(e *element) (string, error) {
	joined := func(word string) (string, error) {
		if len(e.kids) == 0 {
			return "", fmt.Errorf("an empty %s", e.name)
		}
		var out []string
		for _, k := range e.kids {
			t, err := m.test(k)
			if err != nil {
				return "", err
			}
			out = append(out, "("+t+")")
		}
		return strings.Join(out, " "+word+" "), nil
	}
	switch e.name {
	case "and":
		return joined("and")
	case "or":
		return joined("or")
	case "not":
		if len(e.kids) != 1 {
			return "", fmt.Errorf("a not in this form")
		}
		t, err := m.test(e.kids[0])
		return "not (" + t + ")", err
	case "isset":
		if !word(e.attrs["property"]) {
			return "", fmt.Errorf("an isset of %.40q", e.attrs["property"])
		}
		return "defined " + m.name(e.attrs["property"]), nil
	case "istrue", "isfalse":
		n := ref(e.attrs["value"])
		if n == "" {
			return "", fmt.Errorf("an %s of %.40q", e.name, e.attrs["value"])
		}
		t := m.name(n) + " matches '(?i:true|yes|on)'"
		if e.name == "isfalse" {
			t = "not " + t
		}
		return t, nil
	case "equals":
		if yes(e.attrs["trim"]) || e.attrs["casesensitive"] != "" && !yes(e.attrs["casesensitive"]) {
			return "", fmt.Errorf("an equals with trim or without case")
		}
		a, err := m.operand(e.attrs["arg1"])
		if err != nil {
			return "", err
		}
		b, err := m.operand(e.attrs["arg2"])
		return a + " == " + b, err
	case "contains":
		n, text := ref(e.attrs["string"]), e.attrs["substring"]
		if n == "" || strings.ContainsAny(text, "'$") {
			return "", fmt.Errorf("a contains of %.40q", e.attrs["string"])
		}
		return m.name(n) + " matches '(?s:.*" + regexp.QuoteMeta(text) + ".*)'", nil
	}
	return "", fmt.Errorf("the condition %s", e.name)
}

// operand is one side of a comparison: a variable or a text, not both.
func (m *importer) operand(s string) (string, error) {
	if n := ref(s); n != "" {
		return m.name(n), nil
	}
	if strings.ContainsAny(s, "$'") {
		return "", fmt.Errorf("a comparison with %.60q", s)
	}
	return "'" + s + "'", nil
}
