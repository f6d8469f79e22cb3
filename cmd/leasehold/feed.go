package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod/dns"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

func (a *app) feedCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "feed",
		Short: "Keep daemons as the directory says, whether or not the authority runs",
	}
	c.AddCommand(a.feedDNSCommand())
	return c
}

// feedDNS is the flags of "feed dns".
type feedDNS struct {
	directory, bind, password, authority string
	startTLS                             bool
	server, key, zoneDir, rndc           string
	maxRemoval                           int
	verify                               time.Duration
	once, dry                            bool
	level                                string
}

func (a *app) feedDNSCommand() *cobra.Command {
	var o feedDNS
	c := &cobra.Command{
		Use:   "dns",
		Short: "Send what the directory says about names to a DNS server",
		Long: `Watch the directory's dNSZone entries (RFC 4533) and send what changes to a name
server such as BIND, as dynamic updates signed with a key (RFC 2136, TSIG). It is a
process of its own: names follow the directory while the authority is away.

The directory's server must let us watch (in OpenLDAP: overlay syncprov, and no size
limit for whom we bind as). The name server must let the key change the zones and
read them back:

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
		RunE: func(c *cobra.Command, _ []string) error { return a.followDNS(c.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.directory, "directory", "", "LDAP server as ldap://host:port/base; default that of the configuration")
	f.StringVar(&o.bind, "bind-dn", "", "who to bind as; anonymous when empty")
	f.StringVar(&o.password, "password-file", "", "file with the password for --bind-dn, which others must not be able to read")
	f.BoolVar(&o.startTLS, "start-tls", false, "protect an ldap:// connection")
	f.StringVar(&o.authority, "ca", "", "PEM file of the authority that signed the directory's certificate")
	f.StringVar(&o.server, "server", "127.0.0.1:53", "name server, host:port")
	f.StringVar(&o.key, "key", "", "file of the TSIG key, as tsig-keygen writes it (required)")
	f.StringVar(&o.zoneDir, "zone-dir", "", "folder for the files of zones that are added; named must be able to write there")
	f.StringVar(&o.rndc, "rndc", "rndc", "rndc and its options")
	f.IntVar(&o.maxRemoval, "max-removal", 30, "percent of a zone's names that one comparison may remove")
	f.DurationVar(&o.verify, "verify-every", time.Hour, "how often zones are compared as a whole")
	f.BoolVar(&o.once, "once", false, "compare once, mend, say what was different and end")
	f.BoolVar(&o.dry, "dry-run", false, "with --once: change nothing")
	f.StringVar(&o.level, "log-level", "info", "debug, info, warning or error")
	_ = c.MarkFlagFilename("key")
	_ = c.MarkFlagDirname("zone-dir")
	return c
}

func (a *app) followDNS(ctx context.Context, o feedDNS) error {
	f, done, err := a.follower(o)
	if err != nil {
		return err
	}
	defer done()
	if !o.once {
		return f.Run(ctx)
	}
	r, err := f.Once(ctx, o.dry)
	if shown := a.show(r, func(w io.Writer) { showFeed(w, r) }); shown != nil {
		return shown
	}
	return err
}

// follower makes what the flags say, or tells everything that is wrong with them.
func (a *app) follower(o feedDNS) (f *dns.Follower, done func(), err error) {
	var wrong []error
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	source := wiring.FeedSource{StartTLS: o.startTLS, Authority: o.authority}
	if o.directory == "" {
		path, err := a.configPath()
		if err != nil {
			return nil, nil, usage("which directory? give --directory or a configuration: %w", err)
		}
		conf, err := config.Load(path)
		switch {
		case err != nil:
			return nil, nil, err
		case conf.Directory == nil:
			bad("%s names no directory", path)
		case conf.Directory.Embedded():
			bad("the directory of %s is inside the server, which cannot be watched; DNS needs one that runs by itself", path)
		default:
			source.Directory = *conf.Directory
		}
	} else {
		u, err := url.Parse(o.directory)
		if err != nil || len(u.Path) < 2 || u.Scheme != "ldap" && u.Scheme != "ldaps" {
			bad("--directory: %q is not of the form ldap://host:port/dc=site,dc=test", o.directory)
		} else {
			source.URL, source.Base = u.Scheme+"://"+u.Host, ldapschema.DN(u.Path[1:])
		}
		source.Bind, source.PasswordFile = ldapschema.DN(o.bind), o.password
	}
	for _, f := range []struct{ flag, path string }{{"password-file", o.password}, {"key", o.key}} {
		if info, err := os.Stat(f.path); err == nil && info.Mode().Perm()&0o007 != 0 {
			bad("--%s: others may read %s (mode %#o): chmod o= %[2]s", f.flag, f.path, info.Mode().Perm())
		}
	}
	if o.key == "" {
		bad("--key is needed")
	}
	if o.dry && !o.once {
		bad("--dry-run goes with --once")
	}
	if o.maxRemoval < 0 || o.maxRemoval > 100 {
		bad("--max-removal is a share, 0 to 100 percent")
	}
	level, err := logrus.ParseLevel(o.level)
	if err != nil {
		bad("--log-level: %w", err)
	}
	f = &dns.Follower{Base: source.Base, MaxRemoval: o.maxRemoval, Verify: o.verify,
		Log: logger(config.Log{Level: level.String()}, a.err)}
	if o.zoneDir != "" {
		f.Zones = &dns.RNDC{Dir: o.zoneDir, Command: strings.Fields(o.rndc)}
		if err := f.Zones.Check(); err != nil {
			bad("--zone-dir: %w", err)
		}
	}
	f.Server = &dns.Server{Addr: hostPort(o.server, "53")}
	if o.key != "" {
		if f.Server.Key, err = dns.LoadKey(o.key); err != nil {
			bad("--key: %w", err)
		} else if f.Zones != nil {
			f.Zones.Key = strings.TrimSuffix(f.Server.Key.Name, ".")
		}
	}
	if len(wrong) > 0 {
		return nil, nil, usage("%w", errors.Join(wrong...))
	}
	dir, err := wiring.OpenFeed(source)
	if err != nil {
		return nil, nil, usage("%w", err)
	}
	f.Directory = dir
	return f, func() { dir.Close() }, nil
}

// hostPort adds a port where there is none.
func hostPort(addr, port string) string {
	if strings.HasPrefix(addr, "[") && strings.HasSuffix(addr, "]") || !strings.Contains(addr, ":") {
		return addr + ":" + port
	}
	return addr
}

func showFeed(w io.Writer, r dns.Report) {
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
