package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/evidence"
	"github.com/leasehold/leasehold/actors/ledger"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/ticket"
	"github.com/spf13/cobra"
)

// someFiles wants one argument or more.
func someFiles(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("%s needs at least one file; see %s --help", c.CommandPath(), c.CommandPath())
	}
	return nil
}

// twig is one claim of a tree as commands print it.
type twig struct {
	ticketRecord
	Depth  int    `json:"depth"` // 0 for roots
	File   string `json:"file,omitempty"`
	id     [32]byte
	parent [32]byte
}

// oversold is a conflict as commands print it.
type oversold struct {
	Issuer string         `json:"issuer"`
	Parent ticketRecord   `json:"parent"`
	At     string         `json:"at"`
	Units  int            `json:"units"`
	Claims []ticketRecord `json:"claims"`
}

func oversoldOf(parent ticket.Record, at int64, units int, records []ticket.Record) oversold {
	p := recordOf(parent)
	o := oversold{Issuer: parent.Holder, Parent: p, At: recordOf(ticket.Record{Start: at}).Start.Format("2006-01-02T15:04:05.999Z07:00"), Units: units}
	for _, r := range records {
		o.Claims = append(o.Claims, recordOf(r))
	}
	return o
}

// oversoldIn is what a ledger found.
func oversoldIn(c *ledger.Conflict) oversold {
	var records []ticket.Record
	for _, claim := range c.Claims {
		records = append(records, translate.Record(claim.Delegation))
	}
	return oversoldOf(translate.Record(c.Parent), int64(c.At), c.Units, records)
}

func (o oversold) print(w io.Writer) {
	row(w, "oversold by", o.Issuer)
	row(w, "held", fmt.Sprintf("%d of %s", o.Parent.Units, o.Parent.Type))
	row(w, "gave away", fmt.Sprintf("%d, at %s", o.Units, o.At))
	fmt.Fprintln(w)
	recordHead(w)
	for _, r := range o.Claims {
		recordRow(w, r)
	}
}

func (a *app) ticketTree() *cobra.Command {
	var f ticketFlags
	c := &cobra.Command{
		Use:   "tree FILE...",
		Short: "Show who carved what from what, over several tickets",
		Args:  someFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			sites, err := a.siteKeys(f.roots)
			if err != nil {
				return err
			}
			var claims ledger.Ledger
			known := map[[32]byte]*twig{}
			var order []*twig
			out := struct {
				Claims    []*twig    `json:"claims"`
				Conflicts []oversold `json:"conflicts"`
			}{[]*twig{}, []oversold{}}
			for _, file := range args {
				chain, err := f.readTicket(file, sites)
				if err != nil {
					return err
				}
				records := chain.Records()
				for k := len(records) - 1; k >= 0; k-- {
					t := known[chain.ID(k)]
					if t == nil {
						t = &twig{ticketRecord: recordOf(records[k]), Depth: len(records) - 1 - k, id: chain.ID(k), parent: chain.ID(k + 1)}
						known[t.id] = t
						order = append(order, t)
					}
					if k == 0 && t.File == "" {
						t.File = file
					}
				}
				var conflict *ledger.Conflict
				if err := claims.See(0, translate.FromChain(chain, chain.Text(0))); errors.As(err, &conflict) {
					out.Conflicts = append(out.Conflicts, oversoldIn(conflict))
				} else if err != nil {
					return err
				}
			}
			var below func(parent [32]byte)
			below = func(parent [32]byte) {
				for _, t := range order {
					if t.parent == parent {
						out.Claims = append(out.Claims, t)
						below(t.id)
					}
				}
			}
			below([32]byte{})
			return a.show(out, func(w io.Writer) {
				row(w, "HOLDER", "UNITS", "TYPE", "FROM", "TO", "RECORD", "FILE")
				for _, t := range out.Claims {
					row(w, strings.Repeat("  ", t.Depth)+t.Holder, t.Units, t.Type, when(t.NewStart), when(t.End), t.GUID, dash(t.File))
				}
				for _, o := range out.Conflicts {
					fmt.Fprintln(w)
					o.print(w)
				}
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) ticketProve() *cobra.Command {
	var f ticketFlags
	var out string
	c := &cobra.Command{
		Use:   "prove FILE...",
		Short: "Make evidence of overselling from tickets, or check evidence",
		Long: `With tickets: find the first conflict among them and print the evidence, the
fewest tickets that show it, or write it to --out. With one file of evidence:
check it, knowing nothing but the site's key.

Evidence from legacy tickets is no more than an indication: they do not say which
ticket they were carved from, so the site has to judge.`,
		Example: `  leasehold ticket prove first.ticket second.ticket --root site.pem --out evidence.json
  leasehold ticket prove evidence.json --root site.pem`,
		Args: someFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			sites, err := a.siteKeys(f.roots)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				data, err := readInput(args[0])
				if err != nil {
					return err
				}
				if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
					return a.checkEvidence(args[0], data, sites)
				}
			}
			var claims ledger.Ledger
			for _, file := range args {
				chain, err := f.readTicket(file, sites)
				if err != nil {
					return err
				}
				var conflict *ledger.Conflict
				if err := claims.See(0, translate.FromChain(chain, chain.Text(0))); errors.As(err, &conflict) {
					return a.writeEvidence(conflict, out)
				} else if err != nil {
					return err
				}
			}
			return &actors.Error{Op: "ticket prove", Kind: actors.NotFound, Err: errors.New("nothing is oversold in these tickets")}
		},
	}
	f.add(c)
	c.Flags().StringVar(&out, "out", "", "file for the evidence; default standard output")
	return c
}

func (a *app) writeEvidence(conflict *ledger.Conflict, out string) error {
	proof, err := evidence.Of(conflict.Evidence)
	if err != nil {
		return fmt.Errorf("%w; %w", conflict, err)
	}
	if out == "" {
		_, err := a.out.Write(proof.Text())
		return err
	}
	if err := writeNew(out, proof.Text()); err != nil {
		return err
	}
	o := oversoldIn(conflict)
	return a.show(o, func(w io.Writer) {
		row(w, "evidence", "written to "+out)
		o.print(w)
	})
}

func (a *app) checkEvidence(file string, data []byte, sites siteKeys) error {
	proof, err := evidence.ParseProof(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	found, err := proof.Verify(sites.of)
	if err != nil {
		return fmt.Errorf("%s: %w", file, distrust(err))
	}
	out := struct {
		oversold
		Site       string `json:"site"`
		Conclusive bool   `json:"conclusive"`
	}{oversoldOf(found.Parent, found.At, found.Units, found.Claims), found.Site, found.Conclusive}
	return a.show(out, func(w io.Writer) {
		verdict := "proved"
		if !out.Conclusive {
			verdict = "shown as far as legacy tickets can; site " + out.Site + " has to judge"
		}
		row(w, "evidence", verdict)
		out.print(w)
	})
}
