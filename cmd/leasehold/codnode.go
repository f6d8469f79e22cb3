package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/spf13/cobra"
)

func (a *app) codNode() *cobra.Command {
	c := &cobra.Command{
		Use:   "node",
		Short: "The nodes of virtual clusters: list them, hold one, let it go",
		Long: `The nodes of virtual clusters, as the directory shows them. A node is named by its host
name, with its cluster's name behind a dot where that alone is not clear, or by its
unit.`,
	}
	c.AddCommand(a.codNodeList(), a.codNodeShow(), a.codNodeHold(), a.codNodeRelease(), a.codNodeConsole(), a.codNodeKeys())
	quiet(c)
	return c
}

func (a *app) codNodeList() *cobra.Command {
	var o deskFlags
	var cluster string
	c := &cobra.Command{
		Use:   "list",
		Short: "List nodes with their states and leases",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				all, err := d.Nodes(c.Context())
				if err != nil {
					return err
				}
				shown := []upkeep.Node{}
				for _, n := range all {
					if cluster == "" || n.Cluster == cluster {
						shown = append(shown, n)
					}
				}
				return a.show(shown, func(w io.Writer) {
					row(w, "NODE", "STATE", "ADDRESS", "MAC", "HOST", "IMAGE", "LEASE ENDS", "HELD")
					for _, n := range shown {
						row(w, n.Name+"."+n.Cluster, nodeState(n), dash(n.Address), dash(n.MAC), dash(n.Host), dash(n.Image), when(n.LeaseEnd), dash(n.Hold))
					}
				})
			})
		},
	}
	o.directoryFlags.flags(c)
	c.Flags().StringVar(&cluster, "cluster", "", "only this cluster's")
	return c
}

func nodeState(n upkeep.Node) string {
	if n.Problem != "" {
		return "unreadable: " + n.Problem
	}
	return dash(n.State)
}

func (a *app) codNodeShow() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "show NODE",
		Short: "Show one node",
		Args:  oneArg("node"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				n, err := d.Node(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.show(n, func(w io.Writer) {
					for _, f := range [][2]string{{"node", n.Name + "." + n.Cluster}, {"state", nodeState(n)}, {"means", cod.Explain(n.State)}, {"held", n.Hold}, {"note", n.Note}, {"health", n.Health},
						{"address", n.Address}, {"public", n.Public}, {"mac", n.MAC}, {"host", n.Host}, {"virtual, on", n.Machine}, {"host key", n.HostKey}, {"type", n.Type}, {"image", n.Image}, {"boots", n.Boot},
						{"slice", n.Slice}, {"lease", n.Lease}, {"lease ends", when(n.LeaseEnd)}, {"unit", n.Unit}, {"authority", n.Owner}, {"entry", string(n.Entry)}} {
						if f[1] != "" && f[1] != "-" {
							row(w, f[0], f[1])
						}
					}
				})
			})
		},
	}
	o.directoryFlags.flags(c)
	return c
}

func (a *app) codNodeHold() *cobra.Command {
	var o deskFlags
	var note string
	c := &cobra.Command{
		Use:   "hold NODE",
		Short: "Keep the authority from working on a node",
		Long: `Keep the authority from working on a node: it is left as it is, and so are its entries,
until it is released. What its lease asks for meanwhile, its end too, is done then.

The holder of the lease reads the note too, as the property unit.hold of its unit.`,
		Args: oneArg("node"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) { return d.HoldNode(c.Context(), args[0], whyHeld(note)) })
		},
	}
	o.change(c)
	c.Flags().StringVar(&note, "note", "", "why, for others")
	return c
}

func (a *app) codNodeRelease() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "release NODE",
		Short: "Let the authority work on a node again that was held",
		Args:  oneArg("node"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) { return d.ReleaseNode(c.Context(), args[0]) })
		},
	}
	o.change(c)
	return c
}

func (a *app) codNodeKeys() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "keys [NODE...]",
		Short: "Print the nodes' host keys as lines of known_hosts",
		Long: `Print the host keys of nodes, which the site gave them and the directory tells, as lines of
known_hosts. A first login is verified with them:

  leasehold cod node keys > ~/.ssh/known_hosts.site
  ssh -o UserKnownHostsFile=~/.ssh/known_hosts.site web1.web.site.example

Nodes whose images keep keys of their own are left out.`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				var nodes []upkeep.Node
				for _, name := range args {
					n, err := d.Node(c.Context(), name)
					if err != nil {
						return err
					}
					nodes = append(nodes, n)
				}
				if len(args) == 0 {
					var err error
					if nodes, err = d.Nodes(c.Context()); err != nil {
						return err
					}
				}
				type known struct {
					Names []string `json:"names"`
					Key   string   `json:"key"`
				}
				shown := []known{}
				for _, n := range nodes {
					if n.HostKey != "" && n.Problem == "" {
						shown = append(shown, known{append(append([]string{}, n.Aliases...), n.Name, n.Address), n.HostKey})
					}
				}
				return a.show(shown, func(w io.Writer) {
					for _, k := range shown {
						fmt.Fprintln(w, strings.Join(k.Names, ",")+" "+k.Key)
					}
				})
			})
		},
	}
	o.directoryFlags.flags(c)
	return c
}
