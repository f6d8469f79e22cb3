package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) leaseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "lease",
		Short: "Request, follow and end leases",
		Example: `  leasehold lease request --slice web --type site.node --units 4 --length 2h --wait
  leasehold lease list --state Active`,
	}
	c.AddCommand(a.leaseRequest(), a.leaseList(), a.leaseShow(), a.leaseExtend(), a.leaseModify(), a.leaseClose(), a.leaseWait(), a.leaseWatch())
	quiet(c)
	return c
}

func (a *app) leaseRequest() *cobra.Command {
	var o manage.Order
	var w wants
	var wait bool
	var timeout time.Duration
	var file string
	var after, joinAfter []string
	c := &cobra.Command{
		Use:   "request",
		Short: "Ask a service manager for a lease, or for a group of them",
		Long: `Ask a service manager for a lease. Times are RFC 3339, or as in "now", "+2h",
"tomorrow 09:00"; the answer shows them resolved. Without --wait the command
returns as soon as the request is durable at the manager.

With --after the ticket is redeemed when another reservation of the manager has its
lease, with --join-after the units join the guest when that one's have joined; what
is known about the other one's units is passed on under "predecessor." and the name.

A file asks for several leases at once, all or none:

  slice: render
  type: site.node            # for every request that says nothing else
  length: 4h
  on_failure: fail           # of a predecessor; skip, the default, passes it over
  requests:
    - name: files
    - name: workers
      units: 8
      after:
        - request: files     # a name in this file; or reservation: 4f0c
          gate: redeem       # or join
          until: leased      # or joined
          pass: {unit.manage.ip: nfs.server}   # or all, which is the default, or none

With --manager naming a broker, that broker buys from the one that --broker names,
to sell on; with --renew it goes on buying until the reservation is closed. What a
broker should always hold is better written under buys in the configuration.`,
		Example: `  leasehold lease request --slice web --type site.node --units 4 --length 2h
  leasehold lease request --manager campus --broker central --slice stock --type site.node --units 8 --length 1d --renew
  leasehold lease request -f group.yaml --wait
  leasehold lease request --slice web --type site.node --start +1h --length 1d --set config.ssh.user1.login=ada --wait`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := w.into(c, &o); err != nil {
				return err
			}
			goal := manage.Goal{States: []string{"Active"}, Timeout: timeout}
			if file != "" {
				return a.requestGroup(c, file, o.Actor, wait, goal)
			}
			for _, id := range after {
				o.After = append(o.After, manage.After{Reservation: id})
			}
			for _, id := range joinAfter {
				o.After = append(o.After, manage.After{Reservation: id, Gate: "join"})
			}
			if o.Slice == "" || o.Type == "" {
				return usage("say for whom and what: --slice and --type")
			}
			if o.End == "" && o.Length == "" {
				return usage("say how long: --length or --end")
			}
			m, err := a.client()
			if err != nil {
				return err
			}
			r, err := m.Request(c.Context(), o)
			if err != nil {
				return err
			}
			a.advise(c.Context(), m, r)
			if !wait {
				return a.showReservation(r)
			}
			if r.Role == actors.RoleBroker.String() {
				goal.States = []string{"Ticketed"}
			}
			if !a.json {
				fmt.Fprintf(a.err, "reservation %s, waiting for it to become %s\n", r.Reservation, goal.States[0])
			}
			goal.Ref = manage.Ref{Actor: r.Actor.ID, Reservation: r.Reservation}
			return a.await(c.Context(), m, goal)
		},
	}
	f := c.Flags()
	f.StringVarP(&file, "file", "f", "", "file with a group of requests; of the other flags only --manager, --wait and --timeout go with it")
	f.StringSliceVar(&after, "after", nil, "reservations that must have their leases before this one is redeemed")
	f.StringSliceVar(&joinAfter, "join-after", nil, "reservations that must be active before this one's units join")
	f.StringVar(&o.Slice, "slice", "", "name of the guest the units are for (required)")
	f.StringVar(&o.Type, "type", "", "resource type (required)")
	f.IntVar(&o.Units, "units", 1, "how many units")
	f.StringVar(&o.Start, "start", "", "when it starts; default now")
	f.StringVar(&o.End, "end", "", "when it ends")
	f.StringVar(&o.Length, "length", "", "how long it lasts, such as 90m or 2d")
	f.BoolVar(&o.Renewable, "renew", false, "extend by the same length until closed")
	f.StringVar(&o.Actor, "manager", "", "service manager, needed only if there are several; or a broker that buys")
	f.StringVar(&o.Broker, "broker", "", "broker to ask; default the manager's own")
	f.StringVar(&o.Reservation, "id", "", "identity of the reservation, to repeat a request safely; default a fresh one")
	w.flags(c)
	f.StringToStringVar(&o.Request, "request", nil, "properties for the broker's policy, as in elastic=true")
	f.StringToStringVar(&o.Config, "set", nil, "configuration for the site's handlers, as in host.prefix=web")
	f.StringToStringVar(&o.Local, "local", nil, "properties for the manager's own handlers")
	f.BoolVar(&wait, "wait", false, "wait until the lease is Active, or what a broker buys is Ticketed")
	f.DurationVar(&timeout, "timeout", 5*time.Minute, "how long --wait waits")
	return c
}

// advise says on the side what the sites of the server know about a lease's term.
func (a *app) advise(ctx context.Context, m manage.Service, r manage.Reservation) {
	if a.json {
		return
	}
	all, _ := m.Paces(ctx, "") // what is not known is not said
	for _, p := range all {
		if p.Type == r.Type {
			for _, line := range p.Advise(r.End.Sub(r.Start)) {
				fmt.Fprintln(a.err, clean(line))
			}
		}
	}
}

func (a *app) leaseList() *cobra.Command {
	var f manage.Filter
	c := &cobra.Command{
		Use:     "list",
		Short:   "List reservations at every actor of the server",
		Example: "  leasehold lease list --actor manager --state Active,Ticketed",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			rs, err := m.List(c.Context(), f)
			if err != nil && !errors.Is(err, manage.ErrPartial) {
				return err
			}
			if rs == nil {
				rs = []manage.Reservation{}
			}
			if len(rs) == 0 && f.Slice != "" && err == nil {
				a.unknownSlice(c.Context(), m, f.Slice)
			}
			return errors.Join(a.show(rs, func(w io.Writer) {
				row(w, "RESERVATION", "ACTOR", "SLICE", "STATUS", "TYPE", "UNITS", "END", "WAITS FOR", "ERROR")
				for _, r := range rs {
					row(w, r.Reservation, r.Actor.Name, r.Slice.Name, status(r), r.Type, r.Units, when(r.End), dash(r.Waiting), dash(r.Error))
				}
			}), err)
		},
	}
	c.Flags().StringVar(&f.Actor, "actor", "", "only this actor's")
	c.Flags().StringVar(&f.Slice, "slice", "", "only this slice's")
	c.Flags().StringSliceVar(&f.States, "state", nil, "only in these states")
	return c
}

// unknownSlice says on the side if a slice that has nothing is probably another one's
// name, misspelt.
func (a *app) unknownSlice(ctx context.Context, m manage.Service, slice string) {
	all, _ := m.List(ctx, manage.Filter{})
	var known []string
	for _, r := range all {
		known = append(known, r.Slice.Name)
	}
	if check.Nearest(slice, known) != "" {
		fmt.Fprintln(a.err, check.Unknown("slice", slice, known))
	}
}

// refFlags adds the flag that says whose view is meant.
func refFlags(c *cobra.Command, ref *manage.Ref) {
	c.Flags().StringVar(&ref.Actor, "actor", "", "the actor whose reservation is meant; default its service manager")
}

func (a *app) leaseShow() *cobra.Command {
	var ref manage.Ref
	c := &cobra.Command{
		Use:               "show RESERVATION",
		Short:             "Show one reservation: where it stands, what it waits for, what happens next",
		Args:              oneArg("reservation"),
		ValidArgsFunction: a.completeReservation,
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			ref.Reservation = args[0]
			r, err := m.Show(c.Context(), ref)
			if err != nil {
				return err
			}
			return a.showReservation(r)
		},
	}
	refFlags(c, &ref)
	return c
}

func (a *app) leaseExtend() *cobra.Command {
	var e manage.Extension
	c := &cobra.Command{
		Use:               "extend RESERVATION",
		Short:             "Ask for a longer term, with as many units or with another number",
		Example:           "  leasehold lease extend 4f0c --length 2h\n  leasehold lease extend 4f0c --length 2h --units 3 --give-back 9c1d-7",
		Args:              oneArg("reservation"),
		ValidArgsFunction: a.completeReservation,
		RunE: func(c *cobra.Command, args []string) error {
			if (e.End == "") == (e.Length == "") {
				return usage("say how much longer: --length, or until when: --end")
			}
			m, err := a.client()
			if err != nil {
				return err
			}
			e.Reservation = args[0]
			r, err := m.Extend(c.Context(), e)
			if err != nil {
				return err
			}
			return a.showReservation(r)
		},
	}
	refFlags(c, &e.Ref)
	c.Flags().StringVar(&e.End, "end", "", "the new end")
	c.Flags().StringVar(&e.Length, "length", "", "how much longer than now agreed")
	c.Flags().IntVar(&e.Units, "units", 0, "how many units from then on; 0 keeps the number")
	c.Flags().StringSliceVar(&e.Victims, "give-back", nil, "units to give back first when there are to be fewer")
	return c
}

func (a *app) leaseClose() *cobra.Command {
	var ref manage.Ref
	var wait bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:               "close RESERVATION",
		Short:             "End a reservation and give everything back",
		Args:              oneArg("reservation"),
		ValidArgsFunction: a.completeReservation,
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			ref.Reservation = args[0]
			r, err := m.Close(c.Context(), ref)
			if err != nil {
				return err
			}
			if !wait {
				return a.showReservation(r)
			}
			return a.await(c.Context(), m, manage.Goal{Ref: manage.Ref{Actor: r.Actor.ID, Reservation: r.Reservation},
				States: []string{"Closed", "Failed"}, Timeout: timeout})
		},
	}
	refFlags(c, &ref)
	c.Flags().BoolVar(&wait, "wait", false, "wait until it is over")
	c.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "how long --wait waits")
	return c
}

func (a *app) leaseWait() *cobra.Command {
	g := manage.Goal{}
	c := &cobra.Command{
		Use:               "wait RESERVATION",
		Short:             "Wait until a reservation is in a state",
		Example:           "  leasehold lease wait 4f0c --state Active --timeout 2m",
		Args:              oneArg("reservation"),
		ValidArgsFunction: a.completeReservation,
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			g.Reservation = args[0]
			return a.await(c.Context(), m, g)
		},
	}
	refFlags(c, &g.Ref)
	c.Flags().StringSliceVar(&g.States, "state", []string{"Active"}, "any of these states ends the wait")
	c.Flags().DurationVar(&g.Timeout, "timeout", 5*time.Minute, "how long to wait; exit code 6 after that")
	return c
}

// await waits and shows the reservation, also when the wait was in vain.
func (a *app) await(ctx context.Context, m manage.Service, g manage.Goal) error {
	r, err := m.Wait(ctx, g)
	if r.Reservation != "" {
		err = errors.Join(a.showReservation(r), err)
	}
	return err
}

func (a *app) leaseWatch() *cobra.Command {
	var f manage.Filter
	c := &cobra.Command{
		Use:   "watch",
		Short: "Print every move of every reservation as it happens",
		Long: `Print every move of every reservation as it happens; and, of sites that keep clusters
in a directory, operators' edits that the site follows, and conflicts (leasehold cod
reconcile lists those that stand). These have no states.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			s, err := m.Watch(c.Context(), f)
			if err != nil {
				return err
			}
			defer s.Close()
			for {
				ch, err := s.Next(c.Context())
				switch {
				case errors.Is(err, io.EOF), c.Context().Err() != nil:
					return nil
				case err != nil:
					return err
				}
				if err := a.show(ch, func(w io.Writer) { fmt.Fprintln(w, changeLine(ch)) }); err != nil {
					return err
				}
			}
		},
	}
	c.Flags().StringVar(&f.Actor, "actor", "", "only this actor's")
	c.Flags().StringVar(&f.Slice, "slice", "", "only this slice's")
	return c
}

func changeLine(ch manage.Change) string {
	at := ch.Time.Format("15:04:05.000")
	if ch.Lost > 0 {
		return fmt.Sprintf("%s  %d changes were lost: this reader is too slow", at, ch.Lost)
	}
	short := ch.Reservation
	if len(short) > 8 {
		short = short[:8]
	}
	if ch.From == "" && ch.To == "" {
		return clean(fmt.Sprintf("%s  %-10s %-8s  %s", at, party(ch.Actor), short, ch.Why))
	}
	return clean(fmt.Sprintf("%s  %-10s %-8s  %s -> %s  (%s)", at, party(ch.Actor), short, ch.From, ch.To, ch.Why))
}

// completeReservation offers the identities of live reservations to the shell.
func (a *app) completeReservation(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	m, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
	defer cancel()
	rs, _ := m.List(ctx, manage.Filter{})
	var out []string
	seen := map[string]bool{}
	for _, r := range rs {
		if strings.HasPrefix(r.Reservation, prefix) && !seen[r.Reservation] {
			seen[r.Reservation] = true
			out = append(out, r.Reservation+"\t"+r.Slice.Name+" "+status(r))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
