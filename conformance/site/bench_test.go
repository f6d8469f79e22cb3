package site_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/heap"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	follower "github.com/leasehold/leasehold/cod/dns"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/ldapschema"
)

var (
	table = flag.String("table", "", "file to write the table of BenchmarkCOD to")
	nodes = flag.Int("nodes", 500, "how many nodes BenchmarkCOD compares the writing of")
	runs  = flag.Int("runs", 6, "how often it does, in turns")
	only  = flag.Bool("writes", false, "whether it measures nothing else")
)

// BenchmarkCOD measures the rows of cod/doc/bench-cod.md and prints one line for each:
// `make bench-cod`. It measures each once, whatever b.N is.
func BenchmarkCOD(b *testing.B) {
	heap.Tune() // as `leasehold serve` does
	var r rows
	r.writes(b)
	if *only {
		return
	}
	r.setups(b)
	r.edits(b)
	r.names(b)
	r.offers(b)
	if *table != "" {
		if err := os.WriteFile(*table, []byte(benchHead+r.text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

const benchHead = `# Cluster-on-Demand on real daemons: what it costs

Written by ` + "`make bench-cod`" + `: one site, Debian's slapd on this machine (back_mdb,
dbnosync, overlay syncprov, one index), drivers that do nothing. A node is four entries,
and setting it up changes the first of them twice. What is a ratio was measured in
turns, and the best of several runs counts, because machines are noisy.

A site knows what operators do because slapd tells it of every change, its own among
them (RFC 4533). How much that and the two changes cost slapd itself is seen from a
loader that decides nothing: it makes the site's changes over again, while somebody is
told of each who throws it away unread. What it reaches, as a share of the bare loader's
rate, is what a site that makes these changes could reach if deciding them and following
the directory took it no time at all.

| what | value | target | |
|---|---|---|---|
`

// rows gathers the table.
type rows struct{ text strings.Builder }

// row prints one line and notes it. Without a target it is for comparison.
func (r *rows) row(name, what string, value float64, unit, op string, target float64) {
	number := func(v float64) string {
		if v >= 100 || v == float64(int(v)) {
			return fmt.Sprintf("%.0f", v)
		}
		return fmt.Sprintf("%.3g", v)
	}
	if op == "" {
		fmt.Printf("bench %s %s %s\n", name, number(value), unit)
		fmt.Fprintf(&r.text, "| %s | %s %s | | |\n", what, number(value), unit)
		return
	}
	met := "missed"
	if op == ">=" && value >= target || op == "<=" && value <= target || op == "<" && value < target {
		met = "met"
	}
	fmt.Printf("bench %s %s %s target %s %s %s\n", name, number(value), unit, op, number(target), met)
	fmt.Fprintf(&r.text, "| %s | %s %s | %s %s | %s |\n", what, number(value), unit, op, number(target), met)
}

// bench is a site to measure.
type bench struct {
	b       testing.TB
	slapd   *setup.Slapd
	dir     *recorder
	site    *site.Site
	reports chan actors.ActionDone
	changed chan cod.Changed
}

// connections is how many the site, and the loader it is compared with, may use.
const connections = 8

func newBench(b testing.TB) *bench {
	b.Helper()
	w := &bench{b: b, slapd: setup.StartSlapd(b, "overlay syncprov", "index entryUUID,entryCSN eq"), reports: make(chan actors.ActionDone, 100_000), changed: make(chan cod.Changed, 1000)}
	dir, err := ldapdir.Open(ldapdir.Config{URL: w.slapd.URL, BindDN: w.slapd.BindDN, Password: w.slapd.Password, Connections: connections})
	w.must(err)
	w.dir = &recorder{Dir: dir}
	b.Cleanup(func() { dir.Close() })
	return w
}

func (w *bench) must(err error) {
	w.b.Helper()
	if err != nil {
		w.b.Fatal(err)
	}
}

func (w *bench) start() {
	w.b.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	var err error
	w.site, err = site.New(site.Config{
		COD:       cod.Config{Owner: "site1", Base: w.slapd.Base, Domain: "site.test", Network: netip.MustParsePrefix("10.0.0.0/8")},
		Directory: w.dir, Driver: noop.New(noop.Config{}), Log: log, Writers: connections,
		Report: func(d actors.ActionDone) { w.reports <- d }, Changed: func(c cod.Changed) { w.changed <- c },
	})
	w.must(err)
	w.b.Cleanup(func() { w.site.Close() })
}

// act asks for an action on n units, 100 to a slice, and waits for all.
func (w *bench) act(verb actors.Verb, seq, n int) time.Duration {
	w.b.Helper()
	for !w.site.Snapshot().Sight {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	for i := range n {
		slice := fmt.Sprintf("s%d", i/100)
		w.site.Run(actors.Action{
			Reservation: actors.ReservationID(fmt.Sprint("r", i)), Slice: actors.Slice{ID: actors.SliceID("id-" + slice), Name: slice}, Type: "node",
			Term: actors.NewTerm(1_800_000_000_000, 1_800_003_600_000), Verb: verb, Sequence: seq,
			Unit: actors.Unit{ID: actors.UnitID(fmt.Sprint("u", i)), Host: fmt.Sprint("h", i)},
		})
	}
	for range n {
		select {
		case d := <-w.reports:
			if d.Code != cod.CodeDone {
				w.b.Fatalf("%+v", d)
			}
		case <-time.After(5 * time.Minute):
			w.b.Fatal("no report")
		}
	}
	return time.Since(began)
}

// ours is what the site wrote.
func (w *bench) ours() (out []ldapschema.Entry) {
	w.b.Helper()
	all, err := w.dir.List(context.Background(), w.slapd.Base)
	w.must(err)
	for _, e := range all {
		if e.Has("codSlice") {
			out = append(out, e)
		}
	}
	return out
}

// writes compares a site that writes nodes with a loader that adds the same entries; and
// with one that makes the same changes of them, too, while somebody is told of each: what
// a site would reach that took no time for itself.
func (r *rows) writes(b *testing.B) {
	w := newBench(b)
	w.start()
	var changes []ldapschema.Change
	var ours, bare, same pace
	for i := range *runs {
		ours.better(w, func() time.Duration { return w.act(actors.Setup, 2*i+1, *nodes) })
		if changes == nil {
			changes = ofClusters(w.dir.taken())
		}
		w.act(actors.Teardown, 2*i+2, *nodes)
		for len(w.site.Snapshot().View.Clusters) > 0 {
			time.Sleep(time.Millisecond)
		}
		for _, e := range w.ours() {
			b.Fatalf("left behind: %s", e.DN)
		}
		// The loader has the machine for itself.
		w.site.Close()
		bare.better(w, func() time.Duration { return w.load(adds(changes), connections) })
		w.clear(changes)
		stop := w.watch()
		same.better(w, func() time.Duration { return w.load(changes, connections) })
		stop()
		w.clear(changes)
		w.start()
	}
	n := float64(*nodes)
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / n }
	r.row("nodes", "nodes set up, all entries written, each changed twice since", n/ours.took.Seconds(), "nodes/s", "", 0)
	r.row("nodes_bare", "the same entries added by a bare loader", n/bare.took.Seconds(), "nodes/s", "", 0)
	r.row("nodes_share", "the site's rate as a share of the loader's", bare.took.Seconds()/ours.took.Seconds(), "x", ">=", 0.7)
	r.row("nodes_same", "the same entries added and changed twice by a bare loader, while slapd tells somebody of each change who throws it away", n/same.took.Seconds(), "nodes/s", "", 0)
	r.row("nodes_most", "that as a share of the bare loader's rate: what a site could reach that took no time for itself", bare.took.Seconds()/same.took.Seconds(), "x", "", 0)
	r.row("nodes_same_share", "the site's rate as a share of that", same.took.Seconds()/ours.took.Seconds(), "x", "", 0)
	r.row("slapd_bare", "slapd's processor time for a node: bare loader", each(bare.slapd), "us", "", 0)
	r.row("slapd_same", "... the same, changed and told", each(same.slapd), "us", "", 0)
	r.row("slapd_site", "... the site", each(ours.slapd), "us", "", 0)
	r.row("own_bare", "processor time besides slapd's for a node: bare loader", each(bare.own), "us", "", 0)
	r.row("own_site", "... the site, with whoever asks it for nodes", each(ours.own), "us", "", 0)
}

// setups sets up many nodes at once.
func (r *rows) setups(b *testing.B) {
	took := func(n int) time.Duration {
		w := newBench(b)
		w.start()
		return w.act(actors.Setup, 1, n)
	}
	thousand := min(took(1000), took(1000))
	r.row("setup_1000", "1,000 nodes from ticket to all entries", thousand.Seconds(), "s", "<", 10)
	many := took(10_000)
	r.row("setup_10000", "10,000 nodes", many.Seconds(), "s", "", 0)
	r.row("setup_growth", "time for one node of 10,000 against one of 1,000", many.Seconds()/10/thousand.Seconds(), "x", "<=", 1.5)
}

// edits measures how soon the authority knows of an operator's edit.
func (r *rows) edits(b *testing.B) {
	w := newBench(b)
	w.start()
	w.act(actors.Setup, 1, 1000)
	dn := ldapschema.DN("cn=s0-1,ou=hosts,ou=s0,ou=slices," + w.slapd.Base)
	var lags []time.Duration
	for i := range 200 {
		began := time.Now()
		w.must(w.dir.Apply(context.Background(), ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: []ldapschema.Mod{
			{Op: ldapschema.ModReplace, Attr: "ipHostNumber", Values: []string{fmt.Sprintf("10.200.0.%d", i+1)}}}}))
		<-w.changed
		lags = append(lags, time.Since(began))
	}
	r.row("edit_seen", "operator's edit sent until the authority has taken it over, median", median(lags), "ms", "<", 100)
}

func median(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2].Microseconds()) / 1000
}

// names measures a name's way from slapd to named's answer.
func (r *rows) names(b *testing.B) {
	w := newBench(b)
	named := setup.StartNamed(b, "site.test")
	key, err := follower.LoadKey(named.Key)
	w.must(err)
	w.must(site.EnsureBase(context.Background(), w.dir, cod.Config{Owner: "site1", Base: w.slapd.Base, Domain: "site.test", Network: netip.MustParsePrefix("10.0.0.0/8")}, time.Minute))
	log := logrus.New()
	log.SetOutput(io.Discard)
	f := &follower.Follower{Source: feed.Source{Directory: w.dir, Base: w.slapd.Base, Log: log}, Server: &follower.Server{Addr: named.Addr, Key: key}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx)
	}()
	defer func() {
		stop()
		<-ended
	}()
	zone := ldapschema.DN("zoneName=site.test,ou=DNS," + w.slapd.Base)
	e, err := ldapschema.ZoneRecordA(zone, ldapschema.NameRecord{Name: "x", TTL: 60, Addrs: []netip.Addr{netip.MustParseAddr("10.1.0.1")}})
	w.must(err)
	w.must(w.dir.Apply(ctx, ldapschema.AddEntry(e)))
	client := &dns.Client{Timeout: 30 * time.Second}
	ask := func() string {
		q := new(dns.Msg)
		q.SetQuestion("x.site.test.", dns.TypeA)
		a, _, err := client.Exchange(q, named.Addr)
		if err != nil || len(a.Answer) != 1 {
			return ""
		}
		return a.Answer[0].(*dns.A).A.String()
	}
	var lags, bare []time.Duration
	for i := range 200 {
		addr := fmt.Sprintf("10.1.1.%d", i+1)
		w.must(w.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: e.DN, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "aRecord", Values: []string{addr}}}}))
		began := time.Now()
		for ask() != addr {
		}
		lags = append(lags, time.Since(began))
		began = time.Now()
		ask()
		bare = append(bare, time.Since(began))
	}
	r.row("dns_lag", "LDAP write until named answers with it, median", median(lags), "ms", "<", 10)
	r.row("dns_question", "a bare question to named, median", median(bare), "ms", "", 0)
}

// offers measures DHCP: dhcpd looks every client up in slapd, so that what was written
// is offered at the next question.
func (r *rows) offers(b *testing.B) {
	w := newWorld(b)
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.dhcpd()
	n := w.node(macA)
	n.offered("10.99.1.1 10.99.0.1 pxelinux.0")
	node := ldapschema.DN("cn=alpha1,cn=alpha,cn=config,ou=dhcp," + w.slapd.Base)
	var lookups, lags []time.Duration
	for i := range 20 {
		began := time.Now()
		if n.discover(10*time.Second) == nil {
			b.Fatal("nothing is offered")
		}
		lookups = append(lookups, time.Since(began))
		file := fmt.Sprintf("file%d", i)
		w.replace(node, "dhcpStatements", "fixed-address 10.99.1.1", "next-server 10.99.0.1", `filename "`+file+`"`)
		began = time.Now()
		offer := n.discover(10 * time.Second)
		if offer == nil || offer.BootFileName != file {
			b.Fatalf("offered %v, want %s", offer, file)
		}
		lags = append(lags, time.Since(began))
	}
	r.row("dhcp_lag", "LDAP write until dhcpd offers it, median", median(lags), "ms", "", 0)
	r.row("dhcp_offer", "an offer without a write before it, median", median(lookups), "ms", "", 0)
}
