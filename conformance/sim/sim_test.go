package sim

import (
	"errors"
	"flag"
	"strings"
	"testing"
)

var (
	first = flag.Uint64("seed", 1, "first seed to play")
	count = flag.Int("seeds", 300, "how many seeds to play")
)

// TestFederation plays each seed twice. A failure names its seed, and
// go test ./conformance/sim -run Federation -seed=N -seeds=1 plays it again.
func TestFederation(t *testing.T) {
	t.Parallel()
	sum, err := Seeds(t.Context(), *first, *count, 2, nil)
	report(t, err)
	t.Logf("%+v", sum)
}

// report shows a failure with the end of its trace.
func report(t *testing.T, err error) {
	t.Helper()
	var f *Failure
	if errors.As(err, &f) {
		t.Log(strings.Join(f.Trace, "\n"))
	}
	if err != nil {
		t.Fatal(err)
	}
}
