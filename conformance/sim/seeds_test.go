package sim

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The lowest seed that fails is the one that is reported, whoever plays it.
func TestSeedsFail(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) Config {
		cfg := Plain()
		cfg.Chaos = 5_000
		if seed >= 13 {
			cfg.mutant = sharesAddress
		}
		return cfg
	}
	done := 0
	sum, err := sweep(t.Context(), draw, 7, 20, 2, func(n int) { done = n })
	var f *Failure
	if !errors.As(err, &f) || f.Seed != 13 || sum.Failed == nil || *sum.Failed != 13 || f.Sentence != string(saysShared) || len(f.Trace) == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if sum.Worlds < 6 || done != sum.Worlds {
		t.Errorf("%d worlds, %d heard of", sum.Worlds, done)
	}
	if text := f.Error(); !strings.Contains(text, "seed 13") || !strings.Contains(text, f.Sentence) {
		t.Error(text)
	}
}

func TestSeedsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	sum, err := Seeds(ctx, 1, 1_000_000, 1, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) || sum.Worlds != 1 {
		t.Errorf("%d worlds, %v", sum.Worlds, err)
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no managers":   func(c *Config) { c.Managers = 0 },
		"many managers": func(c *Config) { c.Managers = 4 },
		"no sites":      func(c *Config) { c.Sites = 0 },
		"many sites":    func(c *Config) { c.Sites = 4 },
		"no brokers":    func(c *Config) { c.Brokers = 0 },
		"many brokers":  func(c *Config) { c.Brokers = 4 },
		"no stock":      func(c *Config) { c.Direct = 0 },
		"buys alone":    func(c *Config) { c.Buys = []Purchase{{Units: 1, Cycles: 9}} },
		"no hosts":      func(c *Config) { c.Hosts = 0 },
		"no exports":    func(c *Config) { c.Exports = nil },
		"no cycle":      func(c *Config) { c.Cycle = 0 },
		"no batch":      func(c *Config) { c.Batch = 0 },
	} {
		cfg := Plain()
		change(&cfg)
		if _, err := Run(1, cfg); err == nil {
			t.Errorf("%s: played", name)
		}
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Sentences() {
		if seen[s] || strings.TrimSpace(s) != s || strings.HasSuffix(s, ".") {
			t.Errorf("%q", s)
		}
		seen[s] = true
	}
}

func BenchmarkWorld(b *testing.B) {
	on, err := newStage()
	if err != nil {
		b.Fatal(err)
	}
	seed, steps := uint64(0), 0
	for b.Loop() {
		seed++
		on.clear()
		r, err := run(seed, Swarm(seed), on)
		if err != nil {
			b.Fatal(err)
		}
		steps += r.Counts.Steps
	}
	b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
}

// The seeds that failed once are played for ever.
func TestSeedsThatFailed(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/seeds/once.txt")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		number, showed, _ := strings.Cut(strings.TrimSpace(line), " ")
		seed, err := strconv.ParseUint(number, 10, 64)
		if err != nil || strings.TrimSpace(showed) == "" {
			t.Fatalf("%q is no seed with what it showed", line)
		}
		_, err = Twice(seed, Swarm(seed))
		report(t, err)
		played++
	}
	if played == 0 {
		t.Error("no seeds")
	}
}
