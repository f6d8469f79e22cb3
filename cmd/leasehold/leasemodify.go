package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) leaseModify() *cobra.Command {
	var m manage.Modification
	var wait bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "modify RESERVATION SUBCOMMAND [NAME=VALUE...]",
		Short: "Run a subcommand of the site's driver on every unit of a lease",
		Long: `Run a subcommand of the site's driver on every unit of a lease: restart it, give it
a key, resize it. Units and term stay as they are, and a unit whose modify fails
stays in service. Results are unit properties: with modify number 2,
unit.modify.2.code is 0 where it succeeded, and unit.modify.2.message says more.`,
		Example: `  leasehold lease modify 4f0c restart --wait
  leasehold lease modify 4f0c ssh config.ssh.user1.login=ada config.ssh.user1.keys="ssh-ed25519 AAAA..."`,
		Args:              minArgs(2, "a reservation and a subcommand"),
		ValidArgsFunction: a.completeReservation,
		RunE: func(c *cobra.Command, args []string) error {
			m.Reservation, m.Subcommand = args[0], args[1]
			for _, arg := range args[2:] {
				name, value, ok := strings.Cut(arg, "=")
				if !ok || name == "" {
					return usage("argument %q is not NAME=VALUE", arg)
				}
				if m.Arguments == nil {
					m.Arguments = map[string]string{}
				}
				m.Arguments[name] = value
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			r, err := cl.Modify(c.Context(), m)
			if err != nil {
				return err
			}
			if !wait {
				return a.showReservation(r)
			}
			r, err = cl.Wait(c.Context(), manage.Goal{Ref: manage.Ref{Actor: r.Actor.ID, Reservation: r.Reservation},
				States: []string{"Active", "ActiveTicketed"}, Settled: true, Timeout: timeout})
			if r.Reservation != "" {
				err = errors.Join(a.showReservation(r), err)
			}
			if err == nil {
				err = modifyFailures(r)
			}
			return err
		},
	}
	refFlags(c, &m.Ref)
	c.Flags().IntVar(&m.Number, "number", 0, "running number of this modify, to repeat it safely; 0 takes the next")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the site has answered; exit code 9 if it failed on some units, 1 if on all")
	c.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "how long --wait waits")
	return c
}

// modifyFailures says on which units the last modify failed.
func modifyFailures(r manage.Reservation) error {
	var bad []string
	for _, u := range r.Held {
		n, err := strconv.Atoi(u.Properties[actors.ResultNumber])
		if err != nil {
			continue
		}
		if code, message, ok := actors.Properties(u.Properties).ModifyOutcome(n); ok && code != 0 {
			bad = append(bad, fmt.Sprintf("unit %s: code %d: %s", u.ID, code, message))
		}
	}
	switch {
	case len(bad) == 0:
		return nil
	case len(bad) < len(r.Held):
		return fmt.Errorf("%w: %s", manage.ErrPartial, strings.Join(bad, "; "))
	}
	return errors.New(strings.Join(bad, "; "))
}
