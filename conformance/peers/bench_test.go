package peers

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
)

// BenchmarkWire opens the same messages here and in a warm WSS4J beside us, in
// turns, and gives the rows of conformance/doc/bench-wire.md that compare the two:
// `make bench-wire` reads them. The unit of a row carries its target.
func BenchmarkWire(b *testing.B) {
	p := use(b, startWSS4J)
	id := signers(b, p)[1] // RSA of 2048 bits
	row := func(name, unit, target string, value float64) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				continue // the value is measured already
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(value, unit+":"+target)
		})
	}
	micro := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	for _, size := range []struct {
		name, octets string
		warm, repeat int
	}{{"3KB", "3k", 20_000, 12}, {"52KB", "52k", 4_000, 3}} {
		for _, s := range suites {
			text := []byte(seal(b, shapes["ours"](body(b, message(sizes[size.octets]))), id, s))
			ours, theirs := turns(b, p, text, opening(id, nil), size.warm, size.repeat)
			name := "scan_and_verify_" + size.name + "_RSA-2048_" + s.name
			row(name+"_against_WSS4J", "x", ">=:3", float64(theirs)/float64(ours))
			row(name+"_here", "us", "info:0", micro(ours))
			row(name+"_in_WSS4J", "us", "info:0", micro(theirs))
		}
	}
	bare := p.nanoseconds(b, "rsa", id.name, 5000)
	for range 300 {
		bare = min(bare, p.nanoseconds(b, "rsa", id.name, 20))
	}
	row("RSA-2048_verification_in_Java", "us", "info:0", micro(bare))
}

// nanoseconds asks the peer how long something takes that it does n times.
func (p *peer) nanoseconds(b *testing.B, command, what string, n int, more ...[]byte) time.Duration {
	args := append([][]byte{[]byte(what), []byte(strconv.Itoa(n))}, more...)
	ns, err := strconv.ParseInt(string(p.ask(b, command, args...)[0]), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(ns)
}

// turns is how long one message takes here and there: the averages of the fastest
// of many short rounds, which other work on the machine disturbed least.
func turns(b *testing.B, p *peer, text []byte, o wssec.Opening, warm, repeat int) (ours, theirs time.Duration) {
	java := func(n int) time.Duration { return p.nanoseconds(b, "bench", "1", n, text) }
	o.Cache = new(wssec.Certificates)
	here := func(n int) time.Duration {
		began := time.Now()
		for range n {
			doc, err := xmltree.Parse(text, xmltree.DefaultLimits())
			if err == nil {
				_, err = wssec.OpenRequest(doc, o)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began) / time.Duration(n)
	}
	// The compiler of the Java machine has done what it will ever do by then.
	for began := time.Now(); warm > 0 || time.Since(began) < 8*time.Second; warm -= repeat {
		java(repeat)
	}
	var we, they []time.Duration
	for range 300 {
		we = append(we, here(repeat))
		they = append(they, java(repeat))
	}
	return slices.Min(we), slices.Min(they)
}
