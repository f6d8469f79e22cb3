package wiring

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/handlers/drivers/scripted"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
	"github.com/leasehold/leasehold/handlers/script"
)

// ResultsFolder is where the script of an actor keeps what its actions ended with.
func ResultsFolder(c config.Config, actor string) string {
	i := slices.IndexFunc(c.Actors, func(a config.Actor) bool { return a.Name == actor })
	if i >= 0 && c.Actors[i].Handler != nil && c.Actors[i].Handler.Results != "" {
		return c.Actors[i].Handler.Results
	}
	return filepath.Join(c.State, "results", actor)
}

// driver finds the driver an actor's actions run through, noop when none is named, and
// the machine that it speaks to about each unit. What both keep open is closed by p.
func (p *Process) driver(a *Actor) (handlers.Driver, func(actors.Unit) run.Runner, error) {
	h := a.Config.Handler
	if h == nil {
		h = &config.Handler{Driver: "noop"}
	}
	var journal *noop.Journal
	if h.Journal != "" {
		var err error
		if journal, err = noop.OpenJournal(h.Journal); err != nil {
			return nil, nil, err
		}
		p.closers = append(p.closers, journal)
	}
	act := scripted.Config{Log: logged(a.log)}
	if h.Script != "" {
		data, err := os.ReadFile(h.Script)
		if err != nil {
			return nil, nil, err
		}
		if act.Script, err = script.Parse(h.Script, data); err != nil {
			return nil, nil, err
		}
		if act.Results, err = scripted.OpenResults(ResultsFolder(p.config, a.Config.Name)); err != nil {
			return nil, nil, err
		}
	}
	on, err := openMachines(h.Machines)
	if err != nil {
		return nil, nil, err
	}
	p.closers = append(p.closers, on)
	if h.Here {
		on.here = localrun.Runner{}
	}
	all, err := drivers(*h, journal, on, act)
	if err != nil {
		return nil, nil, err
	}
	info, ok := all.Find(h.Driver)
	if !ok {
		var names []string
		for _, i := range all.All() {
			names = append(names, i.Name)
		}
		return nil, nil, fmt.Errorf("there is no driver %q; there are: %s", h.Driver, strings.Join(names, ", "))
	}
	if c, ok := info.Driver.(*scripted.Driver); ok {
		p.closers = append(p.closers, c)
	} else if err := known(info, h.Settings); err != nil {
		return nil, nil, err
	}
	return info.Guarded(h.Settings), on.of, nil
}

// known refuses settings that a driver does not read.
func known(info handlers.Info, settings map[string]string) error {
	var names []string
	for _, p := range info.Params {
		names = append(names, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("the driver %s has no setting %q%s", info.Name, name, check.Perhaps(name, names))
		}
	}
	return nil
}

// logged writes what scripts say and print to a log, a line each.
func logged(log logrus.FieldLogger) func(scripted.Line) {
	return func(l scripted.Line) {
		e := log.WithFields(logrus.Fields{"unit": l.Unit, "action": l.Action})
		if l.At > 0 {
			e = e.WithFields(logrus.Fields{"step": l.Step, "line": l.At})
		}
		e.Info(l.Text)
	}
}
