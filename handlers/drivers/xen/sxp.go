package xen

import (
	"errors"
	"fmt"
	"strings"
)

// xm prints S-expressions, as xend keeps them:
//
//	(domain (domid 4) (name alpha1) (memory 96) (image (linux (args 'a b'))))
//
// An expr is an atom, or a list of expressions.
type expr struct {
	atom string
	list []expr
	deep bool // it is a list
}

// mostDepth bounds how deep lists may lie in each other.
const mostDepth = 64

// head is the first atom of a list.
func (e expr) head() string {
	if len(e.list) == 0 {
		return ""
	}
	return e.list[0].atom
}

// value is the atom behind name in the first list of that head in e.
func (e expr) value(name string) string {
	for _, sub := range e.list {
		if sub.deep && sub.head() == name && len(sub.list) > 1 {
			return sub.list[1].atom
		}
	}
	return ""
}

// parseSXP reads all expressions of a text.
func parseSXP(text string) ([]expr, error) {
	s := sxp{text: text}
	var out []expr
	for {
		s.blank()
		if s.at == len(s.text) {
			return out, nil
		}
		e, err := s.expr(0)
		if err != nil {
			return nil, fmt.Errorf("prints no S-expression: octet %d: %w", s.at, err)
		}
		out = append(out, e)
	}
}

type sxp struct {
	text string
	at   int
}

func (s *sxp) blank() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

var errEnds = errors.New("it ends too soon")

func (s *sxp) expr(depth int) (expr, error) {
	if s.at == len(s.text) {
		return expr{}, errEnds
	}
	switch c := s.text[s.at]; c {
	case '(':
		if depth == mostDepth {
			return expr{}, fmt.Errorf("lists lie more than %d deep", mostDepth)
		}
		s.at++
		e := expr{deep: true}
		for {
			s.blank()
			if s.at < len(s.text) && s.text[s.at] == ')' {
				s.at++
				return e, nil
			}
			sub, err := s.expr(depth + 1)
			if err != nil {
				return expr{}, err
			}
			e.list = append(e.list, sub)
		}
	case ')':
		return expr{}, errors.New("a list ends that did not begin")
	case '\'', '"':
		return s.quoted(c)
	}
	start := s.at
	for s.at < len(s.text) && strings.IndexByte("()'\" \t\r\n", s.text[s.at]) < 0 {
		s.at++
	}
	return expr{atom: s.text[start:s.at]}, nil
}

// quoted reads an atom in quotes; a backslash takes the next octet as it is.
func (s *sxp) quoted(quote byte) (expr, error) {
	var b strings.Builder
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == quote:
			s.at++
			return expr{atom: b.String()}, nil
		case c == '\\' && s.at+1 < len(s.text):
			s.at++
			b.WriteByte(s.text[s.at])
		default:
			b.WriteByte(c)
		}
	}
	return expr{}, errEnds
}
