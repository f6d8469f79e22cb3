package scale_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/conformance/scale"
)

// TestEveryNodeFlips: in every term each node changes hands once, whichever way the
// actors speak, and nothing is refused.
func TestEveryNodeFlips(t *testing.T) {
	t.Parallel()
	for _, cfg := range []scale.Config{
		{Nodes: 24, PerLease: 4, Term: 12},
		{Nodes: 6, PerLease: 6, Term: 60},
		{Nodes: 5, PerLease: 1, Term: 8},
		{Nodes: 12, PerLease: 3, Term: 20, Wire: true},
	} {
		w, err := scale.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Ticks(2 * cfg.Term); err != nil {
			t.Fatal(err)
		}
		before := w.Flips()
		if err := w.Ticks(3 * cfg.Term); err != nil {
			t.Fatal(err)
		}
		if got, want := w.Flips()-before, int64(3*cfg.Nodes); got != want {
			t.Errorf("%+v: %d flips in three terms, want %d", cfg, got, want)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkFlips is the experiment's standard setting, for profiles. Time on a
// processor is told apart, because machines have other things to do.
func BenchmarkFlips(b *testing.B) {
	cfg := standard
	w, err := scale.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	if err := w.Ticks(2 * cfg.Term); err != nil {
		b.Fatal(err)
	}
	before, spent := w.Flips(), processor(b)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if err := w.Ticks(cfg.Term); err != nil {
			b.Fatal(err)
		}
	}
	flips := float64(w.Flips() - before)
	b.ReportMetric(flips/b.Elapsed().Seconds(), "flips/s")
	b.ReportMetric(float64(processor(b)-spent)/1000/flips, "cpu-us/flip")
}

// processor is how long this process has been on a processor.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
