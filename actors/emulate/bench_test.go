package emulate_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/emulate"
)

// BenchmarkMonth plays a month of five-minute requests by two guests on two sites
// of 70 nodes, and reports what one event of an actor costs.
func BenchmarkMonth(b *testing.B) {
	s := load(b, "month.yaml")
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		r, err := emulate.Run(s, policies)
		if err != nil {
			b.Fatal(err)
		}
		events += r.Events
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/month")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
