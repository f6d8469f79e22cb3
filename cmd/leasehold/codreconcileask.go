package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod/boot"
	"github.com/leasehold/leasehold/cod/boot/loader"
	"github.com/leasehold/leasehold/cod/dhcp"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/spf13/cobra"
)

// askFlags is whom "cod reconcile" asks beside the server.
type askFlags struct {
	deskFlags
	dns, dhcp, relay, root string
	hosts                  bool
	maxRemoval             int
}

func (o *askFlags) flags(c *cobra.Command) {
	o.directoryFlags.flags(c)
	f := c.Flags()
	f.BoolVar(&o.hosts, "hosts", false, "have the drivers look at every unit that is up")
	f.StringVar(&o.dns, "dns", "", "name server to compare with, host:port")
	f.StringVar(&o.dhcp, "dhcp", "", "DHCP server to compare with, its address")
	f.StringVar(&o.relay, "dhcp-from", "", "address of this machine that asks the DHCP server; default the one on the way to it")
	f.StringVar(&o.root, "tftp-root", "", "root of a TFTP server to compare with")
	f.IntVar(&o.maxRemoval, "max-removal", feed.DefaultShare, "percent of the boot files that --apply may remove")
	_ = c.MarkFlagDirname("tftp-root")
}

// asking is what is asked, and about what.
type asking struct {
	askFlags
	desk   *upkeep.Desk // nil when no daemon is compared
	server netip.AddrPort
	from   netip.Addr
	a      *app
}

// asks prepares to ask daemons, and opens the directory if there is one to ask.
func (a *app) asks(ctx context.Context, o askFlags) (*asking, func(), error) {
	ask := &asking{askFlags: o, a: a}
	var wrong mistakes
	if o.dhcp != "" {
		addr, err := netip.ParseAddr(o.dhcp)
		if err != nil || !addr.Is4() {
			wrong.add("--dhcp: %q is no IPv4 address", o.dhcp)
		}
		ask.server = netip.AddrPortFrom(addr, 67)
	}
	if o.relay != "" {
		var err error
		if ask.from, err = netip.ParseAddr(o.relay); err != nil || !ask.from.Is4() {
			wrong.add("--dhcp-from: %q is no IPv4 address", o.relay)
		}
	}
	if o.maxRemoval < 0 || o.maxRemoval > 100 {
		wrong.add("--max-removal is a share, 0 to 100 percent")
	}
	if err := wrong.err(); err != nil {
		return nil, nil, err
	}
	if o.dns == "" && o.dhcp == "" && o.root == "" {
		return ask, func() {}, nil
	}
	desk, done, err := a.desk(ctx, o.deskFlags)
	ask.desk = &desk
	return ask, done, err
}

// places is whose entries are whose.
type places struct {
	units map[string]wiring.Difference         // what to say of a unit's node
	macs  map[ldapschema.MAC]wiring.Difference // the same by hardware addresses
}

func placesOf(sites []wiring.SiteDrift) places {
	p := places{map[string]wiring.Difference{}, map[ldapschema.MAC]wiring.Difference{}}
	for _, s := range sites {
		for _, c := range s.Clusters {
			for _, n := range c.Nodes {
				d := wiring.Difference{Site: s.Site, Kind: wiring.DriftDaemon, Node: n.Name, Unit: string(n.Unit), Lease: n.Lease}
				p.units[string(n.Unit)] = d
				if mac, err := ldapschema.ParseMAC(n.MAC); err == nil {
					p.macs[mac] = d
				}
			}
		}
	}
	return p
}

// unseen is a source that tells nothing.
func unseen(what string, err error, next string) wiring.Difference {
	return wiring.Difference{Kind: wiring.DriftSight, What: what + ": " + err.Error(), Next: next}
}

// daemons adds what daemons say otherwise than the directory, and mends boot files.
func (k *asking) daemons(ctx context.Context, d *wiring.Drift, mend bool) error {
	if k.desk == nil {
		return nil
	}
	p := placesOf(d.Sites)
	if k.dns != "" || k.dhcp != "" {
		entries, err := k.desk.Directory.List(ctx, k.desk.Base)
		if err != nil {
			d.Differences = append(d.Differences, unseen("the directory cannot be read from here", err, "see that its server runs; DNS and DHCP are not compared"))
		} else {
			if k.dns != "" {
				d.Differences = append(d.Differences, askNames(ctx, hostPort(k.dns, "53"), entries, p)...)
			}
			if k.dhcp != "" {
				d.Differences = append(d.Differences, k.askDHCP(ctx, entries, p)...)
			}
		}
	}
	if k.root != "" {
		found, mended := k.bootFiles(ctx, p, mend)
		d.Files += mended
		d.Differences = append(d.Differences, found...)
	}
	return ctx.Err()
}

// askNames compares what a name server says with what the directory has it say about
// every node.
func askNames(ctx context.Context, server string, entries []ldapschema.Entry, p places) (out []wiring.Difference) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, server)
	}}
	for _, e := range entries {
		if !e.IsA("dNSZone") {
			continue
		}
		n, err := ldapschema.ParseZoneRecord(e)
		d, ok := p.units[n.Unit]
		if err != nil || !ok {
			continue // shown as a conflict, if it is ours
		}
		name := n.Name + "." + e.Get("zoneName") + "."
		d.Entry, d.Attr, d.Next = string(e.DN), name, "see that the name server's feed runs (leasehold feed dns), and what its log says"
		var want, got []string
		if len(n.Addrs) > 0 {
			var found []netip.Addr
			found, err = r.LookupNetIP(ctx, "ip4", name)
			want, got = texts(n.Addrs), texts(found)
		} else if addr, ok := addressOf(name); ok {
			want = []string{n.PTR}
			got, err = r.LookupAddr(ctx, addr)
			slices.Sort(got)
		}
		var no *net.DNSError
		if err != nil && !(errors.As(err, &no) && no.IsNotFound) {
			return append(out, unseen("the name server "+server+" cannot be compared", err, "see that it runs and can be reached"))
		}
		if !slices.Equal(want, got) {
			d.Ours, d.Theirs, d.What = want, got, "the name server says otherwise"
			out = append(out, d)
		}
	}
	return out
}

// texts is addresses for people, in order.
func texts(all []netip.Addr) (out []string) {
	for _, a := range all {
		if a.Unmap().Is4() {
			out = append(out, a.Unmap().String())
		}
	}
	slices.Sort(out)
	return out
}

// addressOf is the address that a name of a reverse zone stands for.
func addressOf(name string) (string, bool) {
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(name), ".in-addr.arpa."), ".")
	slices.Reverse(labels)
	a, err := netip.ParseAddr(strings.Join(labels, "."))
	return a.String(), err == nil
}

// askDHCP compares what a DHCP server would offer with what the directory has it offer.
func (k *asking) askDHCP(ctx context.Context, entries []ldapschema.Entry, p places) (out []wiring.Difference) {
	hosts := map[ldapschema.MAC]ldapschema.Host{}
	names := map[ldapschema.MAC]ldapschema.DN{}
	var macs []ldapschema.MAC
	for _, e := range entries {
		if !e.IsA("dhcpHost") {
			continue
		}
		h, err := ldapschema.ParseDHCPHost(e)
		if _, ours := p.units[h.Unit]; err != nil || !ours || h.MAC.IsZero() {
			continue // shown as a conflict, if it is ours
		}
		if _, twice := hosts[h.MAC]; !twice {
			macs = append(macs, h.MAC)
		}
		hosts[h.MAC], names[h.MAC] = h, e.DN
	}
	offers, err := dhcp.Ask(ctx, k.server, k.from, macs, dhcp.Patience{})
	if err != nil {
		return []wiring.Difference{unseen("the DHCP server "+k.dhcp+" cannot be compared", err, "see that it runs, and ask from another machine of the site's network")}
	}
	for _, mac := range macs {
		h, d := hosts[mac], p.units[hosts[mac].Unit]
		d.Entry, d.Next = string(names[mac]), "see what the DHCP server's log says, and which directory it reads"
		o, ok := offers[mac]
		if !ok {
			d.Attr, d.Ours, d.What = "fixed-address", []string{h.IP.String()}, "the DHCP server offers nothing"
			out = append(out, d)
			continue
		}
		for _, x := range []struct{ attr, ours, theirs string }{
			{"fixed-address", addr(h.IP), addr(o.Address)}, {"filename", h.BootFile, o.BootFile}, {"host-name", h.HostName, o.HostName}, {"next-server", addr(h.NextServer), addr(o.NextServer)},
		} {
			if x.ours != "" && x.ours != x.theirs { // what it does not say, its group may
				d.Attr, d.Ours, d.Theirs, d.What = x.attr, []string{x.ours}, []string{x.theirs}, "the DHCP server offers something else"
				out = append(out, d)
			}
		}
	}
	return out
}

// addr is an address for people; empty for none.
func addr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// bootFiles compares the boot loaders' files with what the directory has machines boot,
// and with mend makes ours right.
func (k *asking) bootFiles(ctx context.Context, p places, mend bool) (out []wiring.Difference, mended int) {
	look := func(path, what string) wiring.Difference {
		d := p.macs[macOf(path)]
		d.Kind, d.Attr, d.What, d.Next = wiring.DriftDaemon, path, what, "reconcile --apply mends it; see that the feed runs (leasehold feed boot)"
		full := filepath.Join(k.root, path)
		if info, err := os.Stat(full); err == nil {
			d.Since = info.ModTime().UTC()
		}
		if text, err := os.ReadFile(full); err == nil {
			if line, _, ok := strings.Cut(strings.TrimPrefix(string(text), loader.Header), "\n"); ok && strings.HasPrefix(string(text), loader.Header) {
				d.Entry = line
			}
		}
		return d
	}
	next := "see that the directory can be read, and the folder"
	w, ok := k.desk.Directory.(directory.Watcher)
	if !ok {
		return []wiring.Difference{unseen("boot files are not compared", errors.New("this directory cannot be watched"), next)}, 0
	}
	f := &boot.Follower{Root: k.root, MaxRemoval: k.maxRemoval,
		Source: feed.Source{Directory: w, Base: k.desk.Base, Log: logger(config.Log{Level: "panic"}, k.a.err)}}
	r, err := f.Once(ctx, true)
	for _, path := range r.Written {
		what := "the boot file does not say what its machine should boot"
		if _, err := os.Stat(filepath.Join(k.root, path)); err != nil {
			what = "the boot file is not there"
		}
		out = append(out, look(path, what))
	}
	for _, path := range r.Removed {
		out = append(out, look(path, "the boot file is of a machine that is not in the directory"))
	}
	for _, text := range r.Problems {
		out = append(out, wiring.Difference{Kind: wiring.DriftDaemon, What: text, Next: "mend what it says; until then the machine boots what it did"})
	}
	if err != nil {
		return append(out, unseen("boot files below "+k.root+" cannot all be compared", err, next)), 0
	}
	if mend {
		if r, err = f.Once(ctx, false); err != nil {
			out = append(out, unseen("boot files below "+k.root+" cannot all be mended", err, next))
		}
		mended = len(r.Written) + len(r.Removed)
	}
	return out, mended
}

// macOf is whose boot file has a name.
func macOf(path string) ldapschema.MAC {
	_, text, _ := strings.Cut(filepath.Base(path), "01-")
	mac, _ := ldapschema.ParseMAC(strings.ReplaceAll(text, "-", ":"))
	return mac
}
