package scale

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Measure is what some runs of one setting took.
type Measure struct {
	Config Config
	Runs   []time.Duration // each of Terms terms
	Terms  int             // in one run
	Writes float64         // records saved for one flip
}

// Alpha is the mean and the standard deviation of the milliseconds for one tick, and
// the least of any run: on a machine that others use too, that one was disturbed
// least.
func (m Measure) Alpha() (mean, sigma, best float64) {
	ticks := float64(m.Terms) * float64(m.Config.Term)
	for _, r := range m.Runs {
		mean += float64(r) / 1e6 / ticks / float64(len(m.Runs))
	}
	for _, r := range m.Runs {
		d := float64(r)/1e6/ticks - mean
		sigma += d * d / float64(max(len(m.Runs)-1, 1))
	}
	return mean, math.Sqrt(sigma), float64(slices.Min(m.Runs)) / 1e6 / ticks
}

// FlipsPerSecond is the node flips in a second of the best run.
func (m Measure) FlipsPerSecond() float64 {
	return float64(m.Config.Nodes) * float64(m.Terms) / slices.Min(m.Runs).Seconds()
}

// Play opens a world, lets it warm up for two terms, and measures runs of so many
// terms each. Between runs it calls pause, if there is any.
func Play(ctx context.Context, cfg Config, runs, terms int, pause func(*World) error) (Measure, error) {
	m := Measure{Config: cfg, Terms: terms}
	w, err := Open(ctx, cfg)
	if err != nil {
		return m, err
	}
	defer w.Close()
	if err := w.Ticks(2 * cfg.Term); err != nil {
		return m, err
	}
	writes, flips := w.Writes(), w.Flips()
	for range runs {
		begin := time.Now()
		if err := w.Ticks(actors.Cycle(terms) * cfg.Term); err != nil {
			return m, err
		}
		m.Runs = append(m.Runs, time.Since(begin))
		if pause != nil {
			if err := pause(w); err != nil {
				return m, err
			}
		}
	}
	m.Writes = float64(w.Writes()-writes) / float64(w.Flips()-flips)
	return m, nil
}

// IdleTick lets every machine take a tick in which nothing is due, without waking
// its host.
func (w *World) IdleTick() error {
	for _, p := range w.cast {
		if _, err := p.machine.Machine.Step(w.tick, actors.Tick{}); err != nil {
			return err
		}
	}
	return nil
}
