package main

import (
	"fmt"
	"io"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Delegate units of a site to brokers, and claim what was delegated",
		Example: `  leasehold export add --to broker --type site.node --units 20 --length 1w
  leasehold export list
  leasehold export claim 4f0c2e1a-... --from site`,
	}
	c.AddCommand(a.exportAdd(), a.exportList(), a.exportClaim())
	quiet(c)
	return c
}

func (a *app) exportAdd() *cobra.Command {
	var e manage.Export
	c := &cobra.Command{
		Use:   "add",
		Short: "Delegate units to a broker",
		Long: `Delegate units of a type to a broker, for as long as said. The delegation stays
over restarts, like those in the configuration. A broker of the same server claims
it at once; one elsewhere is told its name, and claims it by that.

Properties are certified with the delegation. The sizes cpu, memory, bandwidth and
storage say how large a host is; then the broker can sell slivers of it, and hosts
says from how many hosts the units are cut if that is not one each.`,
		Example: `  leasehold export add --to broker --type site.node --units 20 --length 1w
  leasehold export add --to broker --type site.vm --units 40 --end 2031-01-01 --set cpu=8,memory=16384,hosts=10`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			d, err := m.Export(c.Context(), e)
			if err != nil {
				return err
			}
			return a.show(d, func(w io.Writer) {
				row(w, "delegation", d.ID)
				row(w, "of", d.Actor.Name)
				row(w, "to", party(&d.Holder))
				row(w, "what", fmt.Sprintf("%d of %s", d.Units, d.Type))
				row(w, "term", when(d.Start)+" to "+when(d.End))
				for _, k := range actors.Properties(d.Properties).Keys() {
					row(w, k, d.Properties[k])
				}
				if d.Claimed != "" {
					row(w, "claimed by", d.Claimed)
				}
			})
		},
	}
	f := c.Flags()
	f.StringVar(&e.To, "to", "", "broker that gets the units (required)")
	f.StringVar(&e.Type, "type", "", "resource type (required)")
	f.IntVar(&e.Units, "units", 1, "how many units")
	f.StringVar(&e.Start, "start", "", "when it starts; default the beginning of the site's clock")
	f.StringVar(&e.End, "end", "", "when it ends")
	f.StringVar(&e.Length, "length", "", "how long it lasts from now, or from --start, such as 90m or 2d")
	f.StringToStringVar(&e.Properties, "set", nil, "certified properties, as in memory=16384")
	f.StringVar(&e.Actor, "site", "", "site that delegates; needed only if there are several")
	return c
}

func (a *app) exportList() *cobra.Command {
	var site string
	c := &cobra.Command{
		Use:   "list",
		Short: "List what sites have delegated, and how much of it is leased",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			list, err := m.Delegations(c.Context(), site)
			if err != nil && list == nil {
				return err
			}
			return partly(a.show(list, func(w io.Writer) {
				row(w, "DELEGATION", "SITE", "TO", "TYPE", "UNITS", "LEASED", "FROM", "TO", "PROPERTIES")
				for _, d := range list {
					props := ""
					for _, k := range actors.Properties(d.Properties).Keys() {
						props += " " + k + "=" + d.Properties[k]
					}
					row(w, d.ID, d.Actor.Name, party(&d.Holder), d.Type, d.Units, d.Redeemed, when(d.Start), when(d.End), dash(trim(props)))
				}
			}), err)
		},
	}
	c.Flags().StringVar(&site, "site", "", "only this site's")
	return c
}

func (a *app) exportClaim() *cobra.Command {
	var cl manage.Claim
	c := &cobra.Command{
		Use:   "claim DELEGATION",
		Short: "Make a broker fetch what a site has delegated to it",
		Args:  oneArg("delegation"),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			cl.Reservation = args[0]
			if err := m.Claim(c.Context(), cl); err != nil {
				return err
			}
			return a.show(cl, func(w io.Writer) { row(w, "claimed", cl.Reservation+" from "+cl.From) })
		},
	}
	c.Flags().StringVar(&cl.From, "from", "", "site that delegated it (required)")
	c.Flags().StringVar(&cl.Actor, "broker", "", "broker that claims; needed only if there are several")
	return c
}
