package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/spf13/cobra"
)

// siteFlags is the flags of commands that are about one site of a configuration, or
// about one that is described by flags.
type siteFlags struct {
	actor, network, domain, schema string
}

func (o *siteFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.actor, "actor", "", "the site authority; needed only if several of the configuration keep clusters")
	f.StringVar(&o.network, "network", "", "without a configuration: IPv4 network that nodes get their addresses in")
	f.StringVar(&o.domain, "domain", "", "without a configuration: DNS zone of the nodes")
	f.StringVar(&o.schema, "schema", "rfc2307", "without a configuration: schema of people and groups, rfc2307 or rfc2307bis")
}

// site is what the configuration or the flags say, and the authority if it is one of
// a configuration's.
func (a *app) site(o siteFlags, directory string) (c cod.Config, actor config.Actor, err error) {
	if o.network != "" || o.domain != "" || a.config == "" && directory != "" {
		return o.described(directory)
	}
	path, err := a.configPath()
	if err != nil {
		return c, actor, err
	}
	conf, err := config.Load(path)
	if err != nil {
		return c, actor, err
	}
	var sites []config.Actor
	var names []string
	for _, act := range conf.Actors {
		if act.COD != nil && (o.actor == "" || act.Name == o.actor) {
			sites, names = append(sites, act), append(names, act.Name)
		}
	}
	switch {
	case len(sites) == 0:
		return c, actor, usage("%s has no site that keeps clusters in a directory (cod:)", path)
	case len(sites) > 1:
		return c, actor, usage("which site? give --actor: %s", strings.Join(names, ", "))
	}
	c, err = wiring.SiteConfig(conf, sites[0])
	return c, sites[0], err
}

// described is a site without a configuration.
func (o siteFlags) described(directory string) (c cod.Config, _ config.Actor, err error) {
	c = cod.Config{Owner: "leasehold", Domain: o.domain, Bis: o.schema == "rfc2307bis"}
	if o.schema != "rfc2307" && !c.Bis {
		return c, config.Actor{}, usage("--schema: %q is neither rfc2307 nor rfc2307bis", o.schema)
	}
	if o.network == "" || o.domain == "" {
		return c, config.Actor{}, usage("without a configuration, --network and --domain are needed")
	}
	if c.Network, err = netip.ParsePrefix(o.network); err != nil {
		return c, config.Actor{}, usage("--network: %w", err)
	}
	if at := strings.Index(directory, "://"); at >= 0 {
		_, base, _ := strings.Cut(directory[at+3:], "/")
		c.Base = ldapschema.DN(base)
	}
	return c, config.Actor{}, nil
}

func (a *app) codInit() *cobra.Command {
	var o deskFlags
	var s siteFlags
	var apply, pools bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Lay the tree of a site in its directory",
		Long: `Lay the tree of a site in its directory: the branches that other tools expect (RFC
2307), the DHCP service with one subnet as wide as the site's network, and the DNS
zones. Without --apply nothing is written, and what would be is shown as LDIF. It may
be repeated: what is there stays as it is, whoever made it.

The server's schema is looked at first; what it lacks is named, with how to load it.
With --pools the machines that the configuration lists become the inventory.`,
		Example: `  leasehold cod init --config site/leasehold.yaml
  leasehold cod init --config site/leasehold.yaml --apply --pools
  leasehold cod init --directory ldaps://ldap.site.test/dc=site,dc=test --bind-dn cn=admin,dc=site,dc=test \
    --password-file secret --network 10.99.0.0/16 --domain site.test --apply`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, actor, err := a.site(s, o.directory)
			if err != nil {
				return err
			}
			if pools && actor.Name == "" {
				return usage("--pools needs a configuration")
			}
			o.dry = !apply
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				conf.Base = d.Base
				notes, err := d.CheckServer(c.Context(), conf.Bis)
				if err != nil {
					return err
				}
				r, err := d.Lay(c.Context(), conf)
				if err == nil && pools {
					var more upkeep.Report
					more, err = d.ImportHosts(c.Context(), wiring.Pools(actor), false)
					r.Join(more)
				}
				if shown := a.show(laying{r, notes}, func(w io.Writer) {
					for _, n := range notes {
						fmt.Fprintln(w, "note: "+n)
					}
					tableReport(w, r)
					if r.Dry && r.Changed > 0 && err == nil {
						fmt.Fprintln(w, "nothing was written; --apply does it")
					}
				}); shown != nil {
					return shown
				}
				return err
			})
		},
	}
	o.directoryFlags.flags(c)
	s.flags(c)
	f := c.Flags()
	f.BoolVar(&apply, "apply", false, "write what would be shown")
	f.BoolVar(&pools, "pools", false, "put the machines of the configuration's pools into the inventory too")
	return c
}

// laying is what init says.
type laying struct {
	upkeep.Report
	Notes []string `json:"notes,omitempty"`
}

func (a *app) codSchema() *cobra.Command {
	var ldif bool
	var site []string
	for _, f := range ldapschema.Loadable() {
		site = append(site, string(f))
	}
	known := append(slices.Clone(site), string(ldapschema.NISBis), string(ldapschema.Recovery))
	c := &cobra.Command{
		Use:   "schema [FAMILY...]",
		Short: "Print the schema that a directory's server needs beside its own",
		Long: `Print schema for OpenLDAP, as a .schema file or, with --ldif, as entries of cn=config
that are loaded while the server runs. Without a family, all that a site needs beside
what OpenLDAP ships: ` + strings.Join(site, ", ") + `.
The family recovery is for servers that keep actors' records. The family rfc2307bis takes the place of OpenLDAP's
own nis.schema and of automount, and neither can be loaded beside it.`,
		Example: `  leasehold cod schema > /etc/ldap/schema/leasehold.schema
  leasehold cod schema --ldif | ldapadd -Y EXTERNAL -H ldapi:///`,
		ValidArgs: known,
		RunE: func(_ *cobra.Command, args []string) error {
			families := ldapschema.Loadable()
			if len(args) > 0 {
				families = nil
			}
			for _, arg := range args {
				if !slices.Contains(known, arg) {
					return usage("there is no family %q; there are %s", arg, strings.Join(known, ", "))
				}
				families = append(families, ldapschema.Family(arg))
			}
			text := ldapschema.SchemaText(families...)
			if ldif {
				text = ldapschema.SchemaLDIF(families...)
			}
			if a.json {
				return a.encode(map[string]string{"schema": text})
			}
			_, err := io.WriteString(a.out, text)
			return err
		},
	}
	c.Flags().BoolVar(&ldif, "ldif", false, "as entries of cn=config")
	return c
}
