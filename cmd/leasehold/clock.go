package main

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/spf13/cobra"
)

func (a *app) clockCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "clock",
		Short: "The actors' clock, and those of their peers",
		Long: `The actors count time in cycles of one clock. It is this machine's own, or, with
"ticks: external" under clock: in the configuration, one that stands still until
operators move it: production actors then live through a year in minutes.

An actor never plays a cycle again in which something happened. When the clock was
set back, also while the server was down, it takes requests and its time stands still
until the clock has caught up: no lease ends later than its term, or twice. When the
clock was set forward, what is due by then is done at once: leases whose terms are
over end. If it was the clock before that was wrong, and far ahead, start the server
with --clock-set-back: the actors go on from the present time.`,
	}
	c.AddCommand(a.clockShow(), a.clockTick(), a.clockPeers())
	quiet(c)
	return c
}

func (a *app) showClock(i manage.Instant) error {
	return a.show(i, func(w io.Writer) {
		row(w, "now", i.Now.Format(time.RFC3339Nano))
		row(w, "cycle", i.Cycle)
		row(w, "length", time.Duration(i.CycleMillis)*time.Millisecond)
		moved := "by itself"
		if i.External {
			moved = "by operators: leasehold clock tick"
		}
		row(w, "moved", moved)
	})
}

func (a *app) clockShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show what the actors' clock says, and who moves it",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			i, err := m.Clock(c.Context())
			if err != nil {
				return err
			}
			return a.showClock(i)
		},
	}
}

// ticksAtOnce is how many cycles one request to the server moves its clock: between
// two of them an interrupt is heard.
const ticksAtOnce = 100

func (a *app) clockTick() *cobra.Command {
	var pause time.Duration
	c := &cobra.Command{
		Use:   "tick [CYCLES]",
		Short: "Move the clock of a server whose configuration lets operators move it",
		Long: `Move the clock by one cycle or more, one after the other. After each the server waits
until its actors have done what the cycle asked of them and the messages between
them have arrived. Where peers or handlers elsewhere take longer, give a --pause.`,
		Example: "  leasehold clock tick 3600",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cycles := int64(1)
			if len(args) == 1 {
				var err error
				if cycles, err = strconv.ParseInt(args[0], 10, 64); err != nil || cycles < 1 {
					return usage("%q is no number of cycles, 1 or more", args[0])
				}
			}
			m, err := a.client()
			if err != nil {
				return err
			}
			var at manage.Instant
			for cycles > 0 {
				n := min(cycles, ticksAtOnce)
				if pause > 0 {
					n = 1
				}
				if at, err = m.Tick(c.Context(), n); err != nil {
					return err
				}
				cycles -= n
				select {
				case <-time.After(pause):
				case <-c.Context().Done():
					return c.Context().Err()
				}
			}
			return a.showClock(at)
		},
	}
	c.Flags().DurationVar(&pause, "pause", 0, "wait after each cycle")
	return c
}

func (a *app) clockPeers() *cobra.Command {
	return &cobra.Command{
		Use:   "peers",
		Short: "Show how far the clocks of peers are from ours",
		Long: `Show how far the clocks of peers are from ours, by the times they write into their
messages: signed ones of strict peers, the HTTP dates of legacy peers' servers. Each
message bounds the offset; what goes with all of them is shown. No lease depends on
it: terms are kept by our own clock.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := a.client()
			if err != nil {
				return err
			}
			list, err := m.Clocks(c.Context())
			if err != nil {
				return err
			}
			return a.show(list, func(w io.Writer) {
				row(w, "ACTOR", "PEER", "CLOCK", "MESSAGES", "LAST", "WARNING")
				for _, i := range list {
					row(w, i.Actor.Name, i.Peer.Name, i.Estimate(), i.Samples, when(i.Measured), dash(warningOf(i)))
				}
			})
		},
	}
}

// peerClocks asks the server, if one runs, how far the clocks of peers are off, by
// their GUIDs.
func (a *app) peerClocks(ctx context.Context) map[string][]manage.PeerClock {
	m, err := a.client()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	list, err := m.Clocks(ctx)
	if err != nil {
		return nil // the configuration can be looked at without a server
	}
	out := map[string][]manage.PeerClock{}
	for _, i := range list {
		out[i.Peer.ID] = append(out[i.Peer.ID], i)
	}
	return out
}

// clockOf says how far the clock of a peer is off, by whoever of ours knows best.
func clockOf(list []manage.PeerClock) string {
	if len(list) == 0 {
		return "-"
	}
	best := list[0]
	for _, i := range list {
		if i.UncertainMillis < best.UncertainMillis {
			best = i
		}
	}
	return strings.TrimSpace(best.Estimate() + " " + warningOf(best))
}

func warningOf(i manage.PeerClock) string {
	if i.Beyond {
		return "further off than a cycle!"
	}
	return ""
}
