/*
Package noop is the driver that touches nothing: it waits as long as real work
would, fails as often as it is told to, and remembers what is up: in memory, or
with a [Journal] in a file that also says what ran.

Emulations run with it in place of real drivers and are otherwise identical to a
deployment (paper B 4.2, leasing 5.6). Time and chance are handed in, so a
simulated run repeats exactly.
*/
package noop

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Names of the parameters; each overrides the Config field of the same sense
// for one unit.
const (
	SetupDelay      = "handler.setup.delay.ms"
	TeardownDelay   = "handler.teardown.delay.ms"
	ModifyDelay     = "handler.modify.delay.ms"
	FailFirst       = "handler.fail.first"
	FailProbability = "handler.fail.probability"
	FailAlways      = "handler.fail.always" // setup, teardown, both of these, or modify

	// Exit is an argument of a modify: the code it ends with (handlers.Exit).
	Exit = "exit"
)

// Config says how the driver behaves when a unit's parameters do not. The zero
// value but for Now does everything at once and never fails.
type Config struct {
	Setup       time.Duration    // how long a unit takes to come up
	Teardown    time.Duration    // and to go away
	Modify      time.Duration    // and to be modified
	FailFirst   int              // this many tries of each verb fail first, per unit
	Probability float64          // chance that a try fails after that, 0 to 1
	FailAlways  string           // setup, teardown, both or modify: these never succeed
	Now         func() time.Time // required when anything takes time; safe for concurrent use
	Chance      func() float64   // in [0, 1); required with a probability; safe for concurrent use
	Journal     *Journal         // what is up, and what ran, in a file; nil means in memory
}

// Driver is the driver; it is safe for concurrent use.
type Driver struct {
	cfg   Config
	mu    sync.Mutex
	units map[string]*unit
}

// unit is what the driver remembers of one unit until it is torn down.
type unit struct {
	up    bool
	tries [3]int    // tries that failed, of each verb
	last  string    // sequence of the setup or modify that was carried out last
	work  int       // the verb in progress, or idle
	began time.Time // when it began
}

const (
	setup = iota
	teardown
	modify
	idle
)

var verbs = [...]string{setup: "setup", teardown: "teardown", modify: "modify"}

// New makes a driver with nothing up, or with what its journal says.
func New(cfg Config) *Driver {
	d := &Driver{cfg: cfg, units: map[string]*unit{}}
	if cfg.Journal != nil {
		d.units = cfg.Journal.units
	}
	return d
}

// Info lists d in a catalogue.
func (d *Driver) Info() handlers.Info {
	return d.InfoAs("noop", "Touches nothing; waits and fails as it is told, for emulation and tests.")
}

// InfoAs lists d under another name, for a configuration of its own.
func (d *Driver) InfoAs(name, doc string) handlers.Info {
	ms := func(t time.Duration) string { return fmt.Sprint(t.Milliseconds()) }
	return handlers.Info{
		Name:   name,
		Doc:    doc,
		Driver: d,
		Params: []handlers.Param{
			{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
			{Name: SetupDelay, Doc: "milliseconds until a unit is up", Default: ms(d.cfg.Setup)},
			{Name: TeardownDelay, Doc: "milliseconds until a unit is gone", Default: ms(d.cfg.Teardown)},
			{Name: ModifyDelay, Doc: "milliseconds until a unit is modified", Default: ms(d.cfg.Modify)},
			{Name: FailFirst, Doc: "how many tries of each verb fail before one succeeds", Default: fmt.Sprint(d.cfg.FailFirst)},
			{Name: FailProbability, Doc: "chance, 0 to 1, that any other try fails", Default: fmt.Sprint(d.cfg.Probability)},
			{Name: FailAlways, Doc: "setup, teardown, both of these, or modify: what never succeeds", Default: d.cfg.FailAlways},
		},
	}
}

// Setup waits for the unit's delay, unless it is up already. A unit that was
// being torn down starts over.
func (d *Driver) Setup(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	return d.do(ctx, setup, p)
}

// Teardown waits for the unit's delay and forgets the unit; a unit that was
// never set up is gone at once.
func (d *Driver) Teardown(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	return d.do(ctx, teardown, p)
}

// Modify waits for the unit's delay and changes nothing, whatever the subcommand. A
// unit it has not heard of since this process began is up all the same.
func (d *Driver) Modify(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	if err := ctx.Err(); err != nil {
		return handlers.Result{}, err
	}
	id, err := p.Need(handlers.ParamUnit)
	if err != nil {
		return handlers.Result{}, err
	}
	want, err := d.read(modify, p)
	if err != nil {
		return handlers.Result{}, err
	}
	code, err := strconv.Atoi(p.Argument(Exit, "0"))
	if err != nil {
		return handlers.Result{}, handlers.Exit{Code: handlers.ExitInvalid, Note: "noop: the argument " + Exit + " is no whole number"}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.units[id]
	if u == nil {
		u = &unit{work: idle, up: true}
		d.units[id] = u
	}
	if !u.up {
		return handlers.Result{}, handlers.Exit{Code: handlers.ExitInvalid, Note: "noop: the unit is not up"}
	}
	if seq := p[handlers.ParamSequence]; seq == "" || u.last != seq {
		if u.work != modify {
			if err := d.try(u, modify, want); err != nil {
				return handlers.Result{}, err
			}
			if err := d.cfg.Journal.note(Began, modify, p); err != nil {
				return handlers.Result{}, err
			}
			u.work = modify
			if want.delay > 0 {
				u.began = d.cfg.Now()
			}
		}
		if left := u.left(d.cfg.Now, want.delay); left > 0 {
			return handlers.Result{After: left, Note: "modify under way"}, nil
		}
		if err := d.cfg.Journal.note(Done, modify, p); err != nil {
			return handlers.Result{}, err
		}
		u.work, u.last = idle, seq
	} else if err := d.cfg.Journal.note(Again, modify, p); err != nil {
		return handlers.Result{}, err
	}
	if code != 0 {
		return handlers.Result{}, handlers.Exit{Code: code, Note: fmt.Sprintf("noop: %s ended with code %d as told", p.Subcommand(), code)}
	}
	return handlers.Result{Done: true, Note: p.Subcommand() + " done"}, nil
}

// Up is the units that are up, sorted.
func (d *Driver) Up() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var up []string
	for _, id := range slices.Sorted(maps.Keys(d.units)) {
		if d.units[id].up {
			up = append(up, id)
		}
	}
	return up
}

func (d *Driver) do(ctx context.Context, verb int, p handlers.Params) (handlers.Result, error) {
	if err := ctx.Err(); err != nil {
		return handlers.Result{}, err
	}
	id, err := p.Need(handlers.ParamUnit)
	if err != nil {
		return handlers.Result{}, err
	}
	want, err := d.read(verb, p)
	if err != nil {
		return handlers.Result{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.units[id]
	if u == nil {
		if verb == teardown && !want.fails(verb) {
			if err := d.cfg.Journal.note(Again, verb, p); err != nil {
				return handlers.Result{}, err
			}
			return handlers.Result{Done: true}, nil
		}
		u = &unit{work: idle}
		d.units[id] = u
	}
	if u.up && verb == setup && u.work != teardown {
		what := Again
		if p[handlers.ParamSequence] != u.last {
			what = Done // something new is wanted of it, which comes to nothing here
		}
		if err := d.cfg.Journal.note(what, verb, p); err != nil {
			return handlers.Result{}, err
		}
		u.last = p[handlers.ParamSequence]
		return handlers.Result{Done: true}, nil
	}
	if u.work != verb {
		if err := d.try(u, verb, want); err != nil {
			return handlers.Result{}, err
		}
		if err := d.cfg.Journal.note(Began, verb, p); err != nil {
			return handlers.Result{}, err
		}
		u.work, u.up = verb, false
		if want.delay > 0 {
			u.began = d.cfg.Now()
		}
	}
	if left := u.left(d.cfg.Now, want.delay); left > 0 {
		return handlers.Result{After: left, Note: verbs[verb] + " under way"}, nil
	}
	if err := d.cfg.Journal.note(Done, verb, p); err != nil {
		return handlers.Result{}, err
	}
	if verb == teardown {
		delete(d.units, id)
		return handlers.Result{Done: true}, nil
	}
	u.work, u.up, u.last = idle, true, p[handlers.ParamSequence]
	return handlers.Result{Done: true}, nil
}

// left is how much of delay remains since the work began.
func (u *unit) left(now func() time.Time, delay time.Duration) time.Duration {
	if delay <= 0 {
		return 0
	}
	return delay - now().Sub(u.began)
}

// try decides whether a try fails, before any work begins.
func (d *Driver) try(u *unit, verb int, want wish) error {
	switch {
	case want.fails(verb):
	case u.tries[verb] < want.first:
	case want.chance > 0 && d.cfg.Chance() < want.chance:
	default:
		return nil
	}
	u.tries[verb]++
	return fmt.Errorf("noop: %s failed as told, try %d", verbs[verb], u.tries[verb])
}

// wish is the behaviour one call asks for.
type wish struct {
	delay  time.Duration
	first  int
	chance float64
	always string
}

// fails reports whether verb never succeeds.
func (w wish) fails(verb int) bool {
	return w.always == "both" && verb != modify || w.always == verbs[verb]
}

// read takes the behaviour from p, and from the configuration where p is silent.
func (d *Driver) read(verb int, p handlers.Params) (wish, error) {
	name, delay := SetupDelay, d.cfg.Setup
	switch verb {
	case teardown:
		name, delay = TeardownDelay, d.cfg.Teardown
	case modify:
		name, delay = ModifyDelay, d.cfg.Modify
	}
	w := wish{always: p.Get(FailAlways, d.cfg.FailAlways)}
	var err error
	if w.delay, err = p.Millis(name, delay); err != nil {
		return w, err
	}
	if w.first, err = p.Count(FailFirst, d.cfg.FailFirst); err != nil {
		return w, err
	}
	if w.chance, err = p.Share(FailProbability, d.cfg.Probability); err != nil {
		return w, err
	}
	if w.delay > 0 && d.cfg.Now == nil || w.chance > 0 && d.cfg.Chance == nil {
		return w, fmt.Errorf("noop: a delay needs a clock and a probability needs chance; this driver was made without")
	}
	return w, nil
}
