package ant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/handlers/script"
)

// action is what a target is called in a script.
func action(target string) string {
	if slices.Contains(script.Actions, target) || strings.HasPrefix(target, "modify.") && len(target) < 60 {
		return target
	}
	return "." + target
}

// line writes one line of steps, indented.
func (m *importer) line(depth int, format string, args ...any) {
	m.b.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&m.b, format, args...)
	m.b.WriteByte('\n')
}

// target writes one action.
func (m *importer) target(e *element) {
	m.line(1, "%s: # line %d", quote(action(e.attrs["name"])), e.line)
	m.line(2, "steps:")
	before := m.b.Len()
	seen := map[string]bool{}
	for _, d := range strings.FieldsFunc(e.attr("depends"), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		if m.targets[d] == nil {
			m.lost(3, e.line, "the target %s, on which %s depends and which is not in this file", d, e.attrs["name"])
			continue
		}
		m.line(3, "- {call: %s}", quote(action(d)))
		for _, x := range m.below(d, map[string]bool{}) {
			if seen[x] {
				m.note(e.line, false, "%s comes to %s in two ways; Ant runs it once, the script each time", e.attrs["name"], x)
			}
			seen[x] = true
		}
	}
	when, ok := m.asked(e)
	if e.attr("name"); !ok {
		m.lost(3, e.line, "the target %s, whose if or unless names no property", e.attrs["name"])
	} else if len(when) > 0 && len(e.kids) > 0 {
		m.line(3, "- when: %s", quote(strings.Join(when, " and ")))
		m.line(4, "steps:")
		m.tasks(e.kids, 5)
	} else {
		m.tasks(e.kids, 3)
	}
	m.rest(e)
	if m.b.Len() == before {
		m.line(3, "[]")
	}
}

// below are a target and all that it depends on.
func (m *importer) below(target string, seen map[string]bool) (out []string) {
	e := m.targets[target]
	if e == nil || seen[target] {
		return nil
	}
	seen[target] = true
	out = append(out, target)
	for _, d := range strings.FieldsFunc(e.attrs["depends"], func(r rune) bool { return r == ',' || r == ' ' }) {
		out = append(out, m.below(d, seen)...)
	}
	return out
}

// asked is what the attributes if and unless of a target or task ask for; false if one
// of them is no name of a property.
func (m *importer) asked(e *element) (when []string, ok bool) {
	ok = true
	for _, a := range []struct{ attr, asks string }{{"if", "defined "}, {"unless", "not defined "}} {
		v := e.attr(a.attr)
		if v == "" {
			continue
		}
		if !word(strings.TrimSuffix(strings.TrimPrefix(v, "${"), "}")) {
			ok = false
			continue
		}
		when = append(when, a.asks+m.name(v))
	}
	return when, ok
}

// name is a name that a condition uses.
func (m *importer) name(n string) string {
	n = strings.TrimSuffix(strings.TrimPrefix(n, "${"), "}")
	m.used[n] = true
	return "${" + n + "}"
}

// lost writes a step that fails in the place of something that is not understood.
func (m *importer) lost(depth, line int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.note(line, true, "%s", text)
	m.line(depth, "- {fail: %s}", quote("line "+strconv.Itoa(line)+" of the Ant file could not be imported: "+strings.ReplaceAll(text, "$", "$$")))
}

func (m *importer) tasks(list []*element, depth int) {
	for _, e := range list {
		m.task(e, depth)
	}
}

// task writes the steps of one task.
func (m *importer) task(e *element, depth int) {
	before := m.losses()
	defer func() {
		// Of a task that is lost nothing more is told: its attributes may be secret.
		if m.losses() == before {
			m.rest(e)
		}
	}()
	switch e.name {
	case "echo":
		m.echo(e, depth)
	case "exec":
		m.exec(e, depth)
	case "ssh", "sshexec":
		m.ssh(e, depth)
	case "scp":
		m.scp(e, depth)
	case "property":
		m.setProperty(e, depth)
	case "sequential", "then":
		m.block(e, "steps", e.kids, depth)
	case "parallel":
		m.block(e, "parallel", e.kids, depth)
	case "condition":
		m.condition(e, depth)
	case "if":
		m.branch(e, depth)
	case "antcall":
		m.call(e, depth)
	case "fail":
		m.fail(e, depth)
	case "sleep":
		m.sleep(e, depth)
	case "mkdir":
		m.plain(e, depth, []string{"mkdir", "-p", "--", e.attr("dir")})
	case "chmod":
		m.plain(e, depth, []string{"chmod", "--", e.attr("perm"), e.attr("file")})
	case "delete":
		if f := e.attr("file"); f != "" {
			m.plain(e, depth, []string{"rm", "-f", "--", f})
		} else {
			m.plain(e, depth, []string{"rm", "-rf", "--", e.attr("dir")})
		}
	case "copy":
		to := e.attr("tofile")
		if to == "" {
			to = e.attr("todir")
		}
		m.plain(e, depth, []string{"cp", "--", e.attr("file"), to})
	default:
		m.lost(depth, e.line, "the task %s", e.name)
	}
}

// losses is how much is lost so far.
func (m *importer) losses() (n int) {
	for _, x := range m.notes {
		if x.Lost {
			n++
		}
	}
	return n
}

// plainWord is what a shell takes for one word and nothing else.
const plainWord = "[A-Za-z0-9_.:/@%+,=-]*"

// guard writes steps that refuse what a shell's text must not be made of. In Ant values
// become a part of the text; whoever chooses one would choose the command.
func (m *importer) guard(text string, line, depth int) {
	var seen []string
	for rest := text; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			break
		}
		rest = rest[i:]
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			break
		}
		if n := ref(rest[:end+1]); n != "" && !slices.Contains(seen, n) {
			seen = append(seen, n)
			m.used[n] = true
			m.line(depth, "- {fail: %s, when: %s}", quote(n+" holds what a shell would not take for one word"), quote("not (${"+n+"} matches '"+plainWord+"')"))
		}
		rest = rest[end:]
	}
	if len(seen) > 0 {
		m.note(line, false, "%s stand in a shell's text: values with more in them than letters, digits and _.:/@%%+,=- are refused", strings.Join(seen, ", "))
	}
}

// plain is a task that is one command, all of whose arguments have to be there.
func (m *importer) plain(e *element, depth int, args []string) {
	if slices.Contains(args, "") || len(e.kids) > 0 {
		m.lost(depth, e.line, "the task %s in this form", e.name)
		return
	}
	m.line(depth, "- run: %s # line %d", m.list(args), e.line)
}

// list is arguments, which are values of Ant.
func (m *importer) list(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = quote(m.text(a))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (m *importer) echo(e *element, depth int) {
	if e.has("file") {
		m.lost(depth, e.line, "an echo into a file")
		return
	}
	text := e.attr("message")
	if text == "" {
		text = strings.TrimSpace(e.text)
	}
	e.attr("level")
	m.line(depth, "- echo: %s # line %d", quote(m.text(text)), e.line)
}

// yes reports whether a switch of Ant is on.
func yes(s string) bool { s = strings.ToLower(s); return s == "true" || s == "yes" || s == "on" }

func (m *importer) exec(e *element, depth int) {
	if yes(e.attrs["spawn"]) || e.has("output") || e.has("input") || e.has("os") || e.has("osfamily") {
		m.lost(depth, e.line, "an exec with spawn, output, input or os")
		return
	}
	for _, a := range []string{"spawn", "vmlauncher", "searchpath", "resolveexecutable", "logError", "failifexecutionfails"} {
		e.attr(a)
	}
	var args, pre []string
	if dir := e.attr("dir"); dir != "" {
		pre = append(pre, "--chdir="+dir)
	}
	args = append(args, e.attr("executable"))
	for _, k := range e.kids {
		switch {
		case k.name == "arg" && k.has("value"):
			args = append(args, k.attr("value"))
		case k.name == "arg" && (k.has("file") || k.has("path")):
			args = append(args, k.attr("file")+k.attr("path"))
		case k.name == "arg" && k.has("line") && !strings.ContainsAny(k.attrs["line"], `"'`):
			args = append(args, strings.Fields(k.attr("line"))...)
		case k.name == "env" && k.has("value"):
			pre = append(pre, k.attr("key")+"="+k.attr("value"))
		default:
			m.lost(depth, e.line, "an exec with %s in this form", k.name)
			return
		}
	}
	if args[0] == "" {
		m.lost(depth, e.line, "an exec that names no program")
		return
	}
	if shell := args[0][strings.LastIndexByte(args[0], '/')+1:]; slices.Contains([]string{"sh", "bash", "dash", "ksh"}, shell) {
		for i, a := range args[:len(args)-1] {
			if strings.HasPrefix(a, "-") && strings.HasSuffix(a, "c") {
				m.guard(args[i+1], e.line, depth)
			}
		}
	}
	if len(pre) > 0 {
		args = append(append([]string{"env"}, pre...), args...)
	}
	m.line(depth, "- run: %s # line %d", m.list(args), e.line)
	if in := e.attr("inputstring"); in != "" {
		m.line(depth+1, "stdin: %s", quote(m.text(in)))
	}
	m.outcome(e, depth, yes(e.attr("failonerror")))
}

// outcome is what a command's end means, and what is kept of it.
func (m *importer) outcome(e *element, depth int, fails bool) {
	if ms, err := strconv.Atoi(e.attr("timeout")); err == nil && ms > 0 {
		m.line(depth+1, "timeout: %dms", ms)
	}
	var save []string
	keep := func(attr, what string) {
		n := e.attr(attr)
		switch {
		case n == "":
		case !word(n):
			m.note(e.line, true, "the property %.60q of %s", n, attr)
		default:
			m.set[n] = true
			save = append(save, quote(n)+": "+what)
		}
	}
	if e.has("outputproperty") && !e.has("errorproperty") && e.name == "exec" {
		m.note(e.line, false, "outputproperty has what the command prints to its standard output, and not its errors too")
	}
	keep("outputproperty", "stdout")
	keep("errorproperty", "stderr")
	keep("resultproperty", "code")
	if len(save) > 0 {
		m.line(depth+1, "save: {%s}", strings.Join(save, ", "))
	}
	if !fails {
		m.line(depth+1, "ok: any # Ant goes on whatever its code")
	}
}

// remote is the options of ssh and scp for a task.
func (m *importer) remote(e *element, port string) (opts []string, ok bool) {
	if e.has("password") || e.has("passphrase") {
		return nil, false
	}
	opts = append(opts, "-o", "BatchMode=yes")
	if yes(e.attr("trust")) {
		m.note(e.line, false, "trust: host keys are not checked, as before; better pin them and remove the option")
		opts = append(opts, "-o", "StrictHostKeyChecking=no")
	}
	if k := e.attr("keyfile"); k != "" {
		opts = append(opts, "-i", k)
	}
	if k := e.attr("knownhosts"); k != "" {
		opts = append(opts, "-o", "UserKnownHostsFile="+k)
	}
	if p := e.attr("port"); p != "" {
		opts = append(opts, port, p)
	}
	return opts, true
}

func (m *importer) ssh(e *element, depth int) {
	opts, ok := m.remote(e, "-p")
	if !ok || !e.has("host") || !e.has("command") || len(e.kids) > 0 {
		m.lost(depth, e.line, "an %s with a password, without a host or without a command", e.name)
		return
	}
	to := e.attr("host")
	if u := e.attr("username"); u != "" {
		to = u + "@" + to
	}
	m.guard(e.attrs["command"], e.line, depth)
	m.line(depth, "- run: %s # line %d", m.list(append(append([]string{"ssh"}, opts...), "--", to, e.attr("command"))), e.line)
	fails := true
	if e.has("failonerror") {
		fails = yes(e.attr("failonerror"))
	}
	m.outcome(e, depth, fails)
}

func (m *importer) scp(e *element, depth int) {
	opts, ok := m.remote(e, "-P")
	from, to := e.attr("file"), e.attr("todir")+e.attr("tofile")+e.attr("remoteTodir")+e.attr("remoteTofile")
	if !ok || from == "" || to == "" || len(e.kids) > 0 || strings.Contains(from+to, ":") && strings.Contains(strings.SplitN(from+to, "@", 2)[0], ":") {
		m.lost(depth, e.line, "an scp with a password or with sets of files")
		return
	}
	m.line(depth, "- run: %s # line %d", m.list(append(append([]string{"scp"}, opts...), "--", from, to)), e.line)
}

// setProperty is a property that a target sets, unless it is set already. Those by which a
// handler reports become what they mean (leasing 5.4).
func (m *importer) setProperty(e *element, depth int) {
	n, value := e.attr("name"), e.attrs["value"]
	if n == "" || !word(n) || !e.has("value") {
		m.lost(depth, e.line, "a property that is no name and value (%s)", strings.Join(attrs(e, n), ", "))
		return
	}
	e.attr("value")
	m.assign(n, value, "", e.line, depth)
}

// assign writes the step that gives a property its value when a condition holds.
func (m *importer) assign(n, value, when string, line, depth int) {
	text := m.text(value)
	and := func(more string) string {
		if when == "" {
			return more
		}
		return more + " and (" + when + ")"
	}
	for _, prefix := range []string{"shirako.save.", "shirako.update."} {
		if x, ok := strings.CutPrefix(n, prefix); ok {
			if !strings.HasPrefix(x, "unit.") {
				m.note(line, false, "%s: only names that begin with unit. are kept with a unit", n)
			}
			m.set[x] = true
			m.line(depth, "- set: {%s: %s} # line %d", quote(x), quote(text), line)
			if when != "" {
				m.line(depth+1, "when: %s", quote(when))
			}
			return
		}
	}
	switch n {
	case "shirako.target.code":
		switch code, err := strconv.Atoi(value); {
		case err == nil && code == 0: // as if nothing were said
			return
		case err == nil:
			m.line(depth, "- {fail: %s, code: %d%s} # line %d", quote("the handler ends with "+value), code, clause(when), line)
		case ref(value) != "":
			m.used[ref(value)] = true
			m.note(line, false, "shirako.target.code: any value but 0 fails with the code 1, and the value in its message")
			m.line(depth, "- {fail: %s%s} # line %d", quote("the handler ends with "+text), clause(and("${"+ref(value)+"} != '0'")), line)
		default:
			m.lost(depth, line, "the result %.60s", value)
		}
		return
	case "shirako.target.code.message":
		m.line(depth, "- {echo: %s%s} # line %d", quote(text), clause(when), line)
		return
	}
	m.set[n] = true
	m.line(depth, "- set: {%s: %s} # line %d", quote(n), quote(text), line)
	m.line(depth+1, "when: %s", quote(and("not defined ${"+n+"}")))
}

func clause(when string) string {
	if when == "" {
		return ""
	}
	return ", when: " + quote(when)
}

// ref is the name of a value that is one variable and nothing else.
func ref(value string) string {
	n, ok := strings.CutPrefix(value, "${")
	n, end := strings.CutSuffix(n, "}")
	if !ok || !end || !word(n) {
		return ""
	}
	return n
}

func (m *importer) block(e *element, kind string, kids []*element, depth int) {
	if len(kids) == 0 {
		return
	}
	m.line(depth, "- %s: # line %d", kind, e.line)
	if kind == "steps" {
		m.inside(kids, depth+2)
		return
	}
	for _, k := range kids { // a task may become several steps, which stay one after another
		m.line(depth+2, "- steps:")
		m.inside([]*element{k}, depth+4)
	}
}

// inside writes the steps of a list, which may be none.
func (m *importer) inside(kids []*element, depth int) {
	before := m.b.Len()
	if m.tasks(kids, depth); m.b.Len() == before {
		m.line(depth, "[]")
	}
}

func (m *importer) call(e *element, depth int) {
	t := e.attr("target")
	if m.targets[t] == nil {
		m.lost(depth, e.line, "a call of the target %.60q, which is not in this file", t)
		return
	}
	for _, k := range e.kids {
		if k.name != "param" || !word(k.attrs["name"]) || !k.has("value") {
			m.lost(depth, e.line, "an antcall with %s", k.name)
			return
		}
		m.note(k.line, false, "antcall: %s keeps its value after the call", k.attrs["name"])
		m.set[k.attrs["name"]] = true
		m.line(depth, "- set: {%s: %s} # line %d", quote(k.attrs["name"]), quote(m.text(k.attrs["value"])), k.line)
	}
	e.attr("inheritAll")
	e.attr("inheritRefs")
	m.line(depth, "- call: %s # line %d", quote(action(t)), e.line)
}

func (m *importer) fail(e *element, depth int) {
	text := e.attr("message")
	if text == "" {
		text = strings.TrimSpace(e.text)
	}
	if len(e.kids) > 0 {
		m.lost(depth, e.line, "a fail with a condition inside")
		return
	}
	when, ok := m.asked(e)
	if !ok {
		m.lost(depth, e.line, "a fail whose if or unless names no property")
		return
	}
	code := ""
	if n, err := strconv.Atoi(e.attr("status")); err == nil && n != 0 {
		code = fmt.Sprintf(", code: %d", n)
	}
	if text == "" {
		text = "No message"
	}
	m.line(depth, "- {fail: %s%s%s} # line %d", quote(m.text(text)), code, clause(strings.Join(when, " and ")), e.line)
}

func (m *importer) sleep(e *element, depth int) {
	var ms int
	for unit, each := range map[string]int{"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000} {
		if !e.has(unit) {
			continue
		}
		n, err := strconv.Atoi(e.attr(unit))
		if err != nil || n < 0 || n > 1_000_000 {
			m.lost(depth, e.line, "a sleep whose length is not a number")
			return
		}
		ms += n * each
	}
	m.line(depth, "- run: [sleep, %s] # line %d", quote(strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)), e.line)
}
