package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/group"
	"github.com/spf13/cobra"
)

// requestGroup asks for the group in a file, and with wait until every lease of it is
// where goal says. What is not there by then is in the error.
func (a *app) requestGroup(c *cobra.Command, file, actor string, wait bool, goal manage.Goal) error {
	for _, name := range []string{"slice", "type", "units", "start", "end", "length", "renew", "broker", "id", "request", "set", "local",
		"after", "join-after", "at-least", "deferrable", "deadline", "priority"} {
		if c.Flags().Changed(name) {
			return usage("--%s is said in the file", name)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	g, err := group.Parse(file, data)
	if err != nil {
		return usage("%w", err)
	}
	if actor != "" {
		g.Actor = actor
	}
	m, err := a.client()
	if err != nil {
		return err
	}
	rs, err := m.RequestGroup(c.Context(), g)
	if err != nil || !wait {
		return errors.Join(a.showGroup(g, rs), err)
	}
	if !a.json {
		fmt.Fprintf(a.err, "%d reservations, waiting for them to become Active\n", len(rs))
	}
	deadline := time.Now().Add(goal.Timeout)
	var bad []error
	for i, r := range rs {
		goal.Ref = manage.Ref{Actor: r.Actor.ID, Reservation: r.Reservation}
		goal.Timeout = max(time.Until(deadline), time.Millisecond)
		if r, err = m.Wait(c.Context(), goal); r.Reservation != "" {
			rs[i] = r
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", g.Orders[i].Name, err))
		}
	}
	if n := len(bad); n > 0 && n < len(rs) {
		bad = append([]error{fmt.Errorf("%w: %d of %d leases", manage.ErrPartial, len(rs)-n, len(rs))}, bad...)
	}
	return errors.Join(a.showGroup(g, rs), errors.Join(bad...))
}

func (a *app) showGroup(g manage.Group, rs []manage.Reservation) error {
	if rs == nil {
		return nil
	}
	return a.show(rs, func(w io.Writer) {
		row(w, "NAME", "RESERVATION", "STATUS", "TYPE", "UNITS", "END", "AFTER", "WAITS FOR", "ERROR")
		for i, r := range rs {
			row(w, dash(g.Orders[i].Name), r.Reservation, status(r), r.Type, r.Units, when(r.End), dash(behind(r)), dash(r.Waiting), dash(r.Error))
		}
	})
}

// behind is what a reservation comes after, in short.
func behind(r manage.Reservation) string {
	var all []string
	for _, p := range r.After {
		id := p.Reservation
		if len(id) > 8 {
			id = id[:8]
		}
		all = append(all, p.Gate+":"+id)
	}
	return strings.Join(all, " ")
}
