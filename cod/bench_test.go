package cod_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// quick answers everything a machine asks for at once: every write takes effect,
// every driver is done.
func quick(m *cod.Machine, ev cod.Event, keep func(ldapschema.Change)) (reports int) {
	line := []cod.Event{ev}
	for len(line) > 0 {
		fx := m.Step(1, line[0])
		line = line[1:]
		for _, w := range fx.Write {
			for _, c := range w.Changes {
				keep(c)
			}
			line = append(line, cod.Written{Token: w.Token})
		}
		for _, d := range fx.Drive {
			line = append(line, done(d))
		}
		reports += len(fx.Report)
	}
	return reports
}

func done(d cod.Drive) cod.Event {
	ev := cod.Driven{Token: d.Token}
	ev.Result.Done = true
	return ev
}

func wideConfig() cod.Config {
	c := siteConfig()
	c.Network, c.BlockBits = netip.MustParsePrefix("10.0.0.0/8"), 24
	c.UIDs, c.GIDs = cod.Range{}, cod.Range{}
	return c
}

// BenchmarkNode is a node's whole life, at a site with that many others up.
func BenchmarkNode(b *testing.B) {
	for _, others := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint("others=", others), func(b *testing.B) {
			m, err := cod.New(wideConfig())
			if err != nil {
				b.Fatal(err)
			}
			none := func(ldapschema.Change) {}
			for n := range others {
				quick(m, cod.Do{Action: setup(fmt.Sprint("o", n), fmt.Sprint("s", n/200), 1)}, none)
			}
			for n := 0; b.Loop(); n++ {
				unit := fmt.Sprint("u", n)
				r := quick(m, cod.Do{Action: setup(unit, "web", 1)}, none) + quick(m, cod.Do{Action: teardown(unit, "web", 2)}, none)
				if r != 2 {
					b.Fatal(r, "reports")
				}
			}
		})
	}
}

// BenchmarkLoad is the start of a site with 10,000 nodes.
func BenchmarkLoad(b *testing.B) {
	w := map[ldapschema.DN]ldapschema.Entry{}
	keep := func(c ldapschema.Change) {
		if c.Kind == ldapschema.Add {
			w[c.DN] = c.Entry()
		}
	}
	m, err := cod.New(wideConfig())
	if err != nil {
		b.Fatal(err)
	}
	for n := range 10000 {
		quick(m, cod.Do{Action: setup(fmt.Sprint("o", n), fmt.Sprint("s", n/200), 1)}, keep)
	}
	entries := make([]ldapschema.Entry, 0, len(w))
	for _, e := range w {
		entries = append(entries, e)
	}
	b.ReportMetric(float64(len(entries)), "entries")
	for b.Loop() {
		if m, err = cod.New(wideConfig()); err != nil {
			b.Fatal(err)
		}
		m.Load(entries)
	}
	if got := len(m.View().Clusters); got != 50 {
		b.Fatal(got, "clusters")
	}
}
