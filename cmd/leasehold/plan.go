package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leasehold/leasehold/actors/emulate"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/cmd/internal/group"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/spf13/cobra"
)

func (a *app) planCommand() *cobra.Command {
	var file, at, world string
	var o manage.Order
	var w wants
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what would become of requests, without making them",
		Long: `Say what would become of requests: granted, queued until when, refused but fitting
with fewer units or at another time, or impossible. The answer is what the broker
itself does, round after round, on a copy of its calendars: it comes true if nobody
else asks for anything. Nothing is carried out.

The requests are in a file as for leasehold lease request, or one is given by flags.
The broker must run in this server.

With --scenario the state is that of a scenario (see leasehold emulate --help) after a
while, and the file is

  requests:
    - {units: 4, start: 2h, length: 1d, request: {elastic: "true"}}

where start is counted from then on. Each may also say manager, broker, type and name.`,
		Example: `  leasehold plan --type site.node --units 8 --length 4h --deferrable
  leasehold plan -f group.yaml
  leasehold plan --scenario rivals --after 1d -f request.yaml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if world != "" {
				return a.planScenario(file, world, at)
			}
			if c.Flags().Changed("after") {
				return usage("--after goes with --scenario")
			}
			g, err := planned(c, file, o, w)
			if err != nil {
				return err
			}
			m, err := a.client()
			if err != nil {
				return err
			}
			verdicts, err := m.Plan(c.Context(), g)
			if err != nil {
				return err
			}
			return a.show(verdicts, func(w io.Writer) {
				for i, v := range verdicts {
					name := v.Name
					if name == "" {
						name = fmt.Sprintf("request %d", i+1)
					}
					row(w, name, v.Text)
					for _, line := range v.Details {
						row(w, "", "  "+line)
					}
				}
			})
		},
	}
	f := c.Flags()
	f.StringVarP(&file, "file", "f", "", "file with the requests; the flags below are for a single one")
	f.StringVar(&world, "scenario", "", "plan in a scenario instead: a file, or an example's name")
	f.StringVar(&at, "after", "1h", "how long the scenario has been playing")
	f.StringVar(&o.Type, "type", "", "resource type")
	f.IntVar(&o.Units, "units", 1, "how many units")
	f.StringVar(&o.Start, "start", "", "when it starts; default now")
	f.StringVar(&o.End, "end", "", "when it ends")
	f.StringVar(&o.Length, "length", "", "how long it lasts, such as 90m or 2d")
	f.StringVar(&o.Slice, "slice", "plan", "name of the guest the units would be for")
	f.StringVar(&o.Actor, "manager", "", "service manager; needed only if there are several")
	f.StringVar(&o.Broker, "broker", "", "broker to ask; default the manager's own")
	f.StringToStringVar(&o.Request, "request", nil, "properties for the broker's policy, as in elastic=true")
	w.flags(c)
	return c
}

// planned is the requests that somebody thinks about.
func planned(c *cobra.Command, file string, o manage.Order, w wants) (manage.Group, error) {
	if file == "" {
		if o.Type == "" || o.End == "" && o.Length == "" {
			return manage.Group{}, usage("say what and how long: --file, or --type and --length")
		}
		err := w.into(c, &o)
		actor := o.Actor
		o.Actor = ""
		return manage.Group{Actor: actor, Orders: []manage.Order{o}}, err
	}
	for _, name := range []string{"type", "units", "start", "end", "length", "slice", "broker", "request", "at-least", "deferrable", "deadline", "priority"} {
		if c.Flags().Changed(name) {
			return manage.Group{}, usage("--%s is said in the file", name)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return manage.Group{}, err
	}
	g, err := group.Parse(file, data)
	if err != nil {
		return g, usage("%w", err)
	}
	if o.Actor != "" {
		g.Actor = o.Actor
	}
	return g, nil
}

// planScenario plans in a scenario after a while.
func (a *app) planScenario(file, world, at string) error {
	if file == "" {
		return usage("say which requests: --file")
	}
	s, err := scenario(world)
	if err != nil {
		return err
	}
	after, err := manage.ParseLength(at)
	if err != nil {
		return usage("--after: %w", err)
	}
	if after > time.Duration(s.Length) {
		return usage("--after: %s is later than the end of the scenario, after %s", at, time.Duration(s.Length))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	wishes, err := emulate.ParseWishes(file, data)
	if err != nil {
		return usage("%w", err)
	}
	verdicts, err := emulate.Plan(s, wiring.Policies(), emulate.Length(after), wishes)
	if err != nil {
		return err
	}
	return a.show(verdicts, func(w io.Writer) { showVerdicts(w, verdicts) })
}

func showVerdicts(w io.Writer, verdicts []policy.Verdict) {
	for _, v := range verdicts {
		row(w, v.Reservation, v.Text)
		for _, line := range v.Details {
			row(w, "", "  "+line)
		}
	}
}

func (a *app) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain RESERVATION",
		Short: "Say what a broker decided about a reservation, and why",
		Long: `Say what a broker of this server decided about a reservation: the verdict, the rule
that decided, which turn it had among how many, and what spoke for and against each
source of units.`,
		Args:              oneArg("reservation"),
		ValidArgsFunction: a.completeReservation,
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			known, err := m.Actors(c.Context())
			if err != nil {
				return err
			}
			var last error
			for _, k := range known {
				if k.Role != "broker" {
					continue
				}
				r, err := m.Show(c.Context(), manage.Ref{Actor: k.ID, Reservation: args[0]})
				if err != nil {
					last = err
					continue
				}
				if r.Decision == nil {
					r.Decision = []string{"nothing has been decided yet"}
				}
				if all, _ := m.Paces(c.Context(), ""); !r.End.IsZero() {
					for _, p := range all {
						if p.Type == r.Type {
							r.Decision = append(r.Decision, p.Advise(r.End.Sub(r.Start))...)
						}
					}
				}
				return a.show(r.Decision, func(w io.Writer) {
					for _, line := range r.Decision {
						fmt.Fprintln(w, clean(line))
					}
				})
			}
			if last == nil {
				last = usage("no broker runs here: ask where it does")
			}
			return last
		},
	}
	return c
}
