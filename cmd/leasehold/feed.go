package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod/boot"
	"github.com/leasehold/leasehold/cod/dns"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

func (a *app) feedCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "feed",
		Short: "Keep daemons as the directory says, whether or not the authority runs",
		Long: `Keep daemons that do not read the directory themselves as the directory says. Each
feed is a process of its own: it goes on while the authority is away.

The directory's server must let it watch: in OpenLDAP, overlay syncprov, and no size
limit for whom the feed binds as.`,
	}
	c.AddCommand(a.feedDNSCommand(), a.feedBootCommand(), a.feedExportsCommand())
	return c
}

// feedSource is the flags of every feed.
type feedSource struct {
	directoryFlags
	maxRemoval int
	verify     time.Duration
	once, dry  bool
	level      string
}

func (o *feedSource) flags(c *cobra.Command) {
	o.directoryFlags.flags(c)
	f := c.Flags()
	f.IntVar(&o.maxRemoval, "max-removal", feed.DefaultShare, "percent of what the daemon has that one comparison may remove")
	f.DurationVar(&o.verify, "verify-every", time.Hour, "how often everything is compared although nothing happened")
	f.BoolVar(&o.once, "once", false, "compare once, mend, say what was different and end")
	f.BoolVar(&o.dry, "dry-run", false, "with --once: change nothing")
	f.StringVar(&o.level, "log-level", "info", "debug, info, warning or error")
}

// source is what the flags say about the directory, as far as that is right.
func (a *app) source(o feedSource, wrong *mistakes) (where wiring.DirectorySource, out feed.Source, err error) {
	if where, err = a.where(o.directoryFlags, wrong); err != nil {
		return where, out, err
	}
	if where.Embedded() {
		wrong.add("the configuration's directory is inside the server and goes away with it; a feed needs one that runs by itself")
	}
	if o.dry && !o.once {
		wrong.add("--dry-run goes with --once")
	}
	if o.maxRemoval < 0 || o.maxRemoval > 100 {
		wrong.add("--max-removal is a share, 0 to 100 percent")
	}
	level, err := logrus.ParseLevel(o.level)
	if err != nil {
		wrong.add("--log-level: %w", err)
	}
	out = feed.Source{Base: where.Base, Verify: o.verify, Log: logger(config.Log{Level: level.String()}, a.err)}
	return where, out, nil
}

// A follower keeps one kind of daemon; R is what one comparison reports.
type follower[R any] interface {
	Run(ctx context.Context)
	Once(ctx context.Context, dry bool) (R, error)
}

// follow makes a follower of the directory and lets it run, or compare once and report, as
// the flags say. build gives the follower and where its source belongs, and adds what is
// wrong with the flags of its own.
func follow[R any](ctx context.Context, a *app, o feedSource, build func(wrong *mistakes) (follower[R], *feed.Source), table func(io.Writer, R)) error {
	var wrong mistakes
	where, source, err := a.source(o, &wrong)
	if err != nil {
		return err
	}
	f, its := build(&wrong)
	if err := wrong.err(); err != nil {
		return err
	}
	dir, err := wiring.OpenDirectory(where)
	if err != nil {
		return usage("%w", err)
	}
	defer dir.Close()
	source.Directory = dir
	*its = source
	if !o.once {
		f.Run(ctx)
		return nil
	}
	r, err := f.Once(ctx, o.dry)
	if shown := a.show(r, func(w io.Writer) { table(w, r) }); shown != nil {
		return shown
	}
	return err
}

// feedDNS is the flags of "feed dns".
type feedDNS struct {
	feedSource
	server, key, zoneDir, rndc string
}

func (a *app) feedDNSCommand() *cobra.Command {
	var o feedDNS
	c := &cobra.Command{
		Use:   "dns",
		Short: "Send what the directory says about names to a DNS server",
		Long: `Watch the directory's dNSZone entries (RFC 4533) and send what changes to a name
server such as BIND, as dynamic updates signed with a key (RFC 2136, TSIG). The name
server must let the key change the zones and read them back:

  # tsig-keygen leasehold-feed > /etc/bind/leasehold.key      and in named.conf:
  include "/etc/bind/leasehold.key";
  zone "site.test" { type primary; file "/var/lib/bind/site.test";
    update-policy { grant leasehold-feed zonesub any; };
    allow-transfer { key leasehold-feed; }; };

With --zone-dir, zones that appear in the directory are added to BIND by rndc
(allow-new-zones yes), and those that were added so are removed with their entry.

SOA and NS records of a zone's apex stay as the name server has them. When a
comparison would take away more than --max-removal percent of a zone's names,
nothing is removed and the log says so: a directory that suddenly shows nothing
empties no zone.

Without --directory the one that the configuration names is followed.`,
		Example: `  leasehold feed dns --config site/leasehold.yaml --server 127.0.0.1 --key /etc/bind/leasehold.key
  leasehold feed dns --directory ldap://127.0.0.1/dc=site,dc=test --key k --once --dry-run --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return follow(c.Context(), a, o.feedSource, o.follower, showDNS)
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.server, "server", "127.0.0.1:53", "name server, host:port")
	f.StringVar(&o.key, "key", "", "file of the TSIG key, as tsig-keygen writes it (required)")
	f.StringVar(&o.zoneDir, "zone-dir", "", "folder for the files of zones that are added; named must be able to write there")
	f.StringVar(&o.rndc, "rndc", "rndc", "rndc and its options")
	_ = c.MarkFlagFilename("key")
	_ = c.MarkFlagDirname("zone-dir")
	return c
}

func (o feedDNS) follower(wrong *mistakes) (follower[dns.Report], *feed.Source) {
	f := &dns.Follower{MaxRemoval: o.maxRemoval, Server: &dns.Server{Addr: hostPort(o.server, "53")}}
	var err error
	if o.key == "" {
		wrong.add("--key is needed")
	} else if f.Server.Key, err = dns.LoadKey(o.key); err != nil {
		wrong.add("--key: %w", err)
	}
	wrong.private("key", o.key)
	if o.zoneDir != "" {
		f.Zones = &dns.RNDC{Dir: o.zoneDir, Command: strings.Fields(o.rndc), Key: strings.TrimSuffix(f.Server.Key.Name, ".")}
		if err := f.Zones.Check(); err != nil {
			wrong.add("--zone-dir: %w", err)
		}
	}
	return f, &f.Source
}

// feedBoot is the flags of "feed boot".
type feedBoot struct {
	feedSource
	root string
}

func (a *app) feedBootCommand() *cobra.Command {
	var o feedBoot
	c := &cobra.Command{
		Use:   "boot",
		Short: "Write what machines boot next below a TFTP server's root",
		Long: `Watch the directory's machines and images and write, for each machine with a
hardware address, a file for PXELINUX (pxelinux.cfg/01-...) and one for GRUB
(grub/grub.cfg-01-...) below the root of a TFTP server. Which of the loaders a machine
fetches is said by boot_file and boot_file_uefi in the site's cod block.

A machine that is being set up boots its image over the network; one in service
boots its disk, or its image again when the image says so (codBootUp: image); and
the operator's word in codBoot, image, local or rescue, goes before both. An image is
an entry of class codBootImage:

  dn: cn=debian12,ou=images,dc=site,dc=test
  objectClass: device
  objectClass: codBootImage
  codKernel: debian12/vmlinuz
  codInitrd: debian12/initrd.gz
  codKernelOptions: console=ttyS0,115200

Files that others wrote stay as they are. When a comparison would take away more than
--max-removal percent of the files, none is and the log says so.`,
		Example: "  leasehold feed boot --config site/leasehold.yaml --tftp-root /srv/tftp",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return follow(c.Context(), a, o.feedSource, o.follower, showBoot)
		},
	}
	o.flags(c)
	c.Flags().StringVar(&o.root, "tftp-root", "/srv/tftp", "the TFTP server's root")
	_ = c.MarkFlagDirname("tftp-root")
	return c
}

func (o feedBoot) follower(wrong *mistakes) (follower[boot.Report], *feed.Source) {
	wrong.folder("tftp-root", o.root)
	f := &boot.Follower{Root: o.root, MaxRemoval: o.maxRemoval}
	return f, &f.Source
}

// hostPort adds a port where there is none.
func hostPort(addr, port string) string {
	if strings.HasPrefix(addr, "[") && strings.HasSuffix(addr, "]") || !strings.Contains(addr, ":") {
		return addr + ":" + port
	}
	return addr
}

func showDNS(w io.Writer, r dns.Report) {
	row(w, "ZONE", "NAMES", "CHANGED", "STATE")
	for _, z := range r.Zones {
		state := "as the directory says"
		switch {
		case z.Error != "":
			state = z.Error
		case z.Held > 0:
			state = fmt.Sprintf("%d names not removed", z.Held)
		case z.Added:
			state = "added"
		}
		row(w, z.Zone, z.Names, len(z.Changed), state)
		for _, n := range z.Changed {
			row(w, "", "", n, "")
		}
	}
	for _, p := range r.Problems {
		row(w, p)
	}
}

func showBoot(w io.Writer, r boot.Report) {
	row(w, "machines", r.Machines)
	for _, p := range r.Written {
		row(w, "written", p)
	}
	for _, p := range r.Removed {
		row(w, "removed", p)
	}
	if r.Held > 0 {
		row(w, "not removed", r.Held)
	}
	for _, p := range r.Problems {
		row(w, "problem", p)
	}
}
