package main

import (
	"errors"
	"io"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) approvalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "approval",
		Short: "Decide about requests that wait for an operator's word",
		Long: `Decide about requests that wait for an operator's word, at brokers whose policy is
manual. A yes is not yet a grant: nothing is reserved for a request that waits, so
that units may be missing by then. Of a request group each member needs a yes, and
one no is a no to all.`,
		Example: `  leasehold approval list
  leasehold approval grant 4f0c
  leasehold approval deny 4f0c --note "not before the exams are over"`,
	}
	c.AddCommand(a.approvalList(), a.approvalWord("grant", true), a.approvalWord("deny", false))
	quiet(c)
	return c
}

func (a *app) approvalList() *cobra.Command {
	var f manage.Filter
	c := &cobra.Command{
		Use:   "list",
		Short: "List the requests that wait for a word, and what a yes would mean now",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			all, err := m.List(c.Context(), f)
			if err != nil && !errors.Is(err, manage.ErrPartial) {
				return err
			}
			waiting := []manage.Reservation{}
			for _, r := range all {
				if r.Approval == "wanted" {
					waiting = append(waiting, r)
				}
			}
			return errors.Join(a.show(waiting, func(w io.Writer) {
				row(w, "RESERVATION", "BROKER", "CLIENT", "SLICE", "TYPE", "UNITS", "START", "END", "DECISION")
				for _, r := range waiting {
					row(w, r.Reservation, r.Actor.Name, party(r.Client), r.Slice.Name, r.Type, r.Units, when(r.NewStart), when(r.End), meaning(r))
				}
			}), err)
		},
	}
	c.Flags().StringVar(&f.Actor, "actor", "", "only this broker's")
	return c
}

// meaning is what the policy says about an ask, its last word first: what a yes
// would mean.
func meaning(r manage.Reservation) string {
	if n := len(r.Decision); n > 0 {
		return r.Decision[n-1]
	}
	return "-"
}

func (a *app) approvalWord(verb string, grant bool) *cobra.Command {
	word := manage.Word{Grant: grant}
	c := &cobra.Command{
		Use:               verb + " RESERVATION",
		Short:             map[bool]string{true: "Say yes to a request", false: "Say no to a request; its client is told the note"}[grant],
		Args:              oneArg("reservation"),
		ValidArgsFunction: a.completeReservation,
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			word.Reservation = args[0]
			r, err := m.Approve(c.Context(), word)
			if err != nil {
				return err
			}
			return a.showReservation(r)
		},
	}
	c.Flags().StringVar(&word.Actor, "actor", "", "the broker, if several have the reservation")
	c.Flags().StringVar(&word.Note, "note", "", "why, for people")
	return c
}
