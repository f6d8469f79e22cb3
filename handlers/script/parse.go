package script

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leasehold/leasehold/actors/check"
)

// Limits of a file. They are far above any use and below any harm.
const (
	MaxBytes     = 256 << 10 // length of the file
	maxNodes     = 20_000    // keys and values visited, an alias counting each time it is used
	maxNesting   = 30        // steps within steps
	maxWait      = 24 * time.Hour
	maxRetries   = 100
	maxProblems  = 200
	defaultPause = time.Second
)

// A Problem is one thing wrong with a file.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // from 1; 0 when the whole file is meant
	Text string `json:"text"`
}

// String prints the problem on one line, as compilers do.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Problems is the error of Parse: everything wrong, in the order of the file.
type Problems []Problem

// Error prints one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// reader walks one document and collects what is wrong with it.
type reader struct {
	file     string
	problems Problems
	nodes    int
	script   *Script
}

func (r *reader) bad(line int, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{r.file, line, fmt.Sprintf(format, args...)})
	}
}

// Parse reads a script. Name is what messages call the file. The error, if there is one,
// is Problems.
func Parse(name string, data []byte) (*Script, error) {
	r := &reader{file: name, script: &Script{On: OnMachine}}
	if root := r.document(data); root != nil {
		r.read(root)
		r.check()
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, r.problems
	}
	return r.script, nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// document parses data and gives its one root node, or reports why not.
func (r *reader) document(data []byte) (root *yaml.Node) {
	if len(data) > MaxBytes {
		r.bad(0, "the file has %d bytes, more than the limit of %d", len(data), MaxBytes)
		return nil
	}
	// The YAML library panics on a few malformed comments. That is bad input like any
	// other.
	defer func() {
		if p := recover(); p != nil {
			r.bad(0, "not YAML: %v", p)
			root = nil
		}
	}()
	d := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	err := d.Decode(&doc)
	if err == nil {
		if err = d.Decode(&more); err == nil {
			r.bad(more.Line, "a second document starts here; the file must hold one")
			return nil
		}
	} else if errors.Is(err, io.EOF) {
		r.bad(0, "the file is empty; a script starts with version: %d", Version)
		return nil
	}
	if !errors.Is(err, io.EOF) {
		text := err.Error()
		m, line := yamlLine.FindStringSubmatch(text), 0
		if m != nil {
			line, _ = strconv.Atoi(m[1])
			text = text[len(m[0]):]
		}
		r.bad(line, "not YAML: %s", text)
		return nil
	}
	if len(doc.Content) != 1 {
		r.bad(0, "the file holds no document")
		return nil
	}
	return doc.Content[0]
}

// node follows an alias and counts; nil past the limit.
func (r *reader) node(n *yaml.Node) *yaml.Node {
	if r.nodes++; r.nodes > maxNodes {
		if r.nodes == maxNodes+1 {
			r.bad(n.Line, "more than %d keys and values, aliases counted each time", maxNodes)
		}
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// block is the keys of a mapping. Keys are known by being asked for; done reports the
// others.
type block struct {
	r     *reader
	line  int
	keys  []string
	lines map[string]int
	vals  map[string]*yaml.Node
	asked []string
}

// block reads n as a mapping; nil when it is none, which is reported.
func (r *reader) block(n *yaml.Node, what string) *block {
	line := n.Line
	if n = r.node(n); n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.bad(line, "%s must be a block of keys, not %s", what, kindOf(n))
		return nil
	}
	b := &block{r: r, line: n.Line, lines: map[string]int{}, vals: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch first, twice := b.lines[k.Value]; {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || k.Value == "":
			r.bad(k.Line, "a key must be a plain word")
		case twice:
			r.bad(k.Line, "%s is given twice; the first is on line %d", k.Value, first)
		default:
			b.keys = append(b.keys, k.Value)
			b.lines[k.Value], b.vals[k.Value] = k.Line, n.Content[i+1]
		}
	}
	return b
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a block of keys"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%.60q", n.Value)
}

// get asks for a key; nil when it is absent.
func (b *block) get(key string) *yaml.Node {
	b.asked = append(b.asked, key)
	return b.vals[key]
}

// has reports whether a key is there; it does not count as asking.
func (b *block) has(key string) bool { return b.vals[key] != nil }

// done reports every key that nobody asked for.
func (b *block) done(what string) {
	for _, k := range b.keys {
		if !slices.Contains(b.asked, k) {
			b.r.bad(b.lines[k], "%s has no key %q%s", what, k, meant(k, b.asked))
		}
	}
}

// scalar is a value as it is written.
func (r *reader) scalar(n *yaml.Node, what string) (string, bool) {
	line := n.Line
	if n = r.node(n); n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.bad(line, "%s must be a text, not %s", what, kindOf(n))
		return "", false
	}
	if len(n.Value) > maxText {
		r.bad(line, "%s is longer than %d octets", what, maxText)
		return "", false
	}
	if strings.ContainsRune(n.Value, 0) {
		r.bad(line, "%s holds a NUL", what)
		return "", false
	}
	return n.Value, true
}

// str is the text of a key, def when it is absent.
func (b *block) str(key, def string) string {
	n := b.get(key)
	if n == nil {
		return def
	}
	s, _ := b.r.scalar(n, key)
	return s
}

// text is a key's value with variables in it.
func (b *block) text(key string) (t Text) {
	if n := b.get(key); n != nil {
		t = b.r.text(n, key)
	}
	return t
}

func (r *reader) text(n *yaml.Node, what string) Text {
	s, ok := r.scalar(n, what)
	if !ok {
		return Text{}
	}
	t, err := parseText(s)
	if err != nil {
		r.bad(n.Line, "%s: %v", what, err)
	}
	return t
}

// word is a key's value out of some words; def when it is absent.
func (b *block) word(key, def string, words ...string) string {
	s := b.str(key, def)
	if s != def && s != "" && !slices.Contains(words, s) {
		b.r.bad(b.lines[key], "%s cannot be %q%s", key, s, meant(s, words))
		return def
	}
	return s
}

// flag is true or false; false when the key is absent.
func (b *block) flag(key string) bool { return b.word(key, "false", "true") == "true" }

// number is a whole number between two; def when the key is absent.
func (b *block) number(key string, def, least, most int) int {
	s := b.str(key, "")
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		b.r.bad(b.lines[key], "%s must be a whole number from %d to %d, not %.40q", key, least, most, s)
		return def
	}
	return n
}

// span is a length of time; def when the key is absent.
func (b *block) span(key string, def time.Duration) time.Duration {
	s := b.str(key, "")
	if s == "" {
		return def
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxWait {
		b.r.bad(b.lines[key], "%s must be a time from 0s to %s such as 30s, not %.40q", key, maxWait, s)
		return def
	}
	return d
}

// list is the items of a key.
func (b *block) list(key string) []*yaml.Node {
	n := b.get(key)
	if n == nil {
		return nil
	}
	line := n.Line
	if n = b.r.node(n); n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		b.r.bad(line, "%s must be a list, not %s", key, kindOf(n))
		return nil
	}
	return n.Content
}

// args is a command as a list of its arguments.
func (b *block) args(key string) (out []Text) {
	if n := b.vals[key]; n != nil && n.Kind == yaml.ScalarNode {
		b.asked = append(b.asked, key)
		b.r.bad(n.Line, "%s is a list of arguments, as in [ls, /srv]; shell: takes a text for a shell", key)
		return nil
	}
	items := b.list(key)
	if b.has(key) && b.vals[key].Kind == yaml.SequenceNode && len(items) == 0 {
		b.r.bad(b.lines[key], "%s names no program", key)
	}
	for _, n := range items {
		out = append(out, b.r.text(n, "an argument"))
	}
	return out
}

// named is the names and values of a key, in order.
func (b *block) named(key string) (out []Named) {
	n := b.get(key)
	if n == nil {
		return nil
	}
	in := b.r.block(n, key)
	if in == nil {
		return nil
	}
	for _, k := range in.keys {
		out = append(out, Named{Line: in.lines[k], Name: k, Value: in.text(k)})
	}
	return out
}

// meant is the end of a message about an unknown word.
func meant(word string, known []string) string {
	if near := check.Perhaps(word, known); near != "" || len(known) == 0 {
		return near
	}
	return "; there are: " + strings.Join(slices.Compact(slices.Sorted(slices.Values(known))), ", ")
}
