package main

import (
	"io"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) hostCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "host",
		Short: "The hosts of a site: list them, take one out of service, put it back",
		Example: `  leasehold host list
  leasehold host withdraw node07 --note "its fan has stopped"
  leasehold host reinstate node07`,
	}
	c.AddCommand(a.hostList(), a.hostDuty(true), a.hostDuty(false), a.hostTimes())
	quiet(c)
	return c
}

func (a *app) hostList() *cobra.Command {
	var actor string
	c := &cobra.Command{
		Use:   "list",
		Short: "List hosts, and what is on them",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			all, err := m.Places(c.Context(), actor)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) { showPlaces(w, all) })
		},
	}
	c.Flags().StringVar(&actor, "actor", "", "only this site's")
	return c
}

func showPlaces(w io.Writer, all []manage.Place) {
	row(w, "HOST", "SITE", "TYPE", "SERVICE", "FAILURES", "RESERVATION", "UNIT")
	for _, p := range all {
		service := "in"
		switch {
		case p.Out:
			service = "out"
		case p.Leaving:
			service = "leaving"
		case p.Held != "":
			service = "held: " + p.Held
		}
		row(w, p.Host, p.Actor.Name, p.Type, service, p.Failures, dash(p.Reservation), dash(p.Unit))
	}
}

func (a *app) hostDuty(out bool) *cobra.Command {
	d := manage.Duty{Out: out}
	c := &cobra.Command{
		Use:   "reinstate HOST",
		Short: "Put a host back into service that was withdrawn, or put aside because it could not be torn down",
	}
	if out {
		c.Use, c.Short = "withdraw HOST", "Take a host out of service"
		c.Long = `Take a host out of service. It is leased to nobody until it is put back. A lease with
a unit on it loses the unit: its service manager is told at once and why.`
		c.Flags().StringVar(&d.Note, "note", "", "why, for the lessee")
	}
	c.Args = oneArg("host")
	c.RunE = func(c *cobra.Command, args []string) error {
		m, err := a.client()
		if err != nil {
			return err
		}
		d.Host = args[0]
		p, err := m.SetDuty(c.Context(), d)
		if err != nil {
			return err
		}
		return a.show(p, func(w io.Writer) { showPlaces(w, []manage.Place{p}) })
	}
	c.Flags().StringVar(&d.Actor, "actor", "", "the site; needed only if several have a host of this name")
	return c
}

func (a *app) hostTimes() *cobra.Command {
	var actor string
	c := &cobra.Command{
		Use:   "times",
		Short: "How long set-up and teardown take, by resource type",
		Long: `How long set-up and teardown of units take at the sites of this server, by resource
type: the median, and what 19 of 20 stay below. Set-up is part of the lessee's term;
teardown delays the lease that comes next.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			all, err := m.Paces(c.Context(), actor)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) {
				row(w, "SITE", "TYPE", "SETUP", "19 OF 20", "MEASURED", "TEARDOWN", "19 OF 20", "MEASURED")
				for _, p := range all {
					row(w, p.Actor.Name, p.Type, p.Setup, p.SetupSlow, p.Setups, p.Teardown, p.TeardownSlow, p.Teardowns)
				}
			})
		},
	}
	c.Flags().StringVar(&actor, "actor", "", "only this site's")
	return c
}
