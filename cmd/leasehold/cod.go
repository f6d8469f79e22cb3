package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/spf13/cobra"
)

func (a *app) codCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "cod",
		Short: "A site's directory: inventory, images, nodes",
		Long: `Work on a site's directory: its inventory of machines, its images and the nodes of its
clusters. These commands speak LDAP and need no server of ours; the authority, when it
runs, learns from the directory.

The directory is the one that the configuration names, or --directory. One that is
embedded in a server is reached over LDAP while that runs, and in its file when not.

What was read is asserted when it is overwritten (RFC 4528), so that nobody's edit is
lost; --dry-run shows the change as LDIF and makes none.`,
		Example: `  leasehold cod host import --type site.node --dhcp /etc/dhcp/dhcpd.conf --dry-run
  leasehold cod host add node07 --type site.node --mac 52:54:00:00:00:07 --memory 8192
  leasehold cod node list
  leasehold cod node hold web2 --note "waiting for a disk"`,
	}
	c.AddCommand(a.codInit(), a.codGenerate(), a.codSchema(), a.codHost(), a.codImage(), a.codNode(), a.codReconcile())
	quiet(c)
	return c
}

// deskFlags is the flags of every command that works on the directory.
type deskFlags struct {
	directoryFlags
	dry bool
}

// change adds the flags of a command that changes something.
func (o *deskFlags) change(c *cobra.Command) {
	o.directoryFlags.flags(c)
	c.Flags().BoolVar(&o.dry, "dry-run", false, "show what would be changed, as LDIF, and change nothing")
}

// desk opens the directory for one command.
func (a *app) desk(ctx context.Context, o deskFlags) (upkeep.Desk, func(), error) {
	var wrong mistakes
	where, err := a.where(o.directoryFlags, &wrong)
	if err == nil {
		err = wrong.err()
	}
	if err != nil {
		return upkeep.Desk{}, nil, err
	}
	dir, done, err := wiring.Tool(ctx, where)
	return upkeep.Desk{Directory: dir, Base: where.Base, Dry: o.dry, Patience: 10 * time.Second}, done, err
}

// atDesk lets a command work on the directory.
func (a *app) atDesk(c *cobra.Command, o deskFlags, do func(upkeep.Desk) error) error {
	d, done, err := a.desk(c.Context(), o)
	if err != nil {
		return err
	}
	defer done()
	return do(d)
}

// reports is atDesk for a command that changes something and says what.
func (a *app) reports(c *cobra.Command, o deskFlags, do func(upkeep.Desk) (upkeep.Report, error)) error {
	return a.atDesk(c, o, func(d upkeep.Desk) error {
		r, err := do(d)
		if len(r.Done) > 0 {
			if shown := a.show(r, func(w io.Writer) { tableReport(w, r) }); shown != nil {
				return shown
			}
		}
		return err
	})
}

func tableReport(w io.Writer, r upkeep.Report) {
	for _, d := range r.Done {
		if r.Dry && d.LDIF != "" {
			fmt.Fprintln(w, cleanLines(d.LDIF))
			continue
		}
		if d.What != upkeep.Unchanged || d.Why != "" || len(r.Done) == 1 {
			line := d.What + " " + string(d.Entry)
			if d.Why != "" {
				line += ": " + d.Why
			}
			fmt.Fprintln(w, clean(line))
		}
	}
	did := "changed"
	if r.Dry {
		did = "would change"
	}
	if len(r.Done) != 1 || r.Dry {
		fmt.Fprintf(w, "%s %d, unchanged %d, skipped %d\n", did, r.Changed, r.Unchanged, r.Skipped)
	}
}

// cleanLines is clean for a text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}

// operator is who runs the command, for holds.
func operator() string {
	for _, v := range []string{os.Getenv("SUDO_USER"), os.Getenv("LOGNAME")} {
		if v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "an operator"
}

// whyHeld is what codHold says.
func whyHeld(note string) string {
	if note == "" {
		return operator()
	}
	return operator() + ": " + note
}
