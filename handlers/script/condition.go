package script

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

/*
A Condition says when a step is taken:

	or      = and { "or" and }
	and     = not { "and" not }
	not     = "not" not | "(" or ")" | "defined" name | compare
	compare = value [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "matches" ) value ]
	value   = name | 'text' | number

A name is a variable or a property; one that is absent is the empty text, and a value
alone is true unless it is empty, "0", "false" or "no". The four orderings compare numbers.
What stands after matches is a regular expression that has to fit the whole text.
*/
type Condition struct {
	text string
	root node
	vars []string // names it uses, in order
}

// Limits of a condition.
const (
	maxCondition = 2000 // octets
	maxDepth     = 50   // parentheses and nots within one another
)

// node is one part of a condition.
type node interface {
	eval(value func(string) (string, bool)) (bool, error)
}

type (
	junction struct {
		any bool // or, else and
		of  []node
	}
	negation   struct{ of node }
	definition struct{ name string }
	comparison struct {
		left, right operand
		op          string         // empty: the left value alone
		form        *regexp.Regexp // of matches
	}
	operand struct{ name, text string } // a name, or else a text
)

// Always reports whether the condition is empty.
func (c Condition) Always() bool { return c.root == nil }

// String is the condition as the file has it.
func (c Condition) String() string { return c.text }

// holds reports whether c is true of the values.
func (c Condition) holds(value func(string) (string, bool)) (bool, error) {
	if c.root == nil {
		return true, nil
	}
	return c.root.eval(value)
}

func (j junction) eval(value func(string) (string, bool)) (bool, error) {
	for _, n := range j.of {
		ok, err := n.eval(value)
		if err != nil || ok == j.any {
			return ok, err
		}
	}
	return !j.any, nil
}

func (n negation) eval(value func(string) (string, bool)) (bool, error) {
	ok, err := n.of.eval(value)
	return !ok, err
}

func (d definition) eval(value func(string) (string, bool)) (bool, error) {
	_, ok := value(d.name)
	return ok, nil
}

func (o operand) value(value func(string) (string, bool)) string {
	if o.name == "" {
		return o.text
	}
	v, _ := value(o.name)
	return v
}

func (c comparison) eval(value func(string) (string, bool)) (bool, error) {
	l := c.left.value(value)
	switch c.op {
	case "":
		return l != "" && l != "0" && l != "false" && l != "no", nil
	case "matches":
		return c.form.MatchString(l), nil
	}
	r := c.right.value(value)
	switch c.op {
	case "==":
		return l == r, nil
	case "!=":
		return l != r, nil
	}
	x, errX := strconv.ParseFloat(l, 64)
	y, errY := strconv.ParseFloat(r, 64)
	if errX != nil || errY != nil {
		return false, fmt.Errorf("%q %s %q compares what are not two numbers", l, c.op, r)
	}
	switch c.op {
	case "<":
		return x < y, nil
	case "<=":
		return x <= y, nil
	case ">":
		return x > y, nil
	}
	return x >= y, nil
}

// token is one word of a condition; text in quotes has its quote before it.
var token = regexp.MustCompile(`^\s*('[^']*'|==|!=|<=|>=|<|>|\(|\)|-?[0-9]+(?:\.[0-9]+)?\b|\$\{[A-Za-z0-9_.-]+\}|[A-Za-z_][A-Za-z0-9_.-]*)`)

// parser reads the words of a condition from left to right.
type parser struct {
	words []string
	depth int
	vars  []string
}

// parseCondition reads a condition.
func parseCondition(s string) (Condition, error) {
	if len(s) > maxCondition {
		return Condition{}, fmt.Errorf("is longer than %d octets", maxCondition)
	}
	p := &parser{}
	for rest := s; strings.TrimSpace(rest) != ""; {
		m := token.FindStringSubmatch(rest)
		if m == nil {
			return Condition{}, fmt.Errorf("is not understood at %.20q; a condition is like unit.id == 'a' and not defined user", strings.TrimSpace(rest))
		}
		p.words = append(p.words, m[1])
		rest = rest[len(m[0]):]
	}
	root, err := p.or()
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("has %q where it should end", p.words[0])
	}
	if err != nil {
		return Condition{}, err
	}
	return Condition{text: s, root: root, vars: p.vars}, nil
}

// take removes the next word if it is w.
func (p *parser) take(w string) bool {
	if len(p.words) == 0 || p.words[0] != w {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *parser) or() (node, error)  { return p.junction("or", p.and) }
func (p *parser) and() (node, error) { return p.junction("and", p.not) }

func (p *parser) junction(word string, next func() (node, error)) (node, error) {
	first, err := next()
	if err != nil {
		return nil, err
	}
	j := junction{any: word == "or", of: []node{first}}
	for p.take(word) {
		n, err := next()
		if err != nil {
			return nil, err
		}
		j.of = append(j.of, n)
	}
	if len(j.of) == 1 {
		return first, nil
	}
	return j, nil
}

func (p *parser) not() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("is nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.take("not"):
		n, err := p.not()
		return negation{n}, err
	case p.take("("):
		n, err := p.or()
		if err == nil && !p.take(")") {
			err = fmt.Errorf("has a parenthesis that is not closed")
		}
		return n, err
	case p.take("defined"):
		o, err := p.operand()
		if err == nil && o.name == "" {
			err = fmt.Errorf("wants a name after defined")
		}
		return definition{o.name}, err
	}
	return p.compare()
}

func (p *parser) compare() (node, error) {
	c := comparison{}
	var err error
	if c.left, err = p.operand(); err != nil {
		return nil, err
	}
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">", "matches"} {
		if !p.take(op) {
			continue
		}
		c.op = op
		if c.right, err = p.operand(); err != nil {
			return nil, err
		}
		if op == "matches" {
			if c.right.name != "" {
				return nil, fmt.Errorf("wants a text in quotes after matches")
			}
			if c.form, err = regexp.Compile(`^(?:` + c.right.text + `)$`); err != nil {
				return nil, fmt.Errorf("has %q, which is no regular expression", c.right.text)
			}
		}
		break
	}
	return c, nil
}

// reserved are words that name nothing.
var reserved = []string{"and", "or", "not", "defined", "matches"}

func (p *parser) operand() (operand, error) {
	if len(p.words) == 0 {
		return operand{}, fmt.Errorf("ends too early")
	}
	w := p.words[0]
	p.words = p.words[1:]
	switch {
	case w[0] == '\'':
		return operand{text: w[1 : len(w)-1]}, nil
	case w[0] == '-' || w[0] >= '0' && w[0] <= '9':
		return operand{text: w}, nil
	case strings.HasPrefix(w, "${"):
		w = w[2 : len(w)-1]
	}
	for _, r := range reserved {
		if w == r {
			return operand{}, fmt.Errorf("has %q where a value should be", w)
		}
	}
	if !named(w) {
		return operand{}, fmt.Errorf("has %q where a value should be", w)
	}
	p.vars = append(p.vars, w)
	return operand{name: w}, nil
}
