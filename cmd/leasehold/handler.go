package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/scripted"
	runner "github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
	"github.com/leasehold/leasehold/handlers/script"
	"github.com/leasehold/leasehold/handlers/script/ant"
)

func (a *app) handlerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "handler",
		Short: "Drivers and action scripts: what makes units usable",
		Long: `Handlers make units usable, and undo it. A handler is a driver of this program
(leasehold handler list), or an action script that puts commands and drivers together.
The configuration of an actor names one under handler.`,
	}
	c.AddCommand(a.handlerListCommand(), a.handlerShowCommand(), a.handlerTestCommand(), a.handlerImportCommand())
	return c
}

// driverRow is one driver of the list.
type driverRow struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

func (a *app) handlerListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The drivers of this program",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := wiring.Catalogue(scripted.Config{})
			if err != nil {
				return err
			}
			rows := []driverRow{}
			for _, i := range all.All() {
				rows = append(rows, driverRow{i.Name, i.Doc})
			}
			return a.show(rows, func(w io.Writer) {
				row(w, "DRIVER", "WHAT IT DOES")
				for _, r := range rows {
					row(w, r.Name, r.Doc)
				}
			})
		},
	}
}

// manual is what is shown of a driver or of a script.
type manual struct {
	Name    string           `json:"name"`
	Doc     string           `json:"doc,omitempty"`
	Params  []handlers.Param `json:"parameters"`
	Actions []string         `json:"actions,omitempty"` // of a script
}

func (a *app) handlerShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show DRIVER|FILE",
		Short: "The manual page of a driver, or what an action script wants and does",
		Example: `  leasehold handler show useradd
  leasehold handler show ./web.yaml`,
		Args: oneArg("driver or file"),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := wiring.Catalogue(scripted.Config{})
			if err != nil {
				return err
			}
			info, ok := all.Find(args[0])
			m := manual{Name: args[0]}
			if !ok {
				if _, err := os.Stat(args[0]); err != nil {
					var names []string
					for _, i := range all.All() {
						names = append(names, i.Name)
					}
					return usage("there is no driver and no file %q; there are the drivers: %s", args[0], strings.Join(names, ", "))
				}
				s, err := readScript(args[0])
				if err != nil {
					return err
				}
				info = scripted.New(scripted.Config{Script: s}).Info()
				info.Name, info.Doc = args[0], s.Doc
				for _, act := range s.Actions {
					if !strings.HasPrefix(act.Name, ".") {
						m.Actions = append(m.Actions, act.Name)
					}
				}
			}
			m.Doc, m.Params = info.Doc, info.Params
			if a.json {
				return a.encode(m)
			}
			fmt.Fprint(a.out, info.Manual())
			if len(m.Actions) > 0 {
				fmt.Fprintf(a.out, "\nactions: %s\n", strings.Join(m.Actions, ", "))
			}
			return nil
		},
	}
}

// readScript reads an action script; what is wrong with it is wrong usage.
func readScript(file string) (*script.Script, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := script.Parse(file, data)
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

// tried is what a test of a script shows.
type tried struct {
	Action     string            `json:"action"`
	Code       int               `json:"code"`
	Note       string            `json:"note,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Steps      []script.Planned  `json:"steps,omitempty"` // with --dry-run
	Lines      []triedLine       `json:"lines,omitempty"` // what was said and printed
}

type triedLine struct {
	Line int    `json:"line"`
	Step string `json:"step,omitempty"`
	Text string `json:"text"`
}

func (a *app) handlerTestCommand() *cobra.Command {
	var action string
	var properties []string
	var dry, here bool
	c := &cobra.Command{
		Use:   "test FILE",
		Short: "Check an action script, and run one of its actions or show what it would do",
		Long: `Check an action script, and run one of its actions or show what it would do.

Without --action the file is only checked: all problems are shown, by line. With --dry-run
nothing is run: each step is shown as it would be if every look found something to do and
every command succeeded. Steps that run on the unit's machine are refused unless --here
says that this machine plays its part. Properties are those that a unit would have; unit.id
is "test" unless it is given.`,
		Example: `  leasehold handler test web.yaml
  leasehold handler test web.yaml --action setup --property unit.hostname=n1 --dry-run
  leasehold handler test web.yaml --action setup --property unit.hostname=n1 --here`,
		Args: oneArg("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := readScript(args[0])
			if err != nil {
				return err
			}
			given := handlers.Params{handlers.ParamUnit: "test", "action.key": "test"}
			for _, p := range properties {
				name, value, ok := strings.Cut(p, "=")
				if !ok || name == "" {
					return usage("--property is NAME=VALUE, not %q", p)
				}
				given[name] = value
			}
			if action == "" {
				return a.show(map[string]any{"file": args[0], "actions": len(s.Actions)}, func(w io.Writer) {
					row(w, fmt.Sprintf("%s: nothing is wrong with its %d actions", args[0], len(s.Actions)))
				})
			}
			if s.Action(action) == nil {
				var names []string
				for _, act := range s.Actions {
					names = append(names, act.Name)
				}
				return usage("%s has no action %q; it has: %s", args[0], action, strings.Join(names, ", "))
			}
			if dry {
				return a.planScript(s, action, given)
			}
			return a.tryScript(cmd, s, action, given, here)
		},
	}
	c.Flags().StringVar(&action, "action", "", "the action, such as setup or modify.restart")
	c.Flags().StringArrayVar(&properties, "property", nil, "a property of the unit, NAME=VALUE; may be repeated")
	c.Flags().BoolVar(&dry, "dry-run", false, "run nothing, and show what would be run")
	c.Flags().BoolVar(&here, "here", false, "run the steps of the unit's machine on this one")
	return c
}

// planScript shows what an action would do.
func (a *app) planScript(s *script.Script, action string, given handlers.Params) error {
	r, err := s.Begin(action, given)
	if err != nil {
		return err
	}
	steps, res := r.Plan()
	shown := tried{Action: action, Code: res.Code, Note: res.Note, Properties: res.Properties, Steps: steps}
	err = a.show(shown, func(w io.Writer) {
		for _, p := range steps {
			text := runner.Cmd{Args: p.Command}.String()
			switch {
			case p.Says != "":
				text = "says: " + p.Says
			case p.Asks:
				text = "unless: " + text
			}
			row(w, p.Line, dash(p.On), p.Step, text)
			for line := range strings.Lines(p.Input) {
				row(w, "", "", "", "| "+strings.TrimRight(line, "\n"))
			}
		}
	})
	if err == nil && res.Code != 0 {
		err = fmt.Errorf("line %d: %s", res.Line, res.Note)
	}
	return err
}

// tryScript runs an action.
func (a *app) tryScript(cmd *cobra.Command, s *script.Script, action string, given handlers.Params, here bool) error {
	var mu sync.Mutex
	shown := tried{Action: action}
	act := scripted.Config{Script: s, Lines: 100_000, Log: func(l scripted.Line) {
		mu.Lock()
		defer mu.Unlock()
		if a.json {
			shown.Lines = append(shown.Lines, triedLine{l.At, l.Step, l.Text})
		} else {
			fmt.Fprintf(a.err, "%d: %s: %s\n", l.At, l.Step, clean(l.Text))
		}
	}}
	all, err := wiring.Catalogue(act)
	if err != nil {
		return err
	}
	info, _ := all.Find("script")
	d := info.Driver.(*scripted.Driver)
	defer d.Close()
	var on runner.Runner = runner.Nowhere{}
	if here {
		on = thisMachine{}
	}
	for {
		res, err := d.Act(cmd.Context(), on, given, action)
		if err == nil && !res.Done {
			continue
		}
		shown.Code, shown.Note, shown.Properties = handlers.CodeOf(err), res.Note, res.Properties
		if err != nil {
			shown.Note = err.Error()
		}
		mu.Lock()
		defer mu.Unlock()
		out := a.show(shown, func(w io.Writer) {
			row(w, "action", action)
			row(w, "code", shown.Code)
			for _, name := range slices.Sorted(maps.Keys(shown.Properties)) {
				row(w, name, shown.Properties[name])
			}
		})
		if err != nil {
			return err
		}
		return out
	}
}

// thisMachine plays the part of the unit's machine, however it is to be reached.
type thisMachine struct{ localrun.Runner }

// Way is this machine too.
func (m thisMachine) Way(name string) runner.Runner {
	if name == runner.BySSH {
		return m.Runner
	}
	return nil
}

// importedScript is what becomes of an Ant file.
type importedScript struct {
	Script string     `json:"script"`
	Notes  []ant.Note `json:"notes"`
}

func (a *app) handlerImportCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Turn a handler file of a deployed actor, which is for Ant, into an action script",
		Long: `Turn a handler file of a deployed actor, which is for Ant, into an action script.

The common tasks are taken over: exec, sshexec, scp, property, echo, fail, sleep, sequential,
parallel, condition, if, antcall, mkdir, delete, copy, chmod, and what targets depend on. Every
other is told by line, and becomes a step that fails, so that the script never does less than
the file without a word. A property that is not set is an error in a script; in Ant it stays as
it is written.

The exit code is 9 when something could not be taken over.`,
		Example: `  leasehold handler import xen.xml -o xen.yaml
  leasehold handler test xen.yaml --action join --dry-run`,
		Args: oneArg("file"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			text, notes, err := ant.Import(filepath.Base(args[0]), data)
			if err != nil {
				return usageError{err}
			}
			if to != "" {
				if err := os.WriteFile(to, text, 0o644); err != nil {
					return err
				}
			}
			lost := 0
			for _, n := range notes {
				kind := "differs"
				if n.Lost {
					kind, lost = "not taken over", lost+1
				}
				if !a.json {
					fmt.Fprintf(a.err, "%s:%d: %s: %s\n", args[0], n.Line, kind, clean(n.Text))
				}
			}
			switch {
			case a.json:
				err = a.encode(importedScript{string(text), append([]ant.Note{}, notes...)})
			case to == "":
				_, err = a.out.Write(text)
			}
			if err == nil && lost > 0 {
				err = fmt.Errorf("%w: %d parts of %s, which fail in the script", manage.ErrPartial, lost, args[0])
			}
			return err
		},
	}
	c.Flags().StringVarP(&to, "output", "o", "", "write the script to this file")
	return c
}
