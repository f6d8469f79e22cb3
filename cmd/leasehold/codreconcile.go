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
	"strings"
	"syscall"

	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/spf13/cobra"
)

func (a *app) codReconcile() *cobra.Command {
	var apply bool
	var o askFlags
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Show where records, directory, clusters and DNS say different things",
		Long: `Ask the running server where its records, its clusters and the directory differ: what
operators changed and the site could not follow, nodes without a lease and leases
without a node, and entries of the site's own that nothing needs any more. Each
difference is shown with who made it and when, and with what can be done about it.

With --hosts the drivers look whether every unit that is up is where it should be: a
domain at its control domain, for one. A handler's script says how in its action probe.

Daemons are compared with what the directory has them say:
  --dns        a name server is asked for the names and addresses of all nodes
  --dhcp       a DHCP server is asked what it would offer each node, as a relay would
               ask: by whoever may use port 67, at a machine of the site's network
               that is not the server's own. Nothing is taken of what it offers.
  --tftp-root  the boot loaders' files below this folder are compared
The directory is read for that as "cod node list" reads it. A server, a daemon or a host
that does not answer is named (kind: sight), and nothing is concluded from its silence.

With --apply what is safe is mended: entries with the site's mark whose node and lease
are both gone are removed, and with --tftp-root the boot files that "feed boot" keeps
are made right. Nothing else is changed, nobody else's file or entry, and nothing is
removed when it would be more than cod: max_removal percent at once.`,
		Example: `  leasehold cod reconcile
  leasehold cod reconcile --hosts --dns 127.0.0.1 --dhcp 10.99.0.1 --tftp-root /srv/tftp --json
  leasehold cod reconcile --apply`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ask, done, err := a.asks(c.Context(), o)
			if err != nil {
				return err
			}
			defer done()
			d, err := a.drift(c.Context(), o.hosts, apply)
			if err != nil {
				return err
			}
			if err := ask.daemons(c.Context(), &d, apply); err != nil {
				return err
			}
			return a.show(d, func(w io.Writer) { showDrift(w, d, apply) })
		},
	}
	c.Flags().BoolVar(&apply, "apply", false, "remove what is left behind, and with --tftp-root make boot files right")
	o.flags(c)
	return c
}

// drift asks the running server.
func (a *app) drift(ctx context.Context, hosts, mend bool) (out wiring.Drift, err error) {
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
	address := "http://leasehold" + wiring.DriftPath
	if hosts {
		address += "?" + wiring.DriftHosts
	}
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
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
		row(w, fmt.Sprintf("removed what was left of %d units, mended %d boot files; %d differences found", d.Mended, d.Files, len(d.Differences)))
	case len(d.Differences) == 0:
		row(w, "no differences")
	}
}
