package config

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leasehold/leasehold/actors/check"
)

// Limits of a configuration file.
const (
	MaxBytes = 1 << 20 // length of the file
	MaxNodes = 100_000 // keys and values visited, an alias counting each time it is used
)

// maxProblems bounds a report; nobody reads more.
const maxProblems = 200

// reader walks one document and collects what is wrong with it.
type reader struct {
	file     string
	problems Problems
	nodes    int
	places   map[string]place // where each path was read, for checks made later
	certs    []dated          // of our actors and their peers
}

type place struct{ line, col int }

// add reports a problem at a path; the nearest enclosing path that was read
// gives the place.
func (r *reader) add(path, hint, format string, args ...any) {
	at := r.places[path]
	for p := path; at == (place{}) && p != ""; at = r.places[p] {
		p = p[:max(strings.LastIndexAny(p, ".["), 0)]
	}
	r.addAt(at, path, hint, format, args...)
}

func (r *reader) addAt(at place, path, hint, format string, args ...any) {
	if len(r.problems) >= maxProblems {
		return
	}
	r.problems = append(r.problems, Problem{
		File: r.file, Line: at.line, Col: at.col, Path: path,
		Text: fmt.Sprintf(format, args...), Hint: hint,
	})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// document parses data and gives its one root node, or reports why not.
func (r *reader) document(data []byte) (root value, ok bool) {
	if len(data) > MaxBytes {
		r.add("", "", "the file has %d bytes, more than the limit of %d", len(data), MaxBytes)
		return root, false
	}
	// The YAML library panics on a few malformed comments. That is bad input like
	// any other.
	defer func() {
		if p := recover(); p != nil {
			r.add("", "", "not YAML: %v", p)
			ok = false
		}
	}()
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err == io.EOF {
		r.add("", "start with version: 1, or let leasehold init write one", "the file is empty")
		return root, false
	} else if err != nil {
		r.syntax(err)
		return root, false
	}
	if err := dec.Decode(&more); err == nil {
		r.places[""] = place{more.Line, max(more.Column, 1)}
		r.add("", "", "a second document starts here; the file must hold one")
		return root, false
	} else if err != io.EOF {
		r.syntax(err)
		return root, false
	}
	if len(doc.Content) != 1 {
		r.add("", "", "the file holds no document")
		return root, false
	}
	return r.value(doc.Content[0], ""), true
}

// syntax reports what the YAML library said, with its line in our place.
func (r *reader) syntax(err error) {
	text := err.Error()
	m := yamlLine.FindStringSubmatch(text)
	p := Problem{File: r.file, Text: "not YAML: " + text}
	if m != nil {
		p.Text = "not YAML: " + text[len(m[0]):]
		if p.Line, _ = strconv.Atoi(m[1]); p.Line > 0 {
			p.Col = 1
		}
	}
	r.problems = append(r.problems, p)
}

// value is one node with the path that leads to it.
type value struct {
	r    *reader
	n    *yaml.Node // nil when the key is absent
	path string
}

// value wraps n, following an alias, and notes its place. Past a limit the value
// is absent.
func (r *reader) value(n *yaml.Node, path string) value {
	line, col := n.Line, n.Column
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	r.places[path] = place{line, max(col, 1)}
	r.nodes++
	switch {
	case r.nodes == MaxNodes+1:
		r.add(path, "", "more than %d keys and values, aliases counted each time", MaxNodes)
		fallthrough
	case r.nodes > MaxNodes:
		return value{r: r, path: path}
	}
	return value{r: r, n: n, path: path}
}

func (v value) given() bool { return v.n != nil }

func (v value) bad(format string, args ...any) { v.r.add(v.path, "", format, args...) }

// kind names what v is, for messages.
func (v value) kind() string {
	switch {
	case v.n.Kind == yaml.MappingNode:
		return "a block of keys"
	case v.n.Kind == yaml.SequenceNode:
		return "a list"
	case v.n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q", v.n.Value)
}

// list calls each with every item. An absent list has none.
func (v value) list(each func(i int, item value)) {
	if !v.given() {
		return
	}
	if v.n.Kind != yaml.SequenceNode {
		v.bad("must be a list, not %s", v.kind())
		return
	}
	for i, n := range v.n.Content {
		if v.r.nodes > MaxNodes {
			return
		}
		each(i, v.r.value(n, fmt.Sprintf("%s[%d]", v.path, i)))
	}
}

// object is a block of keys. Keys are known by being asked for; done reports the
// others.
type object struct {
	value
	keys  []string // in the order of the file
	keyAt map[string]place
	vals  map[string]value
	asked []string
}

// object reads v as a block. An absent value, or one that is something else, is a
// block without keys.
func (v value) object() *object {
	o := &object{value: v, keyAt: map[string]place{}, vals: map[string]value{}}
	if !v.given() {
		return o
	}
	if v.n.Kind != yaml.MappingNode {
		v.bad("must be a block of keys, not %s", v.kind())
		o.n = nil
		return o
	}
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		k := v.n.Content[i]
		path, at := join(v.path, k.Value), place{k.Line, max(k.Column, 1)}
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || k.Value == "" {
			v.r.addAt(at, v.path, "", "a key must be a plain word")
			continue
		}
		if first, twice := o.keyAt[k.Value]; twice {
			v.r.addAt(at, path, "", "given twice; the first is on line %d", first.line)
			continue
		}
		o.keys = append(o.keys, k.Value)
		o.keyAt[k.Value] = at
		o.vals[k.Value] = v.r.value(v.n.Content[i+1], path)
	}
	return o
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// has reports whether the key was written; it does not count as asking.
func (o *object) has(key string) bool { _, ok := o.vals[key]; return ok }

// get asks for a key that may be absent.
func (o *object) get(key string) value {
	o.asked = append(o.asked, key)
	if v, ok := o.vals[key]; ok {
		return v
	}
	return value{r: o.r, path: join(o.path, key)}
}

// need asks for a key that must be there.
func (o *object) need(key string) value {
	v := o.get(key)
	if !o.has(key) && o.given() {
		v.bad("is missing")
	}
	return v
}

// done reports every key that nobody asked for.
func (o *object) done() {
	var free []string // what may still be written is the better guess
	for _, k := range o.asked {
		if !o.has(k) {
			free = append(free, k)
		}
	}
	for _, k := range o.keys {
		if slices.Contains(o.asked, k) {
			continue
		}
		hint := meant(k, o.asked)
		if near := check.Nearest(k, free); near != "" {
			hint = meant(k, free)
		}
		o.r.addAt(o.keyAt[k], join(o.path, k), hint, "unknown key")
	}
}
