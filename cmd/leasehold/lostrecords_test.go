package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	bolt "go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestSiteLosesItsRecords kills a server whose clusters are in a real slapd, and takes
// the site's records away. What is in the directory is enough: the guest's nodes keep
// their names, addresses and hosts until their lease is over, nobody else gets any of
// these meanwhile, and then they are torn down.
func TestSiteLosesItsRecords(t *testing.T) {
	t.Parallel()
	slapd := setup.StartSlapd(t, "overlay syncprov")
	laid(t, slapd)
	v := newVictim(t)
	v.prepare(config.Store{}, "", func(p *starter.Plan) { p.Nodes = 4 })
	secret := filepath.Join(v.config.State, "..", "slapd.password")
	if err := os.WriteFile(secret, []byte(slapd.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v.config.Metrics = setup.Address(t)
	v.config.Directory = &config.Directory{URL: slapd.URL, Base: slapd.Base, Bind: slapd.BindDN, PasswordFile: secret}
	v.write()
	dir, err := ldapdir.Open(ldapdir.Config{URL: slapd.URL, BindDN: slapd.BindDN, Password: slapd.Password})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	nodes := func() map[string]ldapschema.Host { // by unit
		out := map[string]ldapschema.Host{}
		all, err := dir.List(t.Context(), slapd.Base)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.IsA("codNode") {
				h, err := ldapschema.ParseHost(e)
				if err != nil {
					t.Fatal(err)
				}
				out[h.Unit] = h
			}
		}
		return out
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(4 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s\n%v\n%s", what, nodes(), v.log.String())
			}
		}
	}
	lease := func(slice, length string) {
		t.Helper()
		id, before := uuid.NewString(), len(nodes())
		if _, err := v.client.Request(context.Background(), manage.Order{Reservation: id, Slice: slice, Type: string(starter.Type), Units: 2, Length: length}); err != nil {
			t.Fatal(err)
		}
		until("two nodes of "+slice+" are up", func() bool {
			n := nodes()
			return len(n) == before+2 && !slices.ContainsFunc(values(n), func(h ldapschema.Host) bool { return h.State != "up" })
		})
	}

	v.start()
	v.waitServing()
	lease("guest", "45s")
	first := nodes()
	v.kill()
	forgetActor(t, v.config)
	if now := nodes(); fmt.Sprint(now) != fmt.Sprint(first) {
		t.Errorf("with the server dead the directory says\n%v\nnot\n%v", now, first)
	}

	v.start()
	v.waitServing()
	lease("other", "10m")
	second := nodes()
	hosts, addrs, over := map[string]string{}, map[string]string{}, false
	for unit, h := range second {
		if other := hosts[h.Serial]; other != "" {
			t.Errorf("host %s is granted twice: %s and %s", h.Serial, unit, other)
		}
		if other := addrs[h.IP.String()]; other != "" {
			t.Errorf("address %v is granted twice: %s and %s", h.IP, unit, other)
		}
		hosts[h.Serial], addrs[h.IP.String()] = unit, unit
	}
	for unit, h := range first {
		over = over || time.Now().After(h.LeaseEnd)
		if now := second[unit]; !over && (now.IP != h.IP || now.Name != h.Name || now.MAC != h.MAC || now.State != "up" || now.Generation != h.Generation) {
			t.Errorf("the guest's node %s was\n%+v\nand is\n%+v", unit, h, now)
		}
	}
	// What differs is told: the guest's nodes have no lease any more, and an entry of a
	// node that is long gone was left behind.
	mark := ldapschema.Mark{Slice: "old", Owner: siteOf(v.config), Unit: "old-unit"}
	left, err := ldapschema.ZoneRecordA("zoneName=site.test,ou=DNS,"+slapd.Base, ldapschema.NameRecord{Name: "old.old", TTL: 60,
		Addrs: []netip.Addr{netip.MustParseAddr("10.99.200.1")}, Mark: mark})
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Apply(t.Context(), ldapschema.AddEntry(left)); err != nil {
		t.Fatal(err)
	}
	reconcile := func(more ...string) (d wiring.Drift) {
		t.Helper()
		code, out, errs := call(t, append([]string{"cod", "reconcile", "--json", "--socket", v.config.Admin}, more...)...)
		if code != 0 || json.Unmarshal([]byte(out), &d) != nil {
			t.Fatalf("exit %d\n%s\n%s", code, out, errs)
		}
		return d
	}
	count := func(d wiring.Drift, kind string) (n int) {
		for _, x := range d.Differences {
			if x.Kind == kind {
				n++
				if x.What == "" || x.Next == "" {
					t.Errorf("a difference says too little: %+v", x)
				}
			}
		}
		return n
	}
	until("what was left behind is told of", func() bool { return count(reconcile(), wiring.DriftStray) == 1 })
	if d := reconcile(); !over && count(d, wiring.DriftLease) != 2 && time.Now().Before(values(first)[0].LeaseEnd) {
		t.Errorf("the guest's nodes are not told of: %+v", d.Differences)
	}
	page, err := http.Get("http://" + v.config.Metrics + wiring.MetricsPath)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(page.Body)
	page.Body.Close()
	if err != nil || !strings.Contains(string(text), `leasehold_cod_differences{site="site",kind="left behind"} 1`) || !strings.HasSuffix(string(text), "# EOF\n") {
		t.Errorf("the metrics page says, %v:\n%s", err, text)
	}
	for line := range strings.Lines(string(text)) {
		if !metricLine.MatchString(line) {
			t.Errorf("no line of OpenMetrics: %s", line)
		}
	}
	if d := reconcile("--apply"); d.Mended != 1 {
		t.Errorf("removed %d: %+v", d.Mended, d.Differences)
	}
	until("what was left behind is gone", func() bool {
		_, err := dir.Read(t.Context(), left.DN)
		return errors.Is(err, directory.ErrNotFound)
	})
	until("the guest's nodes are torn down after their lease", func() bool {
		n := nodes()
		for unit := range first {
			if _, ok := n[unit]; ok {
				return false
			}
		}
		return true
	})
	for unit, h := range first {
		if time.Now().Before(h.LeaseEnd) {
			t.Errorf("%s was torn down before the end of its lease", unit)
		}
	}
	if n := nodes(); len(n) != 2 {
		t.Errorf("the other's nodes: %v", n)
	}
	v.term()
	if strings.Contains(v.log.String(), "panic") {
		t.Error(v.log.String())
	}
}

// metricLine is what a page of metrics is made of (OpenMetrics 1.0.0, 3).
var metricLine = regexp.MustCompile(`^(# (TYPE leasehold_[a-z_]+ (gauge|counter|summary)|HELP leasehold_[a-z_]+ .+|EOF)|` +
	`leasehold_[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [0-9.e+-]+)\n$`)

// siteOf is the identity of a configuration's authority.
func siteOf(c config.Config) string {
	for _, a := range c.Actors {
		if a.COD != nil {
			return string(a.GUID)
		}
	}
	return ""
}

func values[K comparable, V any](m map[K]V) (out []V) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// forgetActor takes the site's records out of a server's store.
func forgetActor(t *testing.T, c config.Config) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.State, "*.db"))
	if err != nil || len(files) == 0 {
		t.Fatal("no store", err)
	}
	gone := 0
	for _, f := range files {
		db, err := bolt.Open(f, 0o600, &bolt.Options{Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(func(tx *bolt.Tx) error {
			var names [][]byte
			if err := tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
				if bytes.HasSuffix(name, []byte("site")) {
					names = append(names, bytes.Clone(name))
				}
				return nil
			}); err != nil {
				return err
			}
			for _, n := range names {
				gone++
				if err := tx.DeleteBucket(n); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if gone == 0 {
		t.Fatal("the site had no records")
	}
}
