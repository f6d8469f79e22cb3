package upkeep_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

const base ldapschema.DN = "dc=site,dc=test"

func config() cod.Config {
	return cod.Config{Owner: "site1", Base: base, Domain: "site.test", Network: netip.MustParsePrefix("10.99.0.0/16")}
}

// everywhere runs a test on a directory in memory and on OpenLDAP's, each with the
// tree of an empty site.
func everywhere(t *testing.T, test func(t *testing.T, d directory.Directory)) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		d, err := memdir.New(base)
		if err != nil {
			t.Fatal(err)
		}
		laid(t, d)
		test(t, d)
	})
	t.Run("slapd", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t)
		d, err := ldapdir.Open(ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		laid(t, d)
		test(t, d)
	})
}

func laid(t *testing.T, d directory.Directory) {
	t.Helper()
	if err := site.EnsureBase(t.Context(), d, config(), time.Minute); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails unless the report is one thing done.
func want(t *testing.T, r upkeep.Report, err error, what string) {
	t.Helper()
	if err != nil || len(r.Done) != 1 || r.Done[0].What != what {
		t.Fatalf("%+v, %v; want %s", r, err, what)
	}
}

func mac(t *testing.T, s string) ldapschema.MAC {
	t.Helper()
	m, err := ldapschema.ParseMAC(s)
	must(t, err)
	return m
}

// tardy is a directory whose tree is laid when it has been asked for the first time.
type tardy struct {
	directory.Directory
	t    *testing.T
	late bool
}

func (d *tardy) Apply(ctx context.Context, c ldapschema.Change) error {
	err := d.Directory.Apply(ctx, c)
	if err != nil && !d.late {
		d.late = true
		laid(d.t, d.Directory)
	}
	return err
}

// TestTardyTree: a machine that is added while the tree is being laid waits for it; where
// nobody lays one, the command says what to do.
func TestTardyTree(t *testing.T) {
	t.Parallel()
	m, err := memdir.New(base)
	must(t, err)
	d := upkeep.Desk{Directory: m, Base: base}
	_, err = d.AddHost(t.Context(), "node1", false, ldapschema.InventoryHost{Type: "site.node"})
	if !errors.Is(err, directory.ErrNotFound) || !strings.Contains(err.Error(), "cod init --apply") {
		t.Errorf("without a tree: %v", err)
	}
	d.Directory, d.Patience = &tardy{Directory: m, t: t}, time.Minute
	r, err := d.AddHost(t.Context(), "node1", false, ldapschema.InventoryHost{Type: "site.node"})
	want(t, r, err, upkeep.Added)
}

func TestHosts(t *testing.T) {
	everywhere(t, func(t *testing.T, dir directory.Directory) {
		ctx := t.Context()
		d := upkeep.Desk{Directory: dir, Base: base}
		h := ldapschema.InventoryHost{Type: "node", MAC: mac(t, "52:54:00:00:00:07"), Memory: 1024, Properties: map[string]string{"rack": "1"}}
		dry := d
		dry.Dry = true
		r, err := dry.AddHost(ctx, "h1", false, h)
		want(t, r, err, upkeep.Added)
		if !r.Dry || !strings.Contains(r.Done[0].LDIF, "changetype: add\n") {
			t.Errorf("%+v", r)
		}
		if all, err := d.Hosts(ctx); err != nil || len(all) != 0 {
			t.Fatalf("a dry run added %v, %v", all, err)
		}
		r, err = d.AddHost(ctx, "H1.site.test", false, h)
		want(t, r, err, upkeep.Added)
		r, err = d.AddHost(ctx, "h1", false, h)
		want(t, r, err, upkeep.Unchanged)
		if _, err = d.AddHost(ctx, "h1", false, ldapschema.InventoryHost{Memory: 2048}); !errors.Is(err, directory.ErrExists) {
			t.Errorf("a second h1: %v", err)
		}
		// What operators put beside our attributes stays.
		h1 := cod.InventoryDN(base).Child("cn", "h1")
		must(t, dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: h1, Mods: []ldapschema.Mod{
			{Op: ldapschema.ModAdd, Attr: "l", Values: []string{"room 7"}}}}))
		r, err = d.AddHost(ctx, "h1", true, ldapschema.InventoryHost{Memory: 2048, Properties: map[string]string{"slot": "a=b"}})
		want(t, r, err, upkeep.Changed)
		got, err := d.Host(ctx, "h1")
		if err != nil || got.Memory != 2048 || got.MAC != "52:54:00:00:00:07" || got.Properties["rack"] != "1" || got.Properties["slot"] != "a=b" ||
			strings.Join(got.Aliases, " ") != "h1.site.test" {
			t.Errorf("%+v, %v", got, err)
		}
		if e, err := dir.Read(ctx, h1); err != nil || e.Get("l") != "room 7" {
			t.Errorf("%s, %v", e.LDIF(), err)
		}
		// An address is one machine's.
		if _, err = d.AddHost(ctx, "h2", false, h); !errors.Is(err, directory.ErrExists) || !strings.Contains(err.Error(), "that of h1") {
			t.Errorf("a second machine with its address: %v", err)
		}
		// A host that other tools made becomes one of the inventory and goes back to what it was.
		foreign, err := ldapschema.New(cod.InventoryDN(base).Child("cn", "old"), "device", "ipHost", "bootableDevice").
			Set("ipHostNumber", "10.98.0.9").Set("bootFile", "x").Set("description", "ours for years").Build()
		must(t, err)
		must(t, dir.Apply(ctx, ldapschema.AddEntry(foreign)))
		if _, err = d.AddHost(ctx, "old", false, ldapschema.InventoryHost{Type: "node"}); !errors.Is(err, directory.ErrExists) {
			t.Errorf("somebody else's entry: %v", err)
		}
		r, err = d.AddHost(ctx, "old", true, ldapschema.InventoryHost{Type: "node"})
		want(t, r, err, upkeep.Changed)
		if got, err := d.Host(ctx, "old"); err != nil || got.Address != "10.98.0.9" || got.Description != "ours for years" {
			t.Errorf("%+v, %v", got, err)
		}
		r, err = d.RemoveHost(ctx, "old", false)
		want(t, r, err, upkeep.Changed)
		if e, err := dir.Read(ctx, foreign.DN); err != nil || e.IsA("codHost") || e.Get("bootFile") != "x" || e.Get("description") != "ours for years" {
			t.Errorf("%s, %v", e.LDIF(), err)
		}
		r, err = d.RemoveHost(ctx, "h1", false)
		want(t, r, err, upkeep.Removed)
		if _, err := d.RemoveHost(ctx, "h1", false); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
	})
}

// TestImport: a list is taken over, and taken over again changes nothing.
func TestImport(t *testing.T) {
	everywhere(t, func(t *testing.T, dir directory.Directory) {
		d := upkeep.Desk{Directory: dir, Base: base}
		list := []ldapschema.InventoryHost{{Name: "a", Type: "node", Memory: 1}, {Name: "b", Type: "node", MAC: mac(t, "52:54:00:00:00:0b")},
			{Name: "c", Type: "node", MAC: mac(t, "52:54:00:00:00:0b")}}
		r, err := d.ImportHosts(t.Context(), list, false)
		if err != nil || r.Changed != 2 || r.Skipped != 1 || !strings.Contains(r.Done[2].Why, "that of b") {
			t.Fatalf("%+v, %v", r, err)
		}
		list[0].Memory = 2
		r, err = d.ImportHosts(t.Context(), list, false)
		if err != nil || r.Changed != 0 || r.Unchanged != 1 || r.Skipped != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		r, err = d.ImportHosts(t.Context(), list[:1], true)
		if err != nil || r.Changed != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}

// meddled is a directory in which somebody else is quicker: before each write, once.
type meddled struct {
	directory.Directory
	before func()
}

func (m *meddled) Apply(ctx context.Context, c ldapschema.Change) error {
	if do := m.before; do != nil {
		m.before = nil
		do()
	}
	return m.Directory.Apply(ctx, c)
}

// TestEditsStand: what somebody wrote between our reading and our writing stands.
func TestEditsStand(t *testing.T) {
	everywhere(t, func(t *testing.T, dir directory.Directory) {
		ctx := t.Context()
		m := &meddled{Directory: dir}
		d := upkeep.Desk{Directory: m, Base: base}
		_, err := d.AddHost(ctx, "h1", false, ldapschema.InventoryHost{Type: "node", Memory: 1})
		must(t, err)
		_, err = d.AddImage(ctx, "i1", false, ldapschema.Image{Kernel: "a/k"})
		must(t, err)
		h1, i1 := cod.InventoryDN(base).Child("cn", "h1"), cod.ImagesDN(base).Child("cn", "i1")
		set := func(dn ldapschema.DN, attr, value string) func() {
			return func() {
				must(t, dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: attr, Values: []string{value}}}}))
			}
		}
		for name, try := range map[string]struct {
			meddle func()
			do     func() error
		}{
			"replace": {set(h1, "codMemory", "7"), func() error {
				_, err := d.AddHost(ctx, "h1", true, ldapschema.InventoryHost{Memory: 2})
				return err
			}},
			"remove":       {set(h1, "codNote", "mine"), func() error { _, err := d.RemoveHost(ctx, "h1", false); return err }},
			"hold":         {set(h1, "codHold", "bob"), func() error { _, err := d.HoldHost(ctx, "h1", "ada"); return err }},
			"image":        {set(i1, "codKernel", "b/k"), func() error { _, err := d.AddImage(ctx, "i1", true, ldapschema.Image{Kernel: "c/k"}); return err }},
			"image remove": {set(i1, "codInitrd", "b/i"), func() error { _, err := d.RemoveImage(ctx, "i1", false); return err }},
		} {
			m.before = try.meddle
			if err := try.do(); !errors.Is(err, directory.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
			must(t, dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: h1, Mods: []ldapschema.Mod{
				{Op: ldapschema.ModReplace, Attr: "codHold"}, {Op: ldapschema.ModReplace, Attr: "codMemory", Values: []string{"1"}}}}))
		}
	})
}

func TestHold(t *testing.T) {
	everywhere(t, func(t *testing.T, dir directory.Directory) {
		ctx := t.Context()
		d := upkeep.Desk{Directory: dir, Base: base}
		node := plant(t, dir, "web", "web1", "h1", "debian")
		_, err := d.AddHost(ctx, "h1", false, ldapschema.InventoryHost{Type: "node"})
		must(t, err)
		_, err = d.AddImage(ctx, "debian", false, ldapschema.Image{Kernel: "d/vmlinuz"})
		must(t, err)
		for name, do := range map[string][2]func(string) (upkeep.Report, error){
			"host": {func(why string) (upkeep.Report, error) { return d.HoldHost(ctx, "h1", why) }, func(string) (upkeep.Report, error) { return d.ReleaseHost(ctx, "h1") }},
			"node": {func(why string) (upkeep.Report, error) { return d.HoldNode(ctx, "web1.web", why) }, func(string) (upkeep.Report, error) { return d.ReleaseNode(ctx, "u-web1") }},
		} {
			t.Log(name)
			r, err := do[0]("ada: \n fan")
			want(t, r, err, upkeep.Changed)
			r, err = do[0]("ada: fan")
			want(t, r, err, upkeep.Unchanged)
			if _, err := do[0]("bob"); !errors.Is(err, directory.ErrConflict) || !strings.Contains(err.Error(), "ada: fan") {
				t.Errorf("held twice: %v", err)
			}
			r, err = do[1]("")
			want(t, r, err, upkeep.Changed)
			r, err = do[1]("")
			want(t, r, err, upkeep.Unchanged)
		}
		// A machine and an image in use are not removed by mistake.
		if _, err := d.RemoveHost(ctx, "h1", false); !errors.Is(err, directory.ErrConflict) {
			t.Errorf("a machine in use: %v", err)
		}
		if _, err := d.RemoveImage(ctx, "debian", false); !errors.Is(err, directory.ErrConflict) {
			t.Errorf("an image in use: %v", err)
		}
		r, err := d.RemoveImage(ctx, "debian", true)
		want(t, r, err, upkeep.Removed)
		r, err = d.RemoveHost(ctx, "h1", true)
		want(t, r, err, upkeep.Removed)
		plant(t, dir, "db", "web1", "h2", "")
		if _, err := d.Node(ctx, "web1"); !errors.Is(err, directory.ErrConflict) || !strings.Contains(err.Error(), "web1.db, web1.web") {
			t.Errorf("an ambiguous name: %v", err)
		}
		if n, err := d.Node(ctx, "web1.web.site.test"); err != nil || n.Entry != node {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// plant adds a cluster with one node as the authority would.
func plant(t *testing.T, dir directory.Directory, cluster, name, host, image string) ldapschema.DN {
	t.Helper()
	mark := ldapschema.Mark{Slice: cluster, Owner: "site1"}
	c, err := ldapschema.VirtualCluster(cod.SlicesDN(base), ldapschema.Cluster{Name: cluster, Mark: mark})
	must(t, err)
	ou, err := ldapschema.OrganizationalUnit(c.DN, "hosts", "")
	must(t, err)
	n, err := ldapschema.HostEntry(ou.DN, ldapschema.Host{Name: name, Aliases: []string{name + "." + cluster + ".site.test"}, IP: netip.MustParseAddr("10.99.1.1"),
		Serial: host, Image: image, State: "up", NodeID: 1, Mark: ldapschema.Mark{Slice: cluster, Owner: "site1", Unit: "u-" + name}})
	must(t, err)
	for _, e := range []ldapschema.Entry{c, ou, n} {
		must(t, dir.Apply(t.Context(), ldapschema.AddEntry(e)))
	}
	return n.DN
}

// TestHostileNames: whatever a name holds, it is a name and nothing else: nothing is
// found by it, and nothing outside the inventory is touched.
func TestHostileNames(t *testing.T) {
	everywhere(t, func(t *testing.T, dir directory.Directory) {
		ctx := t.Context()
		d := upkeep.Desk{Directory: dir, Base: base}
		_, err := d.AddHost(ctx, "h1", false, ldapschema.InventoryHost{Type: "node"})
		must(t, err)
		plant(t, dir, "web", "web1", "h1", "")
		before := tree(t, dir)
		for _, name := range []string{"*", "h1)(objectClass=*", "h1,ou=hosts", "h1\x00", "cn=h1", "h1+ou=x", "", " ", "h1\n", `h1\2a`, "..", "h*", "ü",
			strings.Repeat("h", 64), "h1,ou=hosts," + string(base), "(|(cn=*))"} {
			if _, err := d.Host(ctx, name); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("host %q: %v", name, err)
			}
			if _, err := d.Node(ctx, name); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("node %q: %v", name, err)
			}
			if _, err := d.Image(ctx, name); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("image %q: %v", name, err)
			}
			for what, try := range map[string]func() error{
				"add":     func() error { _, err := d.AddHost(ctx, name, true, ldapschema.InventoryHost{Type: "node"}); return err },
				"remove":  func() error { _, err := d.RemoveHost(ctx, name, true); return err },
				"hold":    func() error { _, err := d.HoldHost(ctx, name, "x"); return err },
				"node":    func() error { _, err := d.HoldNode(ctx, name, "x"); return err },
				"release": func() error { _, err := d.ReleaseNode(ctx, name); return err },
				"image":   func() error { _, err := d.RemoveImage(ctx, name, true); return err },
			} {
				if try() == nil {
					t.Errorf("%s %q was done", what, name)
				}
			}
		}
		if after := tree(t, dir); after != before {
			t.Errorf("something was changed:\n%s\nnot\n%s", after, before)
		}
		// An image may be called nearly anything; it is one entry, where it belongs.
		for _, name := range []string{"a,ou=hosts", "*", `x)(cn=*\`, "a+b=c", "#1", "<x>;y"} {
			r, err := d.AddImage(ctx, name, false, ldapschema.Image{Kernel: "k"})
			want(t, r, err, upkeep.Added)
			if i, err := d.Image(ctx, name); err != nil || i.Name != name || !i.Entry.Parent().Equal(cod.ImagesDN(base)) {
				t.Errorf("image %q: %+v, %v", name, i, err)
			}
			r, err = d.RemoveImage(ctx, name, false)
			want(t, r, err, upkeep.Removed)
		}
		if after := tree(t, dir); after != before {
			t.Errorf("images left something:\n%s", after)
		}
	})
}

func tree(t *testing.T, dir directory.Directory) string {
	t.Helper()
	all, err := dir.List(t.Context(), base)
	must(t, err)
	return ldapschema.LDIF(all)
}

func TestImages(t *testing.T) {
	everywhere(t, func(t *testing.T, dir directory.Directory) {
		ctx := t.Context()
		d := upkeep.Desk{Directory: dir, Base: base}
		r, err := d.AddImage(ctx, "debian12", false, ldapschema.Image{Kernel: "d/vmlinuz", Options: "quiet"})
		want(t, r, err, upkeep.Added)
		if _, err := d.AddImage(ctx, "debian12", false, ldapschema.Image{Initrd: "d/i"}); !errors.Is(err, directory.ErrExists) {
			t.Errorf("a second: %v", err)
		}
		r, err = d.AddImage(ctx, "debian12", true, ldapschema.Image{Source: "/srv/d.raw", Format: "raw", Size: 7, Digest: "sha256:" + strings.Repeat("0", 64)})
		want(t, r, err, upkeep.Changed)
		if i, err := d.Image(ctx, "debian12"); err != nil || i.Kernel != "d/vmlinuz" || i.Size != 7 || i.Problem != "" {
			t.Errorf("%+v, %v", i, err)
		}
		for _, bad := range []ldapschema.Image{{}, {Initrd: "i"}, {Kernel: "../k"}, {Kernel: "/k"}, {Kernel: "k", Initrd: "a b"}, {Kernel: "k", Options: "a\x01"},
			{Kernel: "k", Up: "rescue"}, {Source: "s", Format: "zip"}, {Source: "s", Digest: "md5:00"}, {Source: "s", Size: -1}, {Source: "a\nb"}} {
			if _, err := d.AddImage(ctx, "bad", false, bad); err == nil {
				t.Errorf("%+v was added", bad)
			}
		}
	})
}
