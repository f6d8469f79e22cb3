/*
Package scripted is the driver that carries out action scripts: package handlers/script says
what comes next, and this package does it.

An action goes on for as long as it takes, under no lock but its unit's own. A call that
waits too long answers "not yet" and the action goes on; the next call of the same action
finds it again. Another action for the unit ends the one before it first.

An action is known by its unit, its name and its sequence number: its key, which scripts
find as ${action.key}. The key of a success is kept with its result, so that a call which
comes again after a crash is answered without doing anything twice. Of an action that a
crash cut off nothing is kept; it starts over, and its steps look before they act.

results.go keeps results. steps.go does one operation.
*/
package scripted

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/script"
)

// Config is what the driver needs. Without a Script it has nothing to do.
type Config struct {
	Script *script.Script
	// Local is where steps run that say "on: local"; nil means that there is no such place.
	Local run.Runner
	// Drivers finds a driver that a step names; nil means that there are none.
	Drivers func(name string) (handlers.Info, bool)
	Results *Results      // nil keeps results in memory
	Log     func(Line)    // hears what steps say and print; nil is nobody; safe for concurrent use
	Lines   int           // how many lines of one action are logged; 0 means 500
	Turn    time.Duration // how long one call waits before it answers "not yet"; 0 means 1 minute
}

// A Line is a line for the event log.
type Line struct {
	Unit, Action string
	Step         string
	At           int // the line of the step in the file; 0 for what concerns the whole action
	Text         string
}

// Driver is the driver; it is safe for concurrent use.
type Driver struct {
	cfg    Config
	mu     sync.Mutex
	active map[string]*active // by unit
	closed bool
}

// active is an action on its way.
type active struct {
	key  string
	stop context.CancelFunc
	done chan struct{} // closed when res and err are there
	res  handlers.Result
	err  error

	mu    sync.Mutex
	step  string // the one that began last
	lines int    // how many were logged
}

// New makes a driver.
func New(cfg Config) *Driver {
	if cfg.Script == nil {
		cfg.Script = &script.Script{}
	}
	if cfg.Local == nil {
		cfg.Local = run.Nowhere{}
	}
	if cfg.Drivers == nil {
		cfg.Drivers = func(string) (handlers.Info, bool) { return handlers.Info{}, false }
	}
	if cfg.Log == nil {
		cfg.Log = func(Line) {}
	}
	if cfg.Results == nil {
		cfg.Results = &Results{}
	}
	if cfg.Lines == 0 {
		cfg.Lines = 500
	}
	if cfg.Turn == 0 {
		cfg.Turn = time.Minute
	}
	return &Driver{cfg: cfg, active: map[string]*active{}}
}

var (
	_ handlers.Modifier = (*Driver)(nil)
	_ handlers.Chooser  = (*Driver)(nil)
)

// Info lists d in a catalogue.
func (d *Driver) Info() handlers.Info {
	i := handlers.Info{
		Name:   "script",
		Doc:    "Carries out an action script: a file that says, step by step, what makes a unit usable and what undoes it.",
		Driver: d,
		Params: []handlers.Param{{Name: handlers.ParamUnit, Doc: "the unit", Need: true}},
	}
	for _, v := range d.cfg.Script.Variables {
		if v.From == "" {
			continue
		}
		p := handlers.Param{Name: v.From, Doc: cmp.Or(v.Doc, "for the script's variable "+v.Name), Need: !v.Given}
		if v.Given && !v.Secret {
			p.Default = v.Default.String()
		}
		i.Params = append(i.Params, p)
	}
	return i
}

// Setup runs the action setup, or join for a unit that joins a guest.
func (d *Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return d.do(ctx, on, p, d.pick(p, "setup", "join"), false)
}

// Teardown runs the action teardown, or leave for a unit that leaves a guest.
func (d *Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	res, err := d.do(ctx, on, p, d.pick(p, "teardown", "leave"), false)
	if err == nil && res.Done {
		err = d.cfg.Results.drop(p[handlers.ParamUnit])
	}
	return res, err
}

// Modify runs the action of the subcommand's name, such as modify.restart, or for suspend,
// resume, checkpoint, restore and probe the action of that name; modify if there is neither.
func (d *Driver) Modify(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	sub := p.Subcommand()
	name := cmp.Or(d.own(sub), "modify")
	if d.cfg.Script.Action(name) == nil {
		return handlers.Result{}, handlers.Exit{Code: handlers.ExitUnknown, Note: "the script has no action modify." + sub}
	}
	return d.do(ctx, on, p, name, true)
}

// own is the action that a script has for one subcommand; empty when it has none.
func (d *Driver) own(sub string) string {
	names := []string{"modify." + sub}
	switch sub {
	case handlers.Suspend, handlers.Resume, handlers.Checkpoint, handlers.Restore, handlers.Probe:
		names = append(names, sub)
	}
	for _, n := range names {
		if d.cfg.Script.Action(n) != nil {
			return n
		}
	}
	return ""
}

// Can declares what the script has actions for. A script that suspends and does not resume
// cannot suspend: nobody would get the unit back.
func (d *Driver) Can(subcommand string) handlers.Call {
	if d.own(subcommand) == "" {
		return nil
	}
	if back := handlers.Inverse(subcommand); back != "" && d.own(back) == "" {
		return nil
	}
	return d.Modify
}

// Act runs an action by its name, whichever it is. An error is an Exit with its code.
func (d *Driver) Act(ctx context.Context, on run.Runner, p handlers.Params, action string) (handlers.Result, error) {
	return d.do(ctx, on, p, action, true)
}

// pick is the action for a verb: the one that the caller names when the script has it, and
// else the first that it has.
func (d *Driver) pick(p handlers.Params, names ...string) string {
	if a := p[handlers.ParamAction]; slices.Contains(names, a) && d.cfg.Script.Action(a) != nil {
		return a
	}
	for _, n := range names {
		if d.cfg.Script.Action(n) != nil {
			return n
		}
	}
	return ""
}

// do runs an action, or goes on waiting for it. An action that the script does not have is
// nothing to do. With codes an error has the script's own code.
func (d *Driver) do(ctx context.Context, on run.Runner, p handlers.Params, action string, codes bool) (handlers.Result, error) {
	unit, err := p.Need(handlers.ParamUnit)
	if err != nil {
		return handlers.Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return handlers.Result{}, err
	}
	if action == "" {
		return handlers.Result{Done: true}, nil
	}
	key := ""
	if n := p[handlers.ParamSequence]; n != "" {
		key = unit + "/" + action + "/" + n
	}
	if kept, ok, err := d.cfg.Results.find(unit, key); ok || err != nil {
		return kept.result(), errors.Join(err, kept.err())
	}
	a, err := d.begin(ctx, on, p, unit, action, key, codes)
	if err != nil {
		return handlers.Result{}, err
	}
	turn := time.NewTimer(d.cfg.Turn)
	defer turn.Stop()
	select {
	case <-a.done:
	case <-turn.C:
		a.mu.Lock()
		defer a.mu.Unlock()
		return handlers.Result{Note: a.step}, nil
	case <-ctx.Done():
		a.stop()
		<-a.done
	}
	d.mu.Lock()
	if d.active[unit] == a {
		delete(d.active, unit)
	}
	d.mu.Unlock()
	return a.res, a.err
}

// begin finds the action under way for a unit, or starts it after ending another.
func (d *Driver) begin(ctx context.Context, on run.Runner, p handlers.Params, unit, action, key string, codes bool) (*active, error) {
	id := key
	if id == "" {
		id = unit + "/" + action
	}
	for {
		d.mu.Lock()
		a := d.active[unit]
		switch {
		case d.closed:
			d.mu.Unlock()
			return nil, errors.New("scripted: the driver is closed")
		case a != nil && a.key == id:
			d.mu.Unlock()
			return a, nil
		case a == nil:
			a = &active{key: id, done: make(chan struct{})}
			ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
			a.stop = stop
			d.active[unit] = a
			d.mu.Unlock()
			given := maps.Clone(map[string]string(p))
			given["action.key"] = id
			go d.carry(ctx, a, on, given, unit, action, key, codes)
			return a, nil
		}
		d.mu.Unlock()
		a.stop()
		<-a.done
		d.mu.Lock()
		if d.active[unit] == a {
			delete(d.active, unit)
		}
		d.mu.Unlock()
	}
}

// carry runs an action to its end and keeps the result.
func (d *Driver) carry(ctx context.Context, a *active, on run.Runner, given map[string]string, unit, action, key string, codes bool) {
	defer close(a.done)
	defer a.stop()
	defer func() {
		if p := recover(); p != nil {
			a.err = fmt.Errorf("scripted: panicked: %v", p)
		}
	}()
	out, err := d.play(ctx, a, on, given, unit, action)
	if err != nil {
		a.err = err
		return
	}
	a.res = handlers.Result{Done: out.Code == 0, Note: out.Note, Properties: out.Properties}
	if out.Code != 0 {
		a.err = errors.New(out.Note)
		if codes {
			a.err = handlers.Exit{Code: out.Code, Note: out.Note}
		}
	}
	// A setup that failed may be tried again under its key; what a modify ended with is
	// its result, whatever it is.
	if key != "" && (out.Code == 0 || codes) {
		if err := d.cfg.Results.keep(unit, result{Key: key, Code: out.Code, Note: out.Note, Properties: out.Properties}); err != nil {
			a.res, a.err = handlers.Result{}, err
		}
	}
}

// play takes an action's operations from the script and does them, those that may go on
// side by side so.
func (d *Driver) play(ctx context.Context, a *active, on run.Runner, given map[string]string, unit, action string) (script.Result, error) {
	r, err := d.cfg.Script.Begin(action, given)
	if err != nil {
		return script.Result{}, err
	}
	if t := r.Timeout(); t > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, t, fmt.Errorf("the action took longer than %s", t))
		defer stop()
	}
	tell := func(step string, at int, text string) {
		a.mu.Lock()
		a.lines++
		n := a.lines
		a.mu.Unlock()
		switch {
		case n == d.cfg.Lines+1:
			d.cfg.Log(Line{Unit: unit, Action: action, Text: fmt.Sprintf("more than %d lines; the others are not kept", d.cfg.Lines)})
		case n <= d.cfg.Lines:
			d.cfg.Log(Line{Unit: unit, Action: action, Step: step, At: at, Text: text})
		}
	}
	type ended struct {
		id  int
		out script.Outcome
	}
	ends := make(chan ended)
	h := hand{driver: d, on: on, given: given}
	for {
		ops, said := r.Next()
		for _, s := range said {
			tell(s.Step, s.Line, s.Text)
		}
		// Secrets may grow with each step; those of now are enough for what begins now.
		redact := r.Redactor()
		for _, op := range ops {
			a.mu.Lock()
			a.step = redact(op.Step)
			a.mu.Unlock()
			go func() {
				ends <- ended{op.ID, h.do(ctx, op, func(line string) { tell(op.Step, op.Line, clean(redact(line))) })}
			}()
		}
		if res, over := r.Over(); over {
			_, said := r.Next()
			for _, s := range said {
				tell(s.Step, s.Line, s.Text)
			}
			if err := ctx.Err(); err != nil && res.Code != 0 {
				return res, fmt.Errorf("%s: %w", res.Note, context.Cause(ctx))
			}
			return res, nil
		}
		e := <-ends
		r.Done(e.id, e.out)
	}
}

// clean keeps what a machine prints from being more than a line of text.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return '?'
		}
		return c
	}, s)
}

// Close ends every action that is under way. A restart asks for them again.
func (d *Driver) Close() error {
	d.mu.Lock()
	d.closed = true
	all := slices.Collect(maps.Values(d.active))
	d.mu.Unlock()
	for _, a := range all {
		a.stop()
		<-a.done
	}
	return nil
}
