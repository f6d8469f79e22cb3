package script

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// read takes the root of a document apart.
func (r *reader) read(root *yaml.Node) {
	b := r.block(root, "a script")
	if b == nil {
		return
	}
	if v := b.str("version", ""); !b.has("version") {
		r.bad(b.line, "version is missing; write version: %d", Version)
	} else if v != strconv.Itoa(Version) {
		r.bad(b.lines["version"], "version %.20q is not one that is known; write version: %d", v, Version)
	}
	r.script.Doc = b.str("doc", "")
	r.script.On = b.word("on", OnMachine, Runners...)
	if n := b.get("variables"); n != nil {
		r.variables(n)
	}
	if n := b.get("actions"); n == nil {
		r.bad(b.line, "actions is missing: the steps of setup, teardown and so on")
	} else {
		r.actions(n)
	}
	b.done("a script")
}

func (r *reader) variables(n *yaml.Node) {
	all := r.block(n, "variables")
	if all == nil {
		return
	}
	for _, name := range all.keys {
		v := Variable{Line: all.lines[name], Name: name}
		switch n := all.vals[name]; {
		case !named(name):
			r.bad(v.Line, "%.60q cannot be the name of a variable", name)
			continue
		case n.Kind == yaml.ScalarNode:
			v.Default, v.Given = r.text(n, name), true
		default:
			b := r.block(n, "a variable")
			if b == nil {
				continue
			}
			v.Doc, v.From, v.Secret = b.str("doc", ""), b.str("from", ""), b.flag("secret")
			if v.Given = b.has("default"); v.Given {
				v.Default = b.text("default")
			}
			b.get("default")
			b.done("a variable")
			if b.has("from") && !named(v.From) {
				r.bad(b.lines["from"], "%.60q cannot be the name of a property", v.From)
			}
			if v.From == "" && !v.Given {
				r.bad(v.Line, "%s has neither a default nor a property that it is from", name)
			}
		}
		r.script.Variables = append(r.script.Variables, v)
	}
}

var modifyName = regexp.MustCompile(`^modify\.[A-Za-z0-9_.-]{1,60}$`)

func (r *reader) actions(n *yaml.Node) {
	all := r.block(n, "actions")
	if all == nil {
		return
	}
	for _, name := range all.keys {
		line := all.lines[name]
		local, isLocal := strings.CutPrefix(name, ".")
		if !slices.Contains(Actions, name) && !modifyName.MatchString(name) && !(isLocal && named(local)) {
			r.bad(line, "there is no action %.60q%s; one for call alone begins with a dot", name, meant(name, Actions))
		}
		a := Action{Line: line, Name: name}
		if n := all.vals[name]; n.Kind == yaml.SequenceNode {
			for _, s := range n.Content {
				a.Steps = append(a.Steps, r.step(s, 0))
			}
		} else if b := r.block(n, "an action"); b != nil {
			a.Timeout = b.span("timeout", 0)
			a.Steps = r.steps(b, "steps", 0)
			if !b.has("steps") {
				r.bad(line, "%s has no steps", name)
			}
			b.done("an action")
		}
		r.script.Actions = append(r.script.Actions, a)
	}
}

func (r *reader) steps(b *block, key string, depth int) (out []Step) {
	if b.vals[key] != nil && depth >= maxNesting {
		b.get(key)
		r.bad(b.lines[key], "steps are nested deeper than %d", maxNesting)
		return nil
	}
	for _, n := range b.list(key) {
		out = append(out, r.step(n, depth+1))
	}
	return out
}

// fits says which keys go with which kinds of steps; those not named go with all.
var fits = map[string][]Kind{
	"on":         {KindRun, KindShell, KindDriver},
	"timeout":    {KindRun, KindShell, KindDriver, KindAgent},
	"retry":      {KindRun, KindShell, KindDriver, KindAgent},
	"ok":         {KindRun, KindShell, KindAgent},
	"unless":     {KindRun, KindShell},
	"stdin":      {KindRun},
	"env":        {KindShell},
	"code":       {KindFail},
	"verb":       {KindDriver},
	"action":     {KindAgent},
	"object":     {KindAgent},
	"properties": {KindDriver, KindAgent},
	"save":       {KindRun, KindShell, KindDriver, KindAgent},
	"ignore":     {KindRun, KindShell, KindDriver, KindAgent, KindSteps, KindCall},
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// Verbs are what a driver can be asked for by a step.
var Verbs = []string{"setup", "teardown", "modify", "suspend", "resume", "checkpoint", "restore", "probe"}

// verb is what the steps of an action ask drivers for unless they say something else: what the
// action is for itself.
func verb(action string) string {
	switch {
	case action == "join":
		return "setup"
	case action == "leave":
		return "teardown"
	case strings.HasPrefix(action, "modify."):
		return "modify"
	case slices.Contains(Verbs, action):
		return action
	}
	return "setup" // an action for call alone, that is tried by itself
}

func (r *reader) step(n *yaml.Node, depth int) Step {
	s := Step{Line: n.Line}
	b := r.block(n, "a step")
	if b == nil {
		return s
	}
	var kinds []string
	for k, word := range keys {
		if b.has(word) {
			kinds = append(kinds, word)
			s.Kind = Kind(k)
		}
	}
	s.Name = b.str("name", "")
	if text := b.str("when", ""); b.has("when") {
		c, err := parseCondition(text)
		if err == nil && c.Always() {
			r.bad(b.lines["when"], "when is empty")
		} else if err != nil {
			r.bad(b.lines["when"], "when %v", err)
		}
		s.When = c
	}
	if len(kinds) != 1 {
		b.asked = append(b.asked, b.keys...)
		for _, k := range b.keys {
			all := slices.Concat(keys, []string{"name", "when"}, slices.Sorted(mapKeys(fits)))
			if !slices.Contains(all, k) {
				r.bad(b.lines[k], "a step has no key %q%s", k, meant(k, all))
			}
		}
		if len(kinds) == 0 {
			r.bad(s.Line, "a step needs one of %s", strings.Join(keys, ", "))
		} else {
			r.bad(s.Line, "a step has one of these, not several: %s", strings.Join(kinds, ", "))
		}
		return s
	}
	for _, key := range b.keys {
		if of, limited := fits[key]; limited && !slices.Contains(of, s.Kind) {
			b.asked = append(b.asked, key)
			r.bad(b.lines[key], "%s does not go with %s", key, s.Kind)
			delete(b.vals, key)
		}
	}
	s.Ignore = b.flag("ignore")
	s.On = b.word("on", "", Runners...)
	s.Timeout = b.span("timeout", 0)
	s.Retry = r.retry(b.get("retry"))
	if n := b.vals["ok"]; n != nil && n.Kind == yaml.ScalarNode && n.Value == "any" {
		s.Any = true
		b.get("ok")
		delete(b.vals, "ok")
	}
	for _, n := range b.list("ok") {
		text, _ := r.scalar(n, "ok")
		code, err := strconv.Atoi(text)
		if err != nil {
			r.bad(n.Line, "ok lists exit codes, not %.40q", text)
		}
		s.Accept = append(s.Accept, code)
	}
	s.Unless = b.args("unless")
	s.save(r, b)
	s.body(r, b, depth)
	b.done("a step with " + s.Kind.String())
	if s.Name == "" {
		s.Name = s.title()
	}
	return s
}

// body reads what is of the step's own kind.
func (s *Step) body(r *reader, b *block, depth int) {
	word := s.Kind.String()
	switch s.Kind {
	case KindRun:
		s.Args, s.Stdin = b.args(word), b.text("stdin")
	case KindShell:
		s.Shell, s.Env = b.str(word, ""), b.named("env")
		if strings.Contains(s.Shell, "${") {
			for _, m := range unitName.FindAllString(s.Shell, -1) {
				r.bad(b.lines[word], "%s in a shell's text is the shell's own; give the value as env: {NAME: %q} and write \"$NAME\"", m, m)
			}
		}
		for _, e := range s.Env {
			if !envName.MatchString(e.Name) {
				r.bad(e.Line, "%.60q cannot be the name of an environment variable", e.Name)
			}
		}
	case KindEcho:
		s.Text = b.text(word)
	case KindFail:
		s.Text, s.Code = b.text(word), b.number("code", 1, -100_000, 1_000_000)
		if s.Code == 0 {
			r.bad(b.lines["code"], "code 0 is success")
		}
	case KindSet:
		s.Env = b.named(word)
		for _, e := range s.Env {
			if !named(e.Name) {
				r.bad(e.Line, "%.60q cannot be the name of a variable", e.Name)
			}
		}
	case KindCall:
		s.Call = b.str(word, "")
	case KindSteps, KindParallel:
		if s.Steps = r.steps(b, word, depth); len(s.Steps) == 0 && len(r.problems) == 0 {
			r.bad(b.lines[word], "%s has no steps", word)
		}
	case KindDriver:
		s.Driver, s.Verb, s.Env = b.str(word, ""), b.word("verb", "", Verbs...), b.named("properties")
	case KindAgent:
		s.Driver, s.Verb, s.Object, s.Env = b.str(word, ""), b.str("action", ""), b.str("object", ""), b.named("properties")
		if s.Verb == "" {
			r.bad(s.Line, "a step with agent needs the action of the driver")
		}
	}
}

// unitName is a property in a shell's text, where only the shell's own names belong: its
// names have no dots.
var unitName = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_-]*\.[A-Za-z0-9_.-]+\}`)

func (r *reader) retry(n *yaml.Node) (out Retry) {
	if n == nil {
		return out
	}
	b := r.block(n, "retry")
	if b == nil {
		return out
	}
	defer b.done("retry")
	out = Retry{Times: b.number("times", 1, 1, maxRetries), Pause: b.span("pause", defaultPause), Factor: 2, Most: b.span("most", 5*time.Minute)}
	if text := b.str("factor", "2"); text != "2" {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f >= 1 && f <= 100) {
			r.bad(b.lines["factor"], "factor must be a number from 1 to 100, not %.40q", text)
		} else {
			out.Factor = f
		}
	}
	return out
}

func (s *Step) save(r *reader, b *block) {
	n := b.get("save")
	if n == nil {
		return
	}
	if n.Kind == yaml.ScalarNode {
		if name, ok := r.scalar(n, "save"); ok {
			s.Save = []Save{{Line: n.Line, Name: name, What: "stdout"}}
		}
	} else if in := r.block(n, "save"); in != nil {
		for _, k := range in.keys {
			what := in.str(k, "")
			if (s.Kind == KindRun || s.Kind == KindShell) && !slices.Contains([]string{"stdout", "stderr", "code"}, what) {
				r.bad(in.lines[k], "a command leaves stdout, stderr and code, not %.40q", what)
			}
			s.Save = append(s.Save, Save{Line: in.lines[k], Name: k, What: what})
		}
	}
	for _, v := range s.Save {
		if !named(v.Name) {
			r.bad(v.Line, "%.60q cannot be the name of a variable", v.Name)
		}
	}
}

// title is what a step that has no name is called.
func (s *Step) title() string {
	text := s.Kind.String()
	switch s.Kind {
	case KindRun:
		for _, a := range s.Args {
			text += " " + a.String()
		}
	case KindShell:
		first, _, _ := strings.Cut(strings.TrimSpace(s.Shell), "\n")
		text += " " + first
	case KindEcho, KindFail:
		text += " " + s.Text.String()
	case KindCall:
		text += " " + s.Call
	case KindDriver, KindAgent:
		text = strings.TrimSpace(text + " " + s.Driver + " " + s.Verb)
	}
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:57]) + "..."
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, text)
}
