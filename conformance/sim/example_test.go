package sim_test

import (
	"fmt"

	"github.com/leasehold/leasehold/conformance/sim"
)

// A plain world in which everything that a site has is leased once.
func ExampleRun() {
	report, err := sim.Run(1, sim.Plain())
	fmt.Println(report.Counts.Leases, "lease,", report.Counts.Crashes, "crashes,", err)
	// Output:
	// 1 lease, 0 crashes, <nil>
}
