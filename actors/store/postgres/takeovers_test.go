package postgres_test

import (
	"flag"
	"testing"

	"github.com/leasehold/leasehold/actors/store/postgres/takeovers"
	"github.com/leasehold/leasehold/conformance/setup"
)

var times = flag.Int("takeovers", 8, "how often TestTakeovers kills or stops whoever grants")

// TestTakeovers kills whoever is at work, or stops him until he has been replaced and
// wakes him up again, over and over. How long it took is logged and not judged:
// `make bench-core` has it in its table.
func TestTakeovers(t *testing.T) {
	t.Parallel()
	p := takeovers.Play(t, setup.StartPostgres(t).Database(t), *times, true)
	if len(p.Killed)+len(p.Stopped) == 0 {
		t.Fatal("nobody was killed or stopped at work")
	}
	t.Logf("from a kill %v, from a stop %v; %d grants; %d woke up and were refused", p.Killed, p.Stopped, p.Grants, p.Refused)
}
