package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/spf13/cobra"
)

func (a *app) codReconcile() *cobra.Command {
	var apply bool
	var server string
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Show where records, directory, clusters and DNS say different things",
		Long: `Ask the running server where its records, its clusters and the directory differ: what
operators changed and the site could not follow, nodes without a lease and leases
without a node, and entries of the site's own that nothing needs any more. Each
difference is shown with who made it and when, and with what can be done about it.

With --dns a name server is asked for every node's name and address, too. What a feed
keeps is compared as a whole by "leasehold feed dns --once --dry-run" and "leasehold
feed boot --once --dry-run".

With --apply what is safe is mended: entries with the site's mark whose node and lease
are both gone are removed. Nothing else is, and nothing at all when it would be more than
cod: max_removal percent at once.`,
		Example: `  leasehold cod reconcile
  leasehold cod reconcile --dns 127.0.0.1 --json
  leasehold cod reconcile --apply`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := a.drift(c.Context(), apply)
			if err != nil {
				return err
			}
			if server != "" {
				d.Differences = append(d.Differences, askNames(c.Context(), hostPort(server, "53"), d.Sites)...)
			}
			return a.show(d, func(w io.Writer) { showDrift(w, d, apply) })
		},
	}
	c.Flags().BoolVar(&apply, "apply", false, "remove what is left behind")
	c.Flags().StringVar(&server, "dns", "", "name server to compare with, host:port")
	return c
}

// drift asks the running server.
func (a *app) drift(ctx context.Context, mend bool) (out wiring.Drift, err error) {
	socket, err := a.socketPath()
	if err != nil {
		return out, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	method := http.MethodGet
	if mend {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://leasehold"+wiring.DriftPath, nil)
	if err != nil {
		return out, err
	}
	res, err := client.Do(req)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return out, fmt.Errorf("no server runs at %s: %w", socket, err)
	}
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return out, fmt.Errorf("the server answers %s: %s", res.Status, strings.TrimSpace(string(text)))
	}
	return out, json.NewDecoder(res.Body).Decode(&out)
}

// askNames compares what a name server says about every node that is up.
func askNames(ctx context.Context, server string, sites []wiring.SiteDrift) (out []wiring.Difference) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, server)
	}}
	for _, s := range sites {
		for _, c := range s.Clusters {
			for _, n := range c.Nodes {
				host, _, _ := strings.Cut(n.Name, ".")
				want, err := netip.ParseAddr(n.Address)
				if err != nil || n.State != "up" {
					continue
				}
				name := host + "." + c.Domain + "."
				got, err := r.LookupNetIP(ctx, "ip4", name)
				d := wiring.Difference{Site: s.Site, Kind: wiring.DriftDaemon, Node: n.Name, Unit: string(n.Unit), Lease: n.Lease, Attr: name, Ours: []string{n.Address},
					Next: "see that the name server's feed runs (leasehold feed dns), and what its log says"}
				for _, g := range got {
					d.Theirs = append(d.Theirs, g.String())
				}
				if len(got) != 1 || got[0] != want {
					if d.What = "the name server says another address"; err != nil {
						d.What = "the name server: " + err.Error()
					}
					out = append(out, d)
				}
				names, err := r.LookupAddr(ctx, n.Address)
				if !slices.Contains(names, name) {
					d.Attr, d.Ours, d.Theirs, d.What = n.Address, []string{name}, names, "the name server says another name"
					if err != nil {
						d.What = "the name server: " + err.Error()
					}
					out = append(out, d)
				}
			}
		}
	}
	return out
}

func showDrift(w io.Writer, d wiring.Drift, applied bool) {
	if len(d.Differences) > 0 {
		row(w, "SITE", "KIND", "WHERE", "WHAT", "THEIRS", "OURS", "BY", "SINCE", "NEXT")
	}
	for _, x := range d.Differences {
		where := x.Entry
		if where == "" {
			where = x.Node
		}
		if where == "" {
			where = x.Unit
		}
		if x.Attr != "" {
			where += " " + x.Attr
		}
		row(w, x.Site, x.Kind, dash(where), x.What, dash(strings.Join(x.Theirs, ", ")), dash(strings.Join(x.Ours, ", ")), dash(x.By), when(x.Since), x.Next)
	}
	switch {
	case applied:
		row(w, fmt.Sprintf("removed what was left of %d units; %d differences found", d.Mended, len(d.Differences)))
	case len(d.Differences) == 0:
		row(w, "no differences")
	}
}
