package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func trim(s string) string { return strings.TrimSpace(s) }

// partly joins what is wrong with an answer that was shown all the same.
func partly(shown, missing error) error { return errors.Join(shown, missing) }

func (a *app) ticketConflicts() *cobra.Command {
	var actor, out string
	c := &cobra.Command{
		Use:   "conflicts [CONFLICT]",
		Short: "Show tickets that a server refused as oversold, and get the proof",
		Long: `Show the tickets that the actors of a server refused because somebody had sold
more than he held. With the name of a conflict, or its beginning: show the claims
that are together too many, and write the proof to --out. Whoever has the site's
certificate checks it with leasehold ticket verify, without a server.`,
		Example: `  leasehold ticket conflicts
  leasehold ticket conflicts 4f0c --out evidence.json
  leasehold ticket verify evidence.json --root site.pem`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("%s takes one conflict at most; see %s --help", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				if out != "" {
					return usage("say which conflict is to be written to %s", out)
				}
				list, err := m.Conflicts(c.Context(), actor)
				if err != nil && list == nil {
					return err
				}
				return partly(a.show(list, func(w io.Writer) {
					row(w, "CONFLICT", "REFUSED BY", "WHEN", "ISSUER", "TYPE", "HELD", "GAVE", "RESERVATION")
					for _, o := range list {
						row(w, o.ID, o.Actor.Name, when(o.Time), party(&o.Issuer), o.Type, o.Held, o.Given, dash(o.Reservation))
					}
				}), err)
			}
			o, err := m.Conflict(c.Context(), actor, args[0])
			if err != nil {
				return err
			}
			if out != "" {
				if o.Proof == nil {
					return &actors.Error{Op: "ticket conflicts", Kind: actors.NotFound, Err: fmt.Errorf("there is no proof: %s", o.Unproved)}
				}
				if err := writeNew(out, o.Proof); err != nil {
					return err
				}
			}
			return a.showConflict(o, out)
		},
	}
	c.Flags().StringVar(&actor, "actor", "", "only this actor's")
	c.Flags().StringVar(&out, "out", "", "new file for the proof")
	return c
}

func (a *app) showConflict(o manage.Conflict, out string) error {
	return a.show(o, func(w io.Writer) {
		row(w, "conflict", o.ID)
		row(w, "refused by", o.Actor.Name+" at "+when(o.Time))
		row(w, "presented by", party(o.Peer)+", for "+dash(o.Reservation))
		row(w, "oversold by", party(&o.Issuer))
		row(w, "held", fmt.Sprintf("%d of %s", o.Held, o.Type))
		row(w, "gave away", fmt.Sprintf("%d, at %s", o.Given, when(o.At)))
		switch {
		case out != "":
			row(w, "proof", "written to "+out)
		case o.Proof == nil:
			row(w, "proof", "none: "+o.Unproved)
		default:
			row(w, "proof", "yes; --out FILE writes it")
		}
		fmt.Fprintln(w)
		row(w, "TICKET", "HOLDER", "UNITS", "FROM", "TO", "LEASED FOR")
		for _, cl := range o.Claims {
			row(w, cl.Ticket, party(&cl.Holder), cl.Units, when(cl.Start), when(cl.End), dash(cl.Reservation))
		}
	})
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}
