package script

import (
	"fmt"
	"strings"
)

// A Text is text with variables in it: ${name}, or ${name:-text} for one that may be
// absent. Two dollar signs are one.
type Text struct{ parts []part }

// part is words as they are, or a variable.
type part struct {
	text     string
	name     string // a variable when not empty
	optional bool   // it may be absent; text then stands for it
}

const maxText = 64 << 10 // of one value, written out

// parseText reads a text.
func parseText(s string) (Text, error) {
	var t Text
	for s != "" {
		before, after, found := strings.Cut(s, "$")
		if before != "" {
			t.parts = append(t.parts, part{text: before})
		}
		if !found {
			break
		}
		switch {
		case strings.HasPrefix(after, "$"):
			t.parts = append(t.parts, part{text: "$"})
			s = after[1:]
			continue
		case !strings.HasPrefix(after, "{"):
			return Text{}, fmt.Errorf("a $ begins a variable, as in ${unit.id}; write $$ for the sign itself")
		}
		body, rest, closed := strings.Cut(after[1:], "}")
		if !closed {
			return Text{}, fmt.Errorf("${%.40s has no closing brace", body)
		}
		name, def, optional := strings.Cut(body, ":-")
		if !named(name) {
			return Text{}, fmt.Errorf("%.60q cannot be the name of a variable", name)
		}
		t.parts = append(t.parts, part{text: def, name: name, optional: optional})
		s = rest
	}
	return t, nil
}

// named reports whether s may name a variable or a property.
func named(s string) bool {
	if s == "" || len(s) > 200 || strings.Trim(s[:1], letters) != "" {
		return false
	}
	return strings.Trim(s, letters+"0123456789.-") == ""
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

// names are the variables in t, and whether each may be absent.
func (t Text) names(each func(name string, optional bool)) {
	for _, p := range t.parts {
		if p.name != "" {
			each(p.name, p.optional)
		}
	}
}

// write puts values in for the variables.
func (t Text) write(value func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		text := p.text
		if p.name != "" {
			v, ok := value(p.name)
			switch {
			case ok:
				text = v
			case !p.optional:
				return "", fmt.Errorf("there is no %s", p.name)
			}
		}
		if b.Len()+len(text) > maxText {
			return "", fmt.Errorf("a value is longer than %d octets", maxText)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// String is the text as a file has it.
func (t Text) String() string {
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.name == "":
			b.WriteString(strings.ReplaceAll(p.text, "$", "$$"))
		case p.optional:
			b.WriteString("${" + p.name + ":-" + p.text + "}")
		default:
			b.WriteString("${" + p.name + "}")
		}
	}
	return b.String()
}

// Expand puts values in for the variables of a text, which is written as in a script.
func Expand(text string, value func(name string) (string, bool)) (string, error) {
	t, err := parseText(text)
	if err != nil {
		return "", err
	}
	return t.write(value)
}
