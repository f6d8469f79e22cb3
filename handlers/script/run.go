package script

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
)

// ErrNoAction says that a script has no action of that name.
var ErrNoAction = errors.New("the script has no such action")

// mostOps is how many operations one run may begin: far above any use, and an end to calls
// that multiply.
const mostOps = 10_000

// mostSaved is how many octets of what a command printed are kept in a variable.
const mostSaved = 4096

// An Op is one operation that a Run wants carried out.
type Op struct {
	ID      int    // to be given to Done
	Step    string // the step's name
	Line    int    // in the file
	Kind    Kind   // KindRun for a command, KindDriver or KindAgent
	Asks    bool   // the command only looks whether there is anything to do
	Try     int    // from 1
	On      string // where, one of Runners
	Cmd     run.Cmd
	Driver  string
	Verb    string
	Object  string
	Params  map[string]string // for drivers, what the step gives them
	Wait    time.Duration     // before it begins
	Timeout time.Duration     // 0 is none
}

// An Outcome is what became of an operation.
type Outcome struct {
	Code           int // 0 is success for drivers
	Stdout, Stderr string
	Properties     map[string]string // from drivers
	Err            string            // it could not be carried out, or its end is not known
}

// A Result is how an action ended.
type Result struct {
	Code       int    // 0 is success; -1 when there is no better one
	Note       string // what failed, in one line
	Line       int    // of the step that failed
	Properties map[string]string
}

// A Said is a line for the log.
type Said struct {
	Step string
	Line int // in the file
	Text string
}

// A Run is one action on its way. It is used by one goroutine at a time.
type Run struct {
	script  *Script
	action  *Action
	given   map[string]string
	vals    map[string]string
	secrets []string        // values, longest first
	hidden  map[string]bool // names

	threads []*thread // those that may go on, in order
	waiting map[int]*thread
	ops     int
	said    []Said
	props   map[string]string
	failed  *Result
}

// thread is a list of steps on its way.
type thread struct {
	steps  []Step
	at     int
	parent *thread
	open   int // children that are not done
	failed bool
	// Of the step it is at:
	try     int  // the try under way, 0 before the first
	checked bool // Unless was asked and there is something to do
	asking  bool
}

// Begin starts an action for a unit with the properties given. It fails when the script
// has no such action, and when a variable has no value.
func (s *Script) Begin(action string, given map[string]string) (*Run, error) {
	a := s.Action(action)
	if a == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoAction, action)
	}
	r := &Run{script: s, action: a, given: given, vals: map[string]string{}, hidden: map[string]bool{},
		waiting: map[int]*thread{}, props: map[string]string{}}
	for _, v := range s.Variables {
		value, ok := given[v.From]
		switch {
		case v.From != "" && ok:
		case v.Given:
			var err error
			if value, err = v.Default.write(r.value); err != nil {
				continue // likewise
			}
		default:
			continue // whoever uses it is told
		}
		if len(value) > maxText {
			return nil, fmt.Errorf("the variable %s is longer than %d octets", v.Name, maxText)
		}
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("the variable %s holds a NUL", v.Name)
		}
		r.set(v.Name, value, v.Secret)
	}
	r.threads = []*thread{{steps: a.Steps}}
	return r, nil
}

// set gives a variable its value.
func (r *Run) set(name, value string, secret bool) {
	r.vals[name] = value
	if !secret {
		return
	}
	r.hidden[name] = true
	for _, part := range append(strings.Split(value, "\n"), value) {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(r.secrets, part) {
			r.secrets = append(r.secrets, part)
		}
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}

// value is a variable's value, or a property's.
func (r *Run) value(name string) (string, bool) {
	if v, ok := r.vals[name]; ok {
		return v, true
	}
	if r.script.variable(name) != nil {
		return "", false // a variable without a value hides the property of its name
	}
	v, ok := r.given[name]
	return v, ok
}

// Redact puts stars in the place of secrets.
func (r *Run) Redact(text string) string {
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	return text
}

// Redactor is Redact with the secrets of now; it may be called from any goroutine.
func (r *Run) Redactor() func(string) string {
	then := &Run{secrets: slices.Clone(r.secrets)}
	return then.Redact
}

// Timeout is how long the whole action may take; 0 is no limit.
func (r *Run) Timeout() time.Duration { return r.action.Timeout }

// Next is the operations to begin now, and what there is to say. When there are none and
// Over is not true, some that were begun are still under way.
func (r *Run) Next() ([]Op, []Said) {
	var out []Op
	for len(r.threads) > 0 && r.failed == nil {
		t := r.threads[0]
		if op, begin := r.advance(t); begin {
			out = append(out, op)
		}
	}
	said := r.said
	r.said = nil
	return out, said
}

// Over is the result, once nothing is under way or to be begun.
func (r *Run) Over() (Result, bool) {
	switch {
	case len(r.waiting) > 0:
		return Result{}, false
	case r.failed != nil:
		f := *r.failed
		f.Properties = r.props
		return f, true
	case len(r.threads) > 0:
		return Result{}, false
	}
	return Result{Properties: r.props}, true
}

// advance takes the first thread one step on. Either it begins an operation, or the thread
// moves to its next step, or it leaves the list of those that may go on.
func (r *Run) advance(t *thread) (Op, bool) {
	if t.at == len(t.steps) {
		r.threads = r.threads[1:]
		r.joined(t)
		return Op{}, false
	}
	s := &t.steps[t.at]
	if t.try == 0 && !t.checked {
		ok, err := s.When.holds(r.value)
		if err != nil {
			r.fail(t, s, -1, "when "+err.Error())
			return Op{}, false
		}
		if !ok {
			t.next()
			return Op{}, false
		}
	}
	switch s.Kind {
	case KindEcho, KindFail:
		text, err := s.Text.write(r.value)
		switch {
		case err != nil:
			r.fail(t, s, -1, err.Error())
		case s.Kind == KindFail:
			r.fail(t, s, s.Code, text)
		default:
			r.said = append(r.said, Said{s.Name, s.Line, r.Redact(text)})
			t.next()
		}
		return Op{}, false
	case KindSet:
		for _, n := range s.Env {
			v, err := n.Value.write(r.value)
			if err != nil {
				r.fail(t, s, -1, err.Error())
				return Op{}, false
			}
			r.set(n.Name, v, r.hides(n.Value))
			r.keep(n.Name, v)
		}
		t.next()
		return Op{}, false
	case KindCall:
		r.fork(t, [][]Step{r.script.Action(s.Call).Steps})
		return Op{}, false
	case KindSteps:
		r.fork(t, [][]Step{s.Steps})
		return Op{}, false
	case KindParallel:
		var each [][]Step
		for i := range s.Steps {
			each = append(each, s.Steps[i:i+1])
		}
		r.fork(t, each)
		return Op{}, false
	}
	op, err := r.op(t, s)
	if err != nil {
		r.fail(t, s, -1, err.Error())
		return Op{}, false
	}
	r.threads = r.threads[1:]
	r.waiting[op.ID] = t
	return op, true
}

// hides reports whether a text is made of something secret.
func (r *Run) hides(t Text) (secret bool) {
	t.names(func(n string, _ bool) { secret = secret || r.hidden[n] })
	return secret
}

// fork lets t wait for lists of steps that go on side by side.
func (r *Run) fork(t *thread, lists [][]Step) {
	r.threads = r.threads[1:]
	if r.ops += len(lists); r.ops > mostOps {
		r.fail(t, &t.steps[t.at], -1, fmt.Sprintf("more than %d operations", mostOps))
		return
	}
	if t.open, t.failed = len(lists), false; t.open == 0 {
		t.next()
		r.threads = append(r.threads, t)
	}
	for _, l := range lists {
		r.threads = append(r.threads, &thread{steps: l, parent: t})
	}
}

// joined tells a thread's parent that it is done.
func (r *Run) joined(t *thread) {
	p := t.parent
	if p == nil {
		return
	}
	p.failed = p.failed || t.failed
	if p.open--; p.open > 0 {
		return
	}
	if p.failed && !p.steps[p.at].Ignore {
		p.at = len(p.steps) // what failed below is known; nothing more of this list
	} else {
		p.failed = false
		p.next()
	}
	r.threads = append(r.threads, p)
}

// next moves on to the step after.
func (t *thread) next() { t.at, t.try, t.checked, t.asking = t.at+1, 0, false, false }

// op is the next operation of a step: the question whether there is anything to do, or the
// work itself.
func (r *Run) op(t *thread, s *Step) (Op, error) {
	if r.ops++; r.ops > mostOps {
		return Op{}, fmt.Errorf("more than %d operations", mostOps)
	}
	op := Op{ID: r.ops, Step: s.Name, Line: s.Line, Kind: s.Kind, On: cmp.Or(s.On, r.script.On), Timeout: s.Timeout, Try: max(t.try, 1)}
	if len(s.Unless) > 0 && !t.checked {
		t.asking, op.Asks, op.Kind, op.Wait = true, true, KindRun, s.Retry.Before(t.try+1)
		var err error
		op.Cmd.Args, err = r.args(s.Unless)
		return op, err
	}
	t.asking = false
	t.try++
	if op.Try = t.try; len(s.Unless) == 0 { // else it was the question that waited
		op.Wait = s.Retry.Before(t.try)
	}
	var err error
	switch s.Kind {
	case KindRun:
		if op.Cmd.Args, err = r.args(s.Args); err == nil {
			op.Cmd.Stdin, err = s.Stdin.write(r.value)
		}
	case KindShell:
		op.Kind = KindRun
		op.Cmd, err = r.shell(s)
	default:
		op.Driver, op.Verb, op.Object, op.Params = s.Driver, cmp.Or(s.Verb, verb(r.action.Name)), s.Object, map[string]string{}
		for _, n := range s.Env {
			if op.Params[n.Name], err = n.Value.write(r.value); err != nil {
				break
			}
		}
	}
	return op, err
}

func (r *Run) args(list []Text) ([]string, error) {
	out := make([]string, len(list))
	for i, t := range list {
		if r.hides(t) {
			return nil, errors.New("a secret was to be an argument, which everybody on a machine reads")
		}
		v, err := t.write(r.value)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	if len(out) == 0 || out[0] == "" {
		return nil, errors.New("a command without a program")
	}
	return out, nil
}

// shell is the command for a shell's text. Text and variables travel as input, where
// nobody reads them on the way; each value stands in quotes of its own, and is never
// taken for a part of the text.
func (r *Run) shell(s *Step) (run.Cmd, error) {
	var b strings.Builder
	b.WriteString("set -eu\n")
	for _, n := range s.Env {
		v, err := n.Value.write(r.value)
		if err != nil {
			return run.Cmd{}, err
		}
		fmt.Fprintf(&b, "%s='%s'; export %s\n", n.Name, strings.ReplaceAll(v, "'", `'\''`), n.Name)
	}
	b.WriteString(s.Shell)
	b.WriteByte('\n')
	return run.Cmd{Args: []string{"sh", "-c", `leasehold_text=$(cat); eval "$leasehold_text" </dev/null`}, Stdin: b.String()}, nil
}

// Done takes in what became of the operation id.
func (r *Run) Done(id int, o Outcome) {
	t := r.waiting[id]
	if t == nil {
		return
	}
	delete(r.waiting, id)
	s := &t.steps[t.at]
	ok := o.Err == "" && (o.Code == 0 || s.accepts(o.Code))
	switch {
	case t.asking && o.Err != "":
		r.again(t, s, o)
	case t.asking && o.Code == 0:
		t.next()
	case t.asking:
		t.checked, t.asking = true, false
	case ok:
		if err := r.save(s, o); err != nil {
			r.fail(t, s, -1, err.Error())
		} else {
			t.next()
		}
	default:
		r.again(t, s, o)
	}
	r.threads = append(r.threads, t)
}

func (s *Step) accepts(code int) bool { return s.Any || slices.Contains(s.Accept, code) }

// again tries a step once more, or lets it fail. A question that could not be asked counts
// as a try; what it would have said is asked again before the next one.
func (r *Run) again(t *thread, s *Step, o Outcome) {
	if t.asking {
		t.try++
	}
	if t.try <= s.Retry.Times {
		t.checked, t.asking = false, false
		return
	}
	note := o.Err
	if note == "" {
		note = fmt.Sprintf("ends with %d", o.Code)
		if text := strings.Join(strings.Fields(o.Stderr+" "+o.Stdout), " "); text != "" {
			note += ": " + text
		}
	}
	if s.Ignore {
		r.said = append(r.said, Said{s.Name, s.Line, "failed, and the script goes on: " + r.Redact(note)})
		t.next()
		return
	}
	code := o.Code
	if o.Err != "" && code == 0 {
		code = -1
	}
	r.fail(t, s, code, note)
}

// fail ends the run with the first failure; what is under way is waited for. A failure
// inside steps whose block ignores failures ends that block alone.
func (r *Run) fail(t *thread, s *Step, code int, note string) {
	if r.failed != nil {
		return
	}
	note = r.Redact(s.Name + ": " + note)
	if runes := []rune(note); len(runes) > 400 {
		note = string(runes[:397]) + "..."
	}
	for p := t.parent; p != nil; p = p.parent {
		if p.steps[p.at].Ignore {
			r.said = append(r.said, Said{p.steps[p.at].Name, s.Line, "failed, and the script goes on: " + note})
			t.failed, t.at = true, len(t.steps)
			return
		}
	}
	r.failed = &Result{Code: code, Line: s.Line, Note: note}
}

// save keeps what a step found out.
func (r *Run) save(s *Step, o Outcome) error {
	for _, v := range s.Save {
		var text string
		switch {
		case s.Kind == KindDriver || s.Kind == KindAgent:
			text = o.Properties[v.What]
		case v.What == "code":
			text = fmt.Sprint(o.Code)
		case v.What == "stderr":
			text = o.Stderr
		default:
			text = o.Stdout
		}
		if text = strings.TrimSpace(text); len(text) > mostSaved {
			return fmt.Errorf("%s is longer than %d octets", v.Name, mostSaved)
		}
		secret := r.script.secret(v.Name)
		r.set(v.Name, text, secret)
		r.keep(v.Name, text)
	}
	if s.Kind == KindDriver || s.Kind == KindAgent {
		for _, name := range slices.Sorted(maps.Keys(o.Properties)) {
			r.keep(name, o.Properties[name])
		}
	}
	return nil
}

// keep makes a value a property of the unit if its name says so.
func (r *Run) keep(name, value string) {
	if strings.HasPrefix(name, "unit.") {
		r.props[name] = r.Redact(value)
	}
}
