package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leasehold/leasehold/actors/emulate"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/spf13/cobra"
)

func (a *app) planCommand() *cobra.Command {
	var file, at, world string
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what would become of requests, without making them",
		Long: `Say what the policies would decide about requests: granted, queued until when,
refused but fitting with fewer units or at another time, or impossible. The answer
is the policy's own, on a copy of a broker's calendars; nothing is carried out.

The state is that of a scenario (see leasehold emulate --help) after a while. The
requests are in a YAML file:

  requests:
    - {units: 4, start: 2h, length: 1d, request: {elastic: "true"}}

Start is counted from then on. Each may also say manager, broker, type and name.`,
		Example: "  leasehold plan --scenario rivals --after 1d -f request.yaml",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if file == "" || world == "" {
				return usage("say which requests and where: --file and --scenario")
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
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "file with the requests (required)")
	c.Flags().StringVar(&world, "scenario", "", "scenario to plan in: a file, or an example's name (required)")
	c.Flags().StringVar(&at, "after", "1h", "how long the scenario has been playing")
	return c
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
