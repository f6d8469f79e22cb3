package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cod/inventory"
	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/spf13/cobra"
)

func (a *app) codHost() *cobra.Command {
	c := &cobra.Command{
		Use:   "host",
		Short: "The inventory: which machines a site has",
		Long: `The inventory of a site: entries of class codHost below ou=hosts. As soon as it has a
machine of a resource type, it says what machines of that type there are, and the
configuration's pool of that type counts no more.

A machine that is held, or whose codHealth is not good, is not assigned; a lease on it
goes on. One that is removed is leased to nobody any more.`,
	}
	c.AddCommand(a.codHostAdd(), a.codHostList(), a.codHostShow(), a.codHostRemove(), a.codHostImport(), a.codHostHold(), a.codHostRelease())
	quiet(c)
	return c
}

// hostFacts is the flags that describe a machine.
type hostFacts struct {
	typ, mac, ip, serial, health, description string
	memory, cpu, bandwidth                    int
	properties                                map[string]string
}

func (o *hostFacts) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.typ, "type", "", "resource type it is leased as")
	f.IntVar(&o.memory, "memory", 0, "memory, MiB")
	f.IntVar(&o.cpu, "cpu", 0, "processors, hundredths of a core")
	f.IntVar(&o.bandwidth, "bandwidth", 0, "network, kbit/s")
	f.StringToStringVar(&o.properties, "property", nil, "anything else that drivers should know, as in rack=7")
}

func (o *hostFacts) one(c *cobra.Command) {
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.mac, "mac", "", "hardware address it boots with")
	f.StringVar(&o.ip, "address", "", "an IP address of its own, for management; no node gets it")
	f.StringVar(&o.serial, "serial", "", "serial number")
	f.StringVar(&o.health, "health", "", "good, suspect, quarantined or retired; only good machines are assigned")
	f.StringVar(&o.description, "description", "", "for people")
}

// host is what the flags say.
func (o *hostFacts) host() (h ldapschema.InventoryHost, err error) {
	h = ldapschema.InventoryHost{Type: o.typ, Memory: o.memory, CPU: o.cpu, Bandwidth: o.bandwidth, Serial: o.serial, Health: o.health,
		Description: o.description, Properties: o.properties}
	var wrong []error
	if o.mac != "" {
		if h.MAC, err = inventory.Hardware(o.mac); err != nil {
			wrong = append(wrong, fmt.Errorf("--mac: %w", err))
		}
	}
	if o.ip != "" {
		if h.IP, err = netip.ParseAddr(o.ip); err != nil {
			wrong = append(wrong, fmt.Errorf("--address: %w", err))
		}
	}
	switch o.health {
	case "", "good", "suspect", "quarantined", "retired":
	default:
		wrong = append(wrong, fmt.Errorf("--health: %q is not good, suspect, quarantined or retired", o.health))
	}
	if o.memory < 0 || o.cpu < 0 || o.bandwidth < 0 {
		wrong = append(wrong, errors.New("sizes are not negative"))
	}
	if len(wrong) > 0 {
		return h, usage("%w", errors.Join(wrong...))
	}
	return h, nil
}

func (a *app) codHostAdd() *cobra.Command {
	var o deskFlags
	var facts hostFacts
	var replace bool
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Put a machine into the inventory, or change one with --replace",
		Example: `  leasehold cod host add node07 --type site.node --mac 52:54:00:00:00:07 --memory 8192
  leasehold cod host add node07 --replace --memory 16384`,
		Args: oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			h, err := facts.host()
			if err != nil {
				return err
			}
			if h.Type == "" && !replace {
				return usage("--type is needed: the resource type it is leased as")
			}
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) {
				return d.AddHost(c.Context(), args[0], replace, h)
			})
		},
	}
	o.change(c)
	facts.one(c)
	c.Flags().BoolVar(&replace, "replace", false, "change what is there already; what no flag names stays as it is")
	return c
}

func (a *app) codHostList() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the inventory, and what is on each machine",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				all, err := d.Hosts(c.Context())
				if err != nil {
					return err
				}
				return a.show(all, func(w io.Writer) {
					row(w, "HOST", "TYPE", "MAC", "MEMORY", "STATUS", "NODES", "LEASE ENDS")
					for _, h := range all {
						row(w, h.Name, h.Type, dash(h.MAC), size(h.Memory), hostStatus(h), dash(strings.Join(h.Nodes, " ")), when(h.LeaseEnd))
					}
				})
			})
		},
	}
	o.directoryFlags.flags(c)
	return c
}

func size(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// hostStatus is whether a machine may be assigned, and why not.
func hostStatus(h upkeep.Host) string {
	switch {
	case h.Problem != "":
		return "unreadable: " + h.Problem
	case h.Hold != "":
		return "held: " + h.Hold
	case h.Health != "" && !strings.EqualFold(h.Health, "good"):
		return h.Health
	}
	return "good"
}

func (a *app) codHostShow() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show one machine of the inventory",
		Args:  oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				h, err := d.Host(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.show(h, func(w io.Writer) {
					for _, f := range [][2]string{{"name", h.Name}, {"aliases", strings.Join(h.Aliases, " ")}, {"type", h.Type}, {"status", hostStatus(h)},
						{"mac", h.MAC}, {"address", h.Address}, {"memory", size(h.Memory)}, {"cpu", size(h.CPU)}, {"bandwidth", size(h.Bandwidth)},
						{"serial", h.Serial}, {"note", h.Note}, {"description", h.Description}, {"nodes", strings.Join(h.Nodes, " ")},
						{"lease ends", when(h.LeaseEnd)}, {"entry", string(h.Entry)}} {
						if f[1] != "" && f[1] != "-" {
							row(w, f[0], f[1])
						}
					}
					for _, k := range slices.Sorted(maps.Keys(h.Properties)) {
						row(w, "property", k+"="+h.Properties[k])
					}
				})
			})
		},
	}
	o.directoryFlags.flags(c)
	return c
}

func (a *app) codHostRemove() *cobra.Command {
	var o deskFlags
	var force bool
	c := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a machine out of the inventory",
		Long: `Take a machine out of the inventory. One that a node is on is refused; with --force
its lease goes on, and the machine goes with it. An entry that other tools have made
more of than a machine stays, and only what makes it one of the inventory is removed.`,
		Args: oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) { return d.RemoveHost(c.Context(), args[0], force) })
		},
	}
	o.change(c)
	c.Flags().BoolVar(&force, "force", false, "also when a node is on it")
	return c
}

func (a *app) codHostHold() *cobra.Command {
	var o deskFlags
	var note string
	c := &cobra.Command{
		Use:   "hold NAME",
		Short: "Keep a machine from being assigned; a lease on it goes on",
		Args:  oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) { return d.HoldHost(c.Context(), args[0], whyHeld(note)) })
		},
	}
	o.change(c)
	c.Flags().StringVar(&note, "note", "", "why, for others")
	return c
}

func (a *app) codHostRelease() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "release NAME",
		Short: "Let a machine be assigned again that was held",
		Args:  oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) { return d.ReleaseHost(c.Context(), args[0]) })
		},
	}
	o.change(c)
	return c
}

// hostImport is what an import says.
type hostImport struct {
	upkeep.Report
	Notes []fileNote `json:"notes"`
}

// fileNote is what was not understood, and where.
type fileNote struct {
	File string `json:"file"`
	inventory.Note
}

func (a *app) codHostImport() *cobra.Command {
	var o deskFlags
	var facts hostFacts
	var replace bool
	var dhcp, hosts, ethers, ldif string
	c := &cobra.Command{
		Use:   "import",
		Short: "Put machines into the inventory from lists that a site has already",
		Long: `Put machines into the inventory from the host declarations of an ISC dhcpd.conf, from
a hosts file and an ethers file, or from LDIF. What was not understood or not taken
over is listed by line. Machines that are there already, otherwise, are skipped unless
--replace is given. --type and sizes are for those whose list says none.

The exit code is 9 when something was skipped or not understood.`,
		Example: `  leasehold cod host import --type site.node --dhcp /etc/dhcp/dhcpd.conf --dry-run
  leasehold cod host import --type site.node --hosts /etc/hosts --ethers /etc/ethers
  leasehold cod host import --ldif hosts.ldif --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			given, err := facts.host()
			if err != nil {
				return err
			}
			kinds := 0
			for _, is := range []bool{dhcp != "", hosts != "" || ethers != "", ldif != ""} {
				if is {
					kinds++
				}
			}
			if kinds != 1 {
				return usage("say what to read: --dhcp, or --hosts and --ethers, or --ldif")
			}
			read, file, err := readInventory(dhcp, hosts, ethers, ldif)
			if err != nil {
				return err
			}
			out := hostImport{Notes: []fileNote{}}
			for _, n := range read.Notes {
				out.Notes = append(out.Notes, fileNote{file, n})
			}
			var machines []ldapschema.InventoryHost
			for i, h := range read.Hosts {
				if h = withFacts(h, given); h.Type == "" && !replace {
					out.Notes = append(out.Notes, fileNote{file, inventory.Note{Line: read.Lines[i], Text: h.Name + ": no resource type is known; give --type; not taken"}})
					continue
				}
				machines = append(machines, h)
			}
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				var err error
				out.Report, err = d.ImportHosts(c.Context(), machines, replace)
				if shown := a.show(out, func(w io.Writer) {
					for _, n := range out.Notes {
						fmt.Fprintln(w, clean(n.File+": "+n.Note.String()))
					}
					tableReport(w, out.Report)
				}); shown != nil {
					return shown
				}
				if err == nil && (out.Skipped > 0 || len(out.Notes) > 0) {
					err = fmt.Errorf("%w: %d machines skipped, %d notes", manage.ErrPartial, out.Skipped, len(out.Notes))
				}
				return err
			})
		},
	}
	o.change(c)
	facts.flags(c)
	f := c.Flags()
	f.StringVar(&dhcp, "dhcp", "", "a dhcpd.conf; - reads standard input")
	f.StringVar(&hosts, "hosts", "", "a hosts file")
	f.StringVar(&ethers, "ethers", "", "an ethers file")
	f.StringVar(&ldif, "ldif", "", "entries as LDIF")
	f.BoolVar(&replace, "replace", false, "change machines that are there already; what the list does not say stays as it is")
	return c
}

// readInventory reads the one list that is named.
func readInventory(dhcp, hosts, ethers, ldif string) (r inventory.Reading, file string, err error) {
	text := func(path string) string {
		if path == "" || err != nil {
			return ""
		}
		var data []byte
		in := os.Stdin
		if path != "-" {
			if in, err = os.Open(path); err != nil {
				return ""
			}
			defer in.Close()
		}
		data, err = io.ReadAll(io.LimitReader(in, inventory.MaxBytes+1))
		return string(data)
	}
	switch {
	case dhcp != "":
		if t := text(dhcp); err == nil {
			r, err = inventory.DHCP(t)
		}
		return r, dhcp, err
	case ldif != "":
		if t := text(ldif); err == nil {
			r, err = inventory.LDIF(t)
		}
		return r, ldif, err
	}
	h, e := text(hosts), text(ethers)
	if err == nil {
		r, err = inventory.Files(h, e)
	}
	if file = hosts; file == "" {
		file = ethers
	}
	return r, file, err
}

// withFacts fills in what a list does not say.
func withFacts(h, given ldapschema.InventoryHost) ldapschema.InventoryHost {
	if h.Type == "" {
		h.Type = given.Type
	}
	if h.Memory == 0 {
		h.Memory = given.Memory
	}
	if h.CPU == 0 {
		h.CPU = given.CPU
	}
	if h.Bandwidth == 0 {
		h.Bandwidth = given.Bandwidth
	}
	for k, v := range given.Properties {
		if _, ok := h.Properties[k]; !ok {
			if h.Properties == nil {
				h.Properties = map[string]string{}
			}
			h.Properties[k] = v
		}
	}
	return h
}
