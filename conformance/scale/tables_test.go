package scale_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/conformance/scale"
)

// tables measures the paper's tables 4 and 5 and the parameters they have.
func (t *report) tables(b *testing.B) {
	fmt.Fprint(&t.more, "\n## Table 4: l = 1, n = N, t = 3600, local calls, records in memory\n\n",
		"| N | alpha (ms) | sigma | best | t' (ms) | r' (flips/ms) | paper: alpha |\n|---|---|---|---|---|---|---|\n")
	rising, before := 0, 0.0
	for i, paper := range []string{"0.1183", "0.1743", "0.2285", "0.2905"} {
		cfg := scale.Config{Nodes: 120 * (i + 1), PerLease: 120 * (i + 1), Term: 3600}
		m := play(b, cfg, 100, 1, nil)
		t.line(fmt.Sprint(cfg.Nodes), m, paper)
		if _, _, best := m.Alpha(); best > before {
			rising++
			before = best
		}
	}
	t.row("alpha_rises_with_N", "steps of N = 0, 120, 240, 360, 480 over which alpha rises", float64(rising), "of_4", ">=", 4)

	fmt.Fprint(&t.more, "\n## Table 5: N = 240, l = 1, t = 3600\n\n",
		"Where the paper has SOAP, so have we, signed under the strict profile; LDAP is slapd.\n\n",
		"| messaging, records | alpha (ms) | sigma | best | t' (ms) | r' (flips/ms) | paper: alpha |\n|---|---|---|---|---|---|---|\n")
	for _, c := range []struct {
		name, paper string
		ldap, wire  bool
	}{{"local, memory", "0.1743", false, false}, {"local, LDAP", "5.556", true, false}, {"SOAP, memory", "27.902", false, true}, {"SOAP, LDAP", "34.041", true, true}} {
		cfg := scale.Config{Nodes: 240, PerLease: 240, Term: 3600, Wire: c.wire}
		if c.ldap {
			cfg.Stores, _, _ = ldapStores(b)
		}
		t.line(c.name, play(b, cfg, 20, 1, nil), c.paper)
	}
}

func (t *report) line(name string, m scale.Measure, paper string) {
	mean, sigma, best := m.Alpha()
	fmt.Fprintf(&t.more, "| %s | %.6f | %.6f | %.6f | %.3f | %.1f | %s |\n", name, mean, sigma, best,
		best*float64(m.Config.Term), m.FlipsPerSecond()/1000, paper)
}

// grid measures figure 10 and looks whether its trends hold: alpha falls with t and
// rises with l.
func (t *report) grid(b *testing.B) {
	terms := []actors.Cycle{300, 600, 1200, 1800, 3600}
	leases := []int{1, 2, 4, 8, 12, 24}
	fmt.Fprint(&t.more, "\n## Figure 10: N = 240, alpha in ms for l leases of a term of t ticks, best of a hundred terms\n\n| l |")
	for _, ticks := range terms {
		fmt.Fprintf(&t.more, " t = %d |", ticks)
	}
	fmt.Fprint(&t.more, "\n|---|---|---|---|---|---|\n")
	var alpha [6][5]float64
	for i, l := range leases {
		fmt.Fprintf(&t.more, "| %d |", l)
		for j, ticks := range terms {
			_, _, alpha[i][j] = play(b, scale.Config{Nodes: 240, PerLease: 240 / l, Term: ticks}, 100, 1, nil).Alpha()
			fmt.Fprintf(&t.more, " %.6f |", alpha[i][j])
		}
		fmt.Fprintln(&t.more)
	}
	falls, rises := 0, 0
	for i := range leases {
		for j := range terms {
			if j > 0 && alpha[i][j] < alpha[i][j-1] {
				falls++
			}
			if i > 0 && alpha[i][j] > alpha[i-1][j] {
				rises++
			}
		}
	}
	t.row("alpha_falls_with_t", "neighbours in figure 10 of which the longer term has the lower alpha", float64(falls), "of_24", ">=", 24)
	t.row("alpha_rises_with_l", "neighbours in figure 10 of which more leases have the higher alpha", float64(rises), "of_25", ">=", 24)
}

// document is the whole table as it is kept.
func (t *report) document() string {
	return `# The core: what it costs

Written by ` + "`make bench-core`" + `, which plays the scaling experiment of the Shirako paper
(5.3; leasing 9.4) with the actors of this program; package conformance/scale says how.
A node flips when it changes hands: it is torn down for one lease and set up for the
next, and it leaves one guest and joins another. Every term all nodes flip.

The numbers are those of the best of several runs, because machines are noisy; alpha,
where it stands with a sigma, is the mean and the standard deviation of the runs. The
paper's numbers are of 2006: one 2.8 GHz processor, Java 1.4, OpenLDAP 2.2.

What slapd's bare rate allows is the flips in a second that there would be if each record
saved were one modify operation, slapd had the machine to itself, and nothing else took
time: 20.4 records for a lease of 24 nodes, by three actors over its life. The store
writes a batch of records in one operation, so that with function calls the share may be
more than 1. With signed SOAP slapd and the actors share the processors, and the share is
what the making and checking of signatures and of messages leave.

A takeover is that of a process which grants units from PostgreSQL as fast as it goes, by
another one that stands by: the time from the SIGKILL until the other has loaded the
records and grants. No unit is granted twice, which package actors/store/postgres tests.

| what | value | target | |
|---|---|---|---|
` + t.rows.String() + t.more.String()
}
