package sim

import (
	"errors"
	"flag"
	"strings"
	"testing"
)

var (
	first = flag.Uint64("seed", 1, "first seed to play")
	count = flag.Int("seeds", 200, "how many seeds to play")
)

// TestFederation plays seeds. A failure names its seed, and
// go test ./conformance/sim -run Federation -seed=N -seeds=1 plays it again.
func TestFederation(t *testing.T) {
	t.Parallel()
	sum, err := Seeds(t.Context(), *first, *count, 2, nil)
	report(t, err)
	t.Logf("%+v", sum)
	if *count < 100 {
		return
	}
	if sum.Worlds != *count || sum.Signed == 0 || sum.Mixed == 0 || sum.Called <= sum.Mixed || sum.Failed != nil {
		t.Errorf("%d worlds, %d of them signed, %d with XML-RPC and %d with SOAP too, failed %v", sum.Worlds, sum.Signed, sum.Called, sum.Mixed, sum.Failed)
	}
	for i, n := range sum.Counts.fields() {
		if *n == 0 {
			t.Errorf("field %d of Counts is 0: something never happens", i)
		}
	}
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
