package main

import (
	"fmt"
	"io"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) actorCommand() *cobra.Command {
	c := &cobra.Command{Use: "actor", Short: "The actors of a server"}
	c.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the actors the server hosts, and how they are doing",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			list, err := m.Actors(c.Context())
			if err != nil {
				return err
			}
			return a.show(list, func(w io.Writer) {
				row(w, "NAME", "ROLE", "GUID", "CYCLE", "HEALTH", "URL")
				for _, i := range list {
					row(w, i.Name, i.Role, i.ID, i.Cycle, health(i), dash(i.URL))
				}
			})
		},
	})
	c.AddCommand(a.actorAside(), a.actorRestore(), a.actorDrop())
	quiet(c)
	return c
}

// health is an actor's condition in a few words.
func health(i manage.ActorInfo) string {
	switch {
	case !i.Running:
		return "stopped"
	case i.Stalled != "":
		return "store refuses since " + when(i.StalledAt) + ": " + i.Stalled
	case !i.StandsUntil.IsZero():
		return "clock was set back: stands still until " + when(i.StandsUntil)
	case i.Quarantined > 0:
		return fmt.Sprintf("%d records set aside; see leasehold actor aside", i.Quarantined)
	}
	return "ok"
}
