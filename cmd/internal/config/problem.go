package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors/check"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`   // from 1; 0 when the whole file is meant
	Col  int    `json:"column,omitempty"` // from 1
	Path string `json:"path,omitempty"`   // the key, as in actors[1].exports[0].units
	Text string `json:"text"`             // what is wrong
	Hint string `json:"hint,omitempty"`   // what to do about it, if that is known

	Warning bool `json:"warning,omitempty"` // nothing is wrong yet
}

// String prints the problem on one line, as compilers do.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems is the error of Parse and Load: everything wrong, in the order of the
// file.
type Problems []Problem

// Error prints one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err sorts the problems by place and is nil when there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return ps
}

// meant is the hint for an unknown word.
func meant(word string, known []string) string {
	if near := check.Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) == 0 {
		return ""
	}
	return "known: " + strings.Join(known, ", ")
}
