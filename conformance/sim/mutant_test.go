package sim

import (
	"errors"
	"slices"
	"testing"
)

// TestMutants breaks worlds on purpose. Each way is noticed, by one of the sentences
// that speak of it, within a few dozen seeds.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, m := range []struct {
		name   string
		broken mutant
		change func(*Config) // makes the way likely to matter
		within int           // seeds
		by     []sentence
	}{
		{"sends before it saves", sendsBeforeSave, func(c *Config) { c.Faults.Crash = 100 }, 40, []sentence{saysExplained, saysSequence}},
		{"loses records", losesRecords, nil, 40, []sentence{saysRestored, saysExplained, saysOblivion, saysSequence, saysOneUnit}},
		{"gives a host twice", givesHostTwice, nil, 20, []sentence{saysOneUnit}},
		{"leaves remains", leavesRemains, nil, 20, []sentence{saysBare, saysOneUnit}},
		{"shares an address", sharesAddress, nil, 20, []sentence{saysShared}},
		{"skips signatures", skipsSignatures, func(c *Config) { c.Signed, c.Faults.Attack = true, 800 }, 20, []sentence{saysForged}},
		{"admits replays", admitsReplays, func(c *Config) { c.Signed, c.Faults.Attack = true, 800 }, 40, []sentence{saysForged}},
		{"skips signatures of calls", skipsSignatures, func(c *Config) { c.Signed, c.Calls, c.Faults.Attack = true, AllCalls, 800 }, 20, []sentence{saysForged}},
		{"admits replays of calls", admitsReplays, func(c *Config) { c.Signed, c.Calls, c.Faults.Attack = true, AllCalls, 800 }, 40, []sentence{saysForged}},
		{"sells more than it was given", sellsMore, nil, 60, []sentence{saysOversold, saysConserved}},
		{"reads the order of a map", readsMapOrder, nil, 20, []sentence{saysRepeats}},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(m.within) {
				cfg := Swarm(seed)
				cfg.mutant = m.broken
				if m.change != nil {
					m.change(&cfg)
				}
				_, err := Twice(seed, cfg)
				var f *Failure
				if !errors.As(err, &f) {
					continue
				}
				if !slices.Contains(m.by, sentence(f.Sentence)) {
					t.Errorf("seed %d: noticed by another sentence: %v", seed, err)
				}
				t.Logf("seed %d: %v", seed, err)
				return
			}
			t.Errorf("nobody noticed within %d seeds", m.within)
		})
	}
}
