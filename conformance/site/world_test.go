package site_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/daemons"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/ldapschema"
)

// gateway is the address of the machine the daemons run on, in the site's network.
const gateway = "10.99.0.1"

// world is a site: a network with slapd in it, and the shipping code beside.
type world struct {
	t      testing.TB
	net    *setup.Net // of the daemons; nodes are joined to its bridge
	slapd  *setup.Slapd
	dir    *ldapdir.Dir
	site   *site.Site
	done   chan actors.ActionDone
	taps   int // wires of virtual machines
	log    lines
	logger *logrus.Logger
	image  string            // what units boot
	config actors.Properties // what their lessee configures besides
}

// lines is a log that is shown when a test fails.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newWorld starts slapd in a network and a site that writes it.
func newWorld(t testing.TB, change ...func(*cod.Config)) *world {
	t.Helper()
	return newWorldOn(t, nil, change...)
}

// newWorldOn is newWorld with more lines in slapd's configuration.
func newWorldOn(t testing.TB, lines []string, change ...func(*cod.Config)) *world {
	t.Helper()
	w := &world{t: t, net: setup.NewNet(t), done: make(chan actors.ActionDone, 100)}
	w.net.Bridge(gateway + "/16")
	rules, err := daemons.AccessConf("dc=site,dc=test")
	w.must(err)
	w.slapd = w.net.StartSlapd(t, append([]string{"overlay syncprov", "index dhcpHWAddress eq"}, append(lines, rules...)...)...)
	w.dir, err = ldapdir.Open(ldapdir.Config{URL: w.slapd.URL, BindDN: w.slapd.BindDN, Password: w.slapd.Password, Timeout: 30 * time.Second})
	w.must(err)
	t.Cleanup(func() { w.dir.Close() })
	w.logger = logrus.New()
	w.logger.SetOutput(&w.log)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the site said:\n%s", w.log.text())
		}
	})
	conf := cod.Config{Owner: "site1", Base: w.slapd.Base, Domain: "site.test", Network: netip.MustParsePrefix("10.99.0.0/16"),
		Gateway: netip.MustParseAddr(gateway), BootFile: "pxelinux.0", RetryFirst: 20, RetryMost: 100}
	for _, f := range change {
		f(&conf)
	}
	// The site has the rights that we recommend, and no others.
	w.must(site.EnsureBase(context.Background(), w.dir, conf, time.Minute))
	var dir *ldapdir.Dir
	dir, err = ldapdir.Open(ldapdir.Config{URL: w.slapd.URL, BindDN: w.account(daemons.Authority), Password: w.slapd.Password, Timeout: 30 * time.Second})
	w.must(err)
	t.Cleanup(func() { dir.Close() })
	w.site, err = site.New(site.Config{COD: conf, Directory: dir, Driver: noop.New(noop.Config{}), Log: w.logger,
		Report: func(d actors.ActionDone) { w.done <- d }})
	w.must(err)
	t.Cleanup(func() { w.site.Close() })
	return w
}

// account makes the entry of a daemon, whose password is that of slapd's administrator.
func (w *world) account(name string) ldapschema.DN {
	w.t.Helper()
	e, err := ldapschema.Daemon(daemons.DaemonsDN(w.slapd.Base), name, w.slapd.Password)
	w.must(err)
	w.must(w.dir.Apply(context.Background(), ldapschema.AddEntry(e)))
	return e.DN
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run carries out one action on a unit of a slice and waits for its report.
func (w *world) run(verb actors.Verb, unit, slice, mac string, seq int) actors.ActionDone {
	w.t.Helper()
	w.site.Run(actors.Action{
		Reservation: actors.ReservationID("r-" + unit), Slice: actors.Slice{ID: actors.SliceID("id-" + slice), Name: slice}, Type: "node",
		Term: actors.NewTerm(1_800_000_000_000, 1_800_003_600_000), Verb: verb, Sequence: seq,
		Properties: actors.Properties{cod.PropImage: w.image}.Merged(w.config),
		Unit:       actors.Unit{ID: actors.UnitID(unit), Host: "h-" + unit, Properties: actors.Properties{cod.PropHostMAC: mac}},
	})
	select {
	case d := <-w.done:
		if d.Code != cod.CodeDone {
			w.t.Fatalf("%v of %s: %+v", verb, unit, d)
		}
		return d
	case <-time.After(3 * time.Minute):
		w.t.Fatalf("%v of %s: no report", verb, unit)
	}
	panic("not reached")
}

// replace edits an entry as an operator would.
func (w *world) replace(dn ldapschema.DN, attr string, values ...string) {
	w.t.Helper()
	w.must(w.dir.Apply(context.Background(), ldapschema.Change{Kind: ldapschema.Modify, DN: dn,
		Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: attr, Values: values}}}))
}
