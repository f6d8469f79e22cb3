package dns_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	lib "github.com/miekg/dns"
	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/dns"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// world is a real slapd, a real named and a follower between them.
type world struct {
	t     testing.TB
	slapd *setup.Slapd
	named *setup.Named
	dir   *ldapdir.Dir
	under ldapschema.DN
	f     *dns.Follower
	log   *lines
}

// lines is a log that can be asked.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	return len(p), nil
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.all, func(line string) bool { return strings.Contains(line, text) })
}

func newWorld(t testing.TB, zones ...string) *world {
	t.Helper()
	w := &world{t: t, slapd: setup.StartSlapd(t, "overlay syncprov"), named: setup.StartNamed(t, zones...), log: &lines{}}
	var err error
	w.dir, err = ldapdir.Open(ldapdir.Config{URL: w.slapd.URL, BindDN: w.slapd.BindDN, Password: w.slapd.Password})
	w.must(err)
	t.Cleanup(func() { w.dir.Close() })
	base, err := ldapschema.Base(w.slapd.Base, "test")
	w.must(err)
	ou, err := ldapschema.OrganizationalUnit(w.slapd.Base, "DNS", "")
	w.must(err)
	w.under = ou.DN
	w.add(base, nil)
	w.add(ou, nil)
	key, err := dns.LoadKey(w.named.Key)
	w.must(err)
	log := logrus.New()
	log.SetOutput(io.MultiWriter(w.log))
	w.f = &dns.Follower{
		Source: feed.Source{Directory: w.dir, Base: w.under, Log: log, RetryFirst: 20 * time.Millisecond, RetryMost: 200 * time.Millisecond},
		Server: &dns.Server{Addr: w.named.Addr, Key: key, Timeout: 30 * time.Second},
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) add(e ldapschema.Entry, err error) {
	w.t.Helper()
	w.must(err)
	w.must(w.dir.Apply(context.Background(), ldapschema.AddEntry(e)))
}

func (w *world) zone(name string) ldapschema.DN {
	w.t.Helper()
	w.add(ldapschema.Zone(w.under, ldapschema.ZoneRecord{Name: name, TTL: 60, Primary: setup.NamedServer,
		Contact: "hostmaster.site.test", Serial: 1, Refresh: 300, Retry: 60, Expire: 86400, Minimum: 10}))
	return w.under.Child("zoneName", name)
}

// name is an entry written as an operator's tool would.
func (w *world) name(zone ldapschema.DN, owner string, attrs ...string) ldapschema.DN {
	w.t.Helper()
	_, z := zone.RDN()
	e := ldapschema.Entry{DN: zone.Child("relativeDomainName", owner)}.
		With("objectClass", "top", "dNSZone").With("zoneName", z).With("relativeDomainName", owner)
	for i := 0; i < len(attrs); i += 2 {
		e = e.With(attrs[i], attrs[i+1])
	}
	w.add(e, nil)
	return e.DN
}

func (w *world) replace(dn ldapschema.DN, attr string, values ...string) {
	w.t.Helper()
	w.must(w.dir.Apply(context.Background(), ldapschema.Change{Kind: ldapschema.Modify, DN: dn,
		Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: attr, Values: values}}}))
}

func (w *world) remove(dn ldapschema.DN) {
	w.t.Helper()
	w.must(w.dir.Apply(context.Background(), ldapschema.DeleteEntry(dn)))
}

// follow runs the follower until the test ends or stop is called.
func (w *world) follow() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		w.f.Run(ctx)
		close(done)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	w.t.Cleanup(stop)
	return stop
}

// ask is what named answers for a name and type: the data in order, or the code.
func (w *world) ask(name, kind string) string {
	m := new(lib.Msg)
	m.SetQuestion(lib.Fqdn(name), lib.StringToType[kind])
	client := lib.Client{Timeout: 30 * time.Second}
	a, _, err := client.Exchange(m, w.named.Addr)
	if err != nil {
		return err.Error()
	}
	if a.Rcode != lib.RcodeSuccess {
		return lib.RcodeToString[a.Rcode]
	}
	var out []string
	for _, rr := range a.Answer {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// until waits until named answers as it should.
func (w *world) until(name, kind, want string) {
	w.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if w.ask(name, kind) == want {
			return
		}
	}
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.t.Fatalf("%s %s answers %q, want %q; the follower said:\n%s", name, kind, w.ask(name, kind), want, strings.Join(w.log.all, ""))
}

// said waits for a line of the log.
func (w *world) said(text string) {
	w.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if w.log.has(text) {
			return
		}
	}
	w.t.Fatalf("nobody says %q; said:\n%s", text, strings.Join(w.log.all, ""))
}

// TestFollow: names come, change and go at a real named as operators write them
// into a real slapd, forward and reverse.
func TestFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "site.test", "99.10.in-addr.arpa")
	forward, reverse := w.zone("site.test"), w.zone("99.10.in-addr.arpa")
	old := w.name(forward, "old", "aRecord", "10.99.0.9")
	w.follow()
	w.until("old.site.test", "A", "10.99.0.9")
	a1 := w.name(forward, "a1.a", "aRecord", "10.99.16.1")
	w.until("a1.a.site.test", "A", "10.99.16.1")
	w.name(reverse, "1.16", "pTRRecord", "a1.a.site.test.")
	w.until("1.16.99.10.in-addr.arpa", "PTR", "a1.a.site.test.")
	w.replace(a1, "aRecord", "10.99.16.2", "10.99.16.3")
	w.until("a1.a.site.test", "A", "10.99.16.2 10.99.16.3")
	w.must(w.dir.Rename(t.Context(), old, "relativeDomainName=new"))
	w.until("new.site.test", "A", "10.99.0.9")
	w.until("old.site.test", "A", "NXDOMAIN")
	w.remove(a1)
	w.until("a1.a.site.test", "A", "NXDOMAIN")
	// The apex: what is the directory's follows, what is the server's stays.
	w.replace(forward, "mXRecord", "10 mail")
	w.said("the name stays as it is") // an exchanger without an address
	w.name(forward, "mail", "aRecord", "10.99.0.25")
	w.until("mail.site.test", "A", "10.99.0.25")
	w.until("site.test", "MX", "10 mail.site.test.")
	w.replace(forward, "mXRecord")
	w.until("site.test", "MX", "")
	if got := w.ask("site.test", "NS"); got != setup.NamedServer {
		t.Errorf("the zone's servers are %q", got)
	}
	// What the server refuses holds up nothing that comes with it.
	w.must(w.dir.Apply(t.Context(), ldapschema.DeleteEntry(forward.Child("relativeDomainName", "mail"))))
	w.name(forward, "lost", "mXRecord", "10 mail")
	w.name(forward, "found", "aRecord", "10.99.0.7")
	w.until("found.site.test", "A", "10.99.0.7")
	w.until("mail.site.test", "A", "NXDOMAIN")
	// One bad value leaves out itself alone.
	w.name(forward, "typo", "tXTRecord", `"ok"`, "mXRecord", "not an exchange")
	w.until("typo.site.test", "TXT", `"ok"`)
	w.said("left out")
}

// TestOutOfSight: while the directory or the name server is away names stay as
// they are, and what happened meanwhile is made up for.
func TestOutOfSight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "site.test")
	zone := w.zone("site.test")
	stays := w.name(zone, "stays", "aRecord", "10.0.0.1")
	goes := w.name(zone, "goes", "aRecord", "10.0.0.2")
	stop := w.follow()
	w.until("goes.site.test", "A", "10.0.0.2")

	w.slapd.Kill()
	w.said("out of sight")
	if got := w.ask("stays.site.test", "A"); got != "10.0.0.1" {
		t.Errorf("without a directory stays answers %q", got)
	}
	w.slapd.Start()
	w.replace(stays, "aRecord", "10.0.0.3")
	w.until("stays.site.test", "A", "10.0.0.3")

	w.named.Kill()
	w.remove(goes)
	w.name(zone, "new", "aRecord", "10.0.0.4")
	w.said("trying again")
	w.named.Start()
	w.until("new.site.test", "A", "10.0.0.4")
	w.until("goes.site.test", "A", "NXDOMAIN")

	stop()
	w.remove(stays)
	w.name(zone, "later", "aRecord", "10.0.0.5")
	w.follow()
	w.until("later.site.test", "A", "10.0.0.5")
	w.until("stays.site.test", "A", "NXDOMAIN")
}

// TestSilentSource: a directory that suddenly shows little, or nothing, empties
// no zone.
func TestSilentSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "site.test")
	zone := w.zone("site.test")
	var all []ldapschema.DN
	for i := range 20 {
		all = append(all, w.name(zone, fmt.Sprintf("n%02d", i), "aRecord", fmt.Sprintf("10.0.0.%d", i+1)))
	}
	r, err := w.f.Once(t.Context(), false)
	w.must(err)
	if len(r.Zones) != 1 || r.Zones[0].Names != 21 || len(r.Zones[0].Changed) != 20 {
		t.Fatalf("first comparison: %+v", r)
	}
	for _, dn := range all[5:] {
		w.remove(dn)
	}
	w.name(zone, "new", "aRecord", "10.0.0.99")
	r, err = w.f.Once(t.Context(), false)
	if err == nil || r.Zones[0].Held != 15 || !slices.Equal(r.Zones[0].Changed, []string{"new.site.test."}) {
		t.Fatalf("three quarters are gone: %v, %+v", err, r)
	}
	if got := w.ask("n19.site.test", "A"); got != "10.0.0.20" {
		t.Errorf("n19 answers %q", got)
	}
	w.said("nothing is removed")
	// Nothing at all: the zone is not ours to touch any more.
	nothing := *w.f
	nothing.Base = w.under.Child("zoneName", "elsewhere")
	if _, err := nothing.Once(t.Context(), false); err == nil {
		t.Error("a base that is not there is taken for an empty directory")
	}
	// An operator who means it says so; first without doing it.
	w.f.MaxRemoval = 100
	r, err = w.f.Once(t.Context(), true)
	if err != nil || len(r.Zones[0].Changed) != 15 || w.ask("n19.site.test", "A") != "10.0.0.20" {
		t.Fatalf("dry run: %v, %+v", err, r)
	}
	_, err = w.f.Once(t.Context(), false)
	w.must(err)
	if got := w.ask("n19.site.test", "A"); got != "NXDOMAIN" {
		t.Errorf("n19 still answers %q", got)
	}
}

// TestAddedZones: a zone that appears in the directory is added to the server, and
// taken away when it goes; one that people made is never taken away.
func TestAddedZones(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "site.test")
	w.f.Zones = &dns.RNDC{Dir: w.named.Dir, Command: w.named.RNDC, Key: setup.NamedKey}
	w.must(w.f.Zones.Check())
	byHand := w.zone("site.test")
	w.name(byHand, "x", "aRecord", "10.0.0.1")
	w.follow()
	w.until("x.site.test", "A", "10.0.0.1")
	slice := w.zone("a.test")
	a1 := w.name(slice, "a1", "aRecord", "10.0.0.2")
	w.until("a1.a.test", "A", "10.0.0.2")
	classless := w.zone("0/25.0.0.10.in-addr.arpa")
	w.name(classless, "2", "pTRRecord", "a1.a.test.")
	w.until("2.0/25.0.0.10.in-addr.arpa", "PTR", "a1.a.test.")
	w.named.Kill() // it remembers what was added
	w.named.Start()
	w.until("a1.a.test", "A", "10.0.0.2")
	w.remove(a1)
	w.remove(slice)
	w.until("a.test", "SOA", "REFUSED")
	if files, _ := filepath.Glob(filepath.Join(w.named.Dir, "a.test.*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
	// The last zones: the directory has none any more, which is more likely a
	// mistake than meant.
	w.remove(classless.Child("relativeDomainName", "2"))
	w.remove(byHand.Child("relativeDomainName", "x"))
	w.remove(byHand)
	w.remove(classless)
	w.said("the directory has no zones at all")
	if got := w.ask("site.test", "NS"); got != setup.NamedServer {
		t.Errorf("a zone made by hand answers %q", got)
	}
	if _, err := os.Stat(filepath.Join(w.named.Dir, "0+25.0.0.10.in-addr.arpa.zone")); err != nil {
		t.Error(err)
	}
}

// TestNameServersOwnAddress: BIND does not load a zone whose own server has no
// address, so a zone is not added without it and it is not taken away.
func TestNameServersOwnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.f.Zones = &dns.RNDC{Dir: w.named.Dir, Command: w.named.RNDC, Key: setup.NamedKey}
	w.add(ldapschema.Zone(w.under, ldapschema.ZoneRecord{Name: "a.test", Primary: "ns.a.test", Contact: "h.a.test", Refresh: 300, Retry: 60, Expire: 86400, Minimum: 10}))
	w.follow()
	w.said("ns.a.test. has no address")
	ns := w.name(w.under.Child("zoneName", "a.test"), "ns", "aRecord", "10.0.0.1")
	w.until("ns.a.test", "A", "10.0.0.1")
	w.replace(ns, "aRecord", "10.0.0.2")
	w.until("ns.a.test", "A", "10.0.0.2")
	w.remove(ns)
	w.said("its address stays")
	w.named.Kill()
	w.named.Start()
	w.until("ns.a.test", "A", "10.0.0.2")
}

// TestWrongKey: a server that does not take our key is said to be so, and a zone
// it does not have too.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.zone("site.test")
	if r, err := w.f.Once(t.Context(), false); !errors.Is(err, dns.ErrNoZone) && (err == nil || !strings.Contains(err.Error(), "does not serve")) {
		t.Errorf("no such zone: %v, %+v", err, r)
	}
	w.f.Server.Key.Secret = "c29tZSBvdGhlciBrZXk="
	if _, err := w.f.Once(t.Context(), false); err == nil {
		t.Error("a wrong key goes unnoticed")
	}
	if _, err := w.f.Server.Zone(t.Context(), "site.test."); err == nil {
		t.Error("a wrong key gets a zone")
	}
}

// BenchmarkLag measures what a name's way takes from the write into slapd to
// named's answer, beside a bare question.
func BenchmarkLag(b *testing.B) {
	w := newWorld(b, "site.test")
	zone := w.zone("site.test")
	dn := w.name(zone, "x", "aRecord", "10.0.0.1")
	w.follow()
	w.until("x.site.test", "A", "10.0.0.1")
	var lags, bare []time.Duration
	for i := 0; b.Loop(); i++ {
		addr := fmt.Sprintf("10.1.%d.%d", i>>8&255, i&255)
		w.replace(dn, "aRecord", addr)
		start := time.Now()
		for w.ask("x.site.test", "A") != addr {
		}
		lags = append(lags, time.Since(start))
		start = time.Now()
		w.ask("x.site.test", "A")
		bare = append(bare, time.Since(start))
	}
	slices.Sort(lags)
	slices.Sort(bare)
	b.ReportMetric(float64(lags[len(lags)/2].Microseconds()), "lag-us")
	b.ReportMetric(float64(bare[len(bare)/2].Microseconds()), "question-us")
}
