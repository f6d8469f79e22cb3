package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/leasehold/leasehold/conformance/sim"
	"github.com/spf13/cobra"
)

func (a *app) simCommand() *cobra.Command {
	var first uint64
	var seeds, workers, lines int
	c := &cobra.Command{
		Use:   "sim",
		Short: "Play whole federations from seeds, with faults, until one goes wrong",
		Long: `Play federations on a virtual clock: the machines, codecs, signatures and cluster
logic of this program, with lost messages, crashes, failing handlers and meddling
operators drawn from a seed. One seed in four is played twice and must end the same. A
seed that fails is printed with the last things that happened in it, and plays the
same again whenever it is asked for.`,
		Example: `  leasehold sim --seeds 2000
  leasehold sim --first 4711 --seeds 1`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if seeds < 1 {
				return usage("play at least one seed: --seeds")
			}
			// Worlds are made and thrown away by the thousand; memory is not short.
			debug.SetGCPercent(400)
			began := time.Now()
			shown := began
			sum, err := sim.Seeds(c.Context(), first, seeds, workers, func(done int) {
				if now := time.Now(); !a.json && now.Sub(shown) >= 5*time.Second {
					shown = now
					fmt.Fprintf(a.err, "%d of %d seeds\n", done, seeds)
				}
			})
			var f *sim.Failure
			if err != nil && !errors.As(err, &f) {
				return err
			}
			out := struct {
				OK      bool       `json:"ok"`
				First   uint64     `json:"first"`
				Seeds   int        `json:"seeds"`
				Twice   int        `json:"twice"`  // played a second time and found the same
				Signed  int        `json:"signed"` // worlds whose messages were signed
				Called  int        `json:"called"` // worlds in which actors spoke XML-RPC
				Mixed   int        `json:"mixed"`  // of these, worlds in which others spoke SOAP
				Seconds float64    `json:"seconds"`
				Counts  sim.Counts `json:"counts"`
				Failed  *uint64    `json:"failed,omitempty"`
				Trace   []string   `json:"trace,omitempty"`
			}{OK: f == nil, First: first, Seeds: sum.Worlds, Twice: sum.Twice, Signed: sum.Signed, Called: sum.Called, Mixed: sum.Mixed,
				Seconds: time.Since(began).Round(time.Millisecond).Seconds(), Counts: sum.Counts}
			if f != nil {
				out.Failed = &f.Seed
				out.Trace = f.Trace[max(0, len(f.Trace)-lines):]
			}
			if e := a.show(out, func(w io.Writer) {
				for _, l := range out.Trace {
					fmt.Fprintln(w, clean(l))
				}
				n := sum.Counts
				row(w, "seeds", fmt.Sprintf("%d from %d, %d of them played twice, %d with signed messages, in %.1f s", sum.Worlds, first, sum.Twice, sum.Signed, out.Seconds))
				row(w, "protocols", fmt.Sprintf("%d worlds of SOAP, %d of XML-RPC, %d of both", sum.Worlds-sum.Called, sum.Called-sum.Mixed, sum.Mixed))
				row(w, "leases", fmt.Sprintf("%d, of which %d were extended", n.Leases, n.Extended))
				row(w, "messages", fmt.Sprintf("%d: %d lost, %d arrived twice, %d refused", n.Messages, n.Dropped, n.Repeated, n.Refused))
				row(w, "crashes", n.Crashes)
				row(w, "attacks", n.Attacks)
				row(w, "tickets sold aside", n.Aside)
				row(w, "proofs of overselling", n.Proofs)
			}); e != nil {
				return e
			}
			if f != nil {
				return fmt.Errorf("%w\nplay it again: leasehold sim --first %d --seeds 1", f, f.Seed)
			}
			return nil
		},
	}
	c.Flags().Uint64Var(&first, "first", 1, "the first seed")
	c.Flags().IntVar(&seeds, "seeds", 200, "how many seeds to play")
	c.Flags().IntVar(&workers, "workers", runtime.NumCPU(), "how many to play at once")
	c.Flags().IntVar(&lines, "trace", 40, "how much of a failed seed's history to print")
	return c
}
