/*
Package ant turns the handler files of deployed actors, which are Ant build files, into action
scripts.

The common tasks become steps: exec, sshexec, scp, property, echo, fail, sleep, sequential, parallel,
condition, if, antcall, mkdir, delete, copy, chmod; a target's depends, if and unless; and the
properties by which a handler reports its result (leasing 5.4). What is not understood is told,
by line, and becomes a step that fails: an imported script never does less than its
original without a word.
*/
package ant

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/handlers/script"
)

// Limits of a file.
const (
	maxBytes    = 1 << 20
	maxElements = 20_000
	maxDepth    = 60
)

// A Note is something about an import that people should know.
type Note struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Lost bool   `json:"lost"` // it is not in the script; else it is there with a difference
}

// element is one element of a build file.
type element struct {
	name  string
	line  int
	attrs map[string]string
	text  string
	kids  []*element
}

// attr is an attribute, and counts as looked at.
func (e *element) attr(name string) string {
	v := e.attrs[name]
	delete(e.attrs, name)
	return v
}

// has reports whether an attribute is given.
func (e *element) has(name string) bool { _, ok := e.attrs[name]; return ok }

// parse reads a build file into elements.
func parse(data []byte) (*element, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%d octets are more than the limit of %d", len(data), maxBytes)
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "us-ascii", "ascii":
			return in, nil
		case "iso-8859-1", "latin1":
			text, err := io.ReadAll(in)
			var b strings.Builder
			for _, c := range text {
				b.WriteRune(rune(c))
			}
			return strings.NewReader(b.String()), err
		}
		return nil, fmt.Errorf("the encoding %.40q is not read here", label)
	}
	var root *element
	var open []*element
	for n := 0; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := d.InputPos()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if n++; n > maxElements || len(open) >= maxDepth {
				return nil, fmt.Errorf("line %d: more than %d elements, or %d within one another", line, maxElements, maxDepth)
			}
			e := &element{name: t.Name.Local, line: line, attrs: map[string]string{}}
			for _, a := range t.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				open[len(open)-1].kids = append(open[len(open)-1].kids, e)
			} else if root == nil {
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		case xml.Directive:
			return nil, fmt.Errorf("line %d: a document type is not read", line)
		}
	}
	if root == nil || root.name != "project" {
		return nil, errors.New("it is no Ant build file: its first element is not project")
	}
	return root, nil
}

// importer makes a script.
type importer struct {
	notes   []Note
	targets map[string]*element
	order   []string
	vars    []string          // of the project, in order
	values  map[string]string // their defaults, as texts of a script
	given   map[string]bool   // variables with a default
	used    map[string]bool   // names that texts use
	set     map[string]bool   // names that steps set
	b       strings.Builder
}

func (m *importer) note(line int, lost bool, format string, args ...any) {
	m.notes = append(m.notes, Note{line, fmt.Sprintf(format, args...), lost})
}

// Import turns a build file into an action script. The error says that it is none; what
// could not be taken over is in the notes. The script is one that script.Parse takes.
func Import(name string, data []byte) (yaml []byte, notes []Note, err error) {
	root, err := parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	m := &importer{targets: map[string]*element{}, values: map[string]string{}, given: map[string]bool{}, used: map[string]bool{}, set: map[string]bool{}}
	m.project(root)
	var steps strings.Builder
	for _, t := range m.order {
		m.b.Reset()
		m.target(m.targets[t])
		steps.WriteString(m.b.String())
	}
	out := m.frame(name, root, steps.String())
	slices.SortStableFunc(m.notes, func(a, b Note) int { return a.Line - b.Line })
	if _, err := script.Parse(name, out); err != nil {
		return out, m.notes, fmt.Errorf("%s: it becomes a script with mistakes in it, which is one of ours: %w", name, err)
	}
	return out, m.notes, nil
}

// project takes the parts of the file that are no tasks of a target.
func (m *importer) project(root *element) {
	for _, e := range root.kids {
		switch e.name {
		case "description":
		case "property":
			m.property(e)
		case "target", "extension-point":
			n := e.attrs["name"]
			if n == "" || !word(n) {
				m.note(e.line, true, "a target with the name %.40q", n)
				continue
			}
			if m.targets[n] != nil {
				m.note(e.line, true, "the target %s, which is there already", n)
				continue
			}
			m.targets[n] = e
			m.order = append(m.order, n)
		default:
			m.note(e.line, true, "%s outside of targets", e.name)
		}
	}
}

// property is one of the project: what is given from outside counts more, as in Ant.
func (m *importer) property(e *element) {
	n := e.attr("name")
	if n == "" || !word(n) || !e.has("value") {
		m.note(e.line, true, "a property that is no name and value (%s)", strings.Join(attrs(e, n), ", "))
		return
	}
	if _, twice := m.values[n]; twice {
		return // the first counts
	}
	m.vars = append(m.vars, n)
	m.values[n], m.given[n] = m.text(e.attr("value")), true
	m.rest(e)
}

func attrs(e *element, name string) []string {
	out := []string{}
	if name != "" {
		out = append(out, "name="+name)
	}
	for k, v := range e.attrs {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// rest tells of attributes that nobody looked at.
func (m *importer) rest(e *element) {
	for _, a := range attrs(e, "") {
		if !strings.HasPrefix(a, "description=") && !strings.HasPrefix(a, "taskname=") && !strings.HasPrefix(a, "id=") {
			m.note(e.line, false, "%s: %.100s has no counterpart and is left out", e.name, a)
		}
	}
}

// word reports whether s is a name in a script too.
func word(s string) bool {
	_, err := script.Expand("${"+s+":-}", func(string) (string, bool) { return "", false })
	return err == nil && s != ""
}

// text is a value of Ant as a text of a script, which writes variables the same way.
func (m *importer) text(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		if end := strings.IndexByte(s, '}'); strings.HasPrefix(s, "${") && end > 0 && word(s[2:end]) {
			m.used[s[2:end]] = true
			b.WriteString(s[:end+1])
			s = s[end+1:]
			continue
		}
		b.WriteString("$$")
		if s = s[1:]; strings.HasPrefix(s, "$") { // Ant's own way to write one
			s = s[1:]
		}
	}
	return b.String()
}

// frame puts the script together: the head, the variables, and the actions.
func (m *importer) frame(name string, root *element, actions string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Imported from %s.\nversion: %d\n", quote(name), script.Version)
	doc := ""
	for _, e := range root.kids {
		if e.name == "description" {
			doc = strings.Join(strings.Fields(e.text), " ")
		}
	}
	if doc != "" {
		fmt.Fprintf(&b, "doc: %s\n", quote(doc))
	}
	b.WriteString("on: local\n")
	// A variable that is used and that nothing sets comes from the unit, if at all.
	var free []string
	for n := range m.used {
		if !m.given[n] && !m.set[n] && !strings.Contains(n, ".") {
			free = append(free, n)
		}
	}
	slices.Sort(free)
	m.ordered()
	if len(m.vars)+len(free) > 0 {
		b.WriteString("variables:\n")
	}
	for _, n := range free {
		fmt.Fprintf(&b, "  %s: {from: %s}\n", quote(n), quote(n))
	}
	for _, n := range m.vars {
		fmt.Fprintf(&b, "  %s: {from: %s, default: %s}\n", quote(n), quote(n), quote(m.values[n]))
	}
	if actions == "" {
		actions = "  setup: []\n"
	}
	return []byte(b.String() + "actions:\n" + actions)
}

// ordered leaves out of defaults what comes later or never, as Ant does.
func (m *importer) ordered() {
	before := map[string]bool{}
	for _, n := range m.vars {
		v := m.values[n]
		for _, other := range m.vars {
			if !before[other] && strings.Contains(v, "${"+other+"}") {
				v = strings.ReplaceAll(v, "${"+other+"}", "$${"+other+"}")
			}
		}
		m.values[n] = v
		before[n] = true
	}
}

// quote writes a text so that every reader of YAML takes it for the same.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "?") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r >= 0xd800 && r < 0xe000 || r > 0xfffd && r < 0x10000:
			fmt.Fprintf(&b, `\x3f`) // a question mark for what no file should hold
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
