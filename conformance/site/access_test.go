package site_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/daemons"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/guest"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// as is the directory as somebody sees it.
func (w *world) as(dn ldapschema.DN, password string) *ldapdir.Dir {
	w.t.Helper()
	d, err := ldapdir.Open(ldapdir.Config{URL: w.slapd.URL, BindDN: dn, Password: password, Timeout: time.Minute})
	w.must(err)
	w.t.Cleanup(func() { d.Close() })
	return d
}

// TestGuestsSeeTheirClusterAlone: with the access rules that are generated for a site, the
// credentials of a cluster read its own entries and no other's, see nothing of the
// site's own remarks, change nothing, and are gone with the cluster. getent on a node
// works with them, through Debian's nslcd.
func TestGuestsSeeTheirClusterAlone(t *testing.T) {
	t.Parallel()
	secret := make([]byte, 32)
	rand.Read(secret)
	w := newWorld(t, func(c *cod.Config) {
		c.Guests = cod.Guests{URLs: []string{directoryURL}, Secret: secret}
		c.Homes = cod.Homes{Path: "/srv/volumes", Options: "-fstype=bind"}
	})
	w.slapd.Also(directoryURL)
	w.config = actors.Properties{"config.ssh.user1.login": "ada"}
	told := w.run(actors.Setup, "u1", "alpha", macA, 1).Properties
	w.config = actors.Properties{"config.ssh.user1.login": "bob"}
	other := w.run(actors.Setup, "u2", "beta", macB, 1).Properties
	alpha, beta := w.cluster("alpha"), w.cluster("beta")
	bind, password := ldapschema.DN(told[cod.FactDirectoryBind]), told[cod.FactDirectoryPassword]
	if bind != alpha.Child("cn", cod.ReaderName) || len(password) < 52 || password == other[cod.FactDirectoryPassword] || told[cod.FactDirectoryURL] != directoryURL {
		t.Fatalf("the lessee is told %v", told)
	}
	node := alpha.Child("ou", "hosts").Child("cn", "alpha1")
	w.replace(node, "codNote", "the site's own remark")
	w.replace(node, "codHold", "an operator")

	d := w.as(bind, password)
	mine, err := d.List(t.Context(), alpha)
	w.must(err)
	all, err := w.dir.List(t.Context(), alpha)
	w.must(err)
	if len(mine) != len(all) || len(mine) < 8 {
		t.Errorf("of %d entries of its cluster it sees %d", len(all), len(mine))
	}
	secrets := []string{"userPassword", "codNote", "codHold", "codOwner", "codUnit", "codGeneration", "serialNumber", "codHealth", "codDom0"}
	for _, e := range mine {
		for _, attr := range secrets {
			if e.Has(attr) {
				t.Errorf("it sees %s of %s", attr, e.DN)
			}
		}
	}
	if e, err := d.Read(t.Context(), node); err != nil || e.Get("codState") != "up" || e.Get("codLease") == "" || e.Get("ipHostNumber") != "10.99.1.1" {
		t.Errorf("its own node is %s, %v", e.LDIF(), err)
	}
	// Of everything else it sees nothing: not that it exists.
	everything, err := w.dir.List(t.Context(), w.slapd.Base)
	w.must(err)
	foreign := 0
	for _, e := range everything {
		if e.DN.Under(alpha) {
			continue
		}
		foreign++
		if got, err := d.Read(t.Context(), e.DN); !errors.Is(err, directory.ErrNotFound) && !errors.Is(err, directory.ErrDenied) {
			t.Errorf("it sees %s: %v", got.LDIF(), err)
		}
	}
	for _, above := range []ldapschema.DN{w.slapd.Base, w.slapd.Base.Child("ou", "slices"), beta} {
		if got, err := d.List(t.Context(), above); len(got) > 0 {
			t.Errorf("below %s it sees %d entries, %v", above, len(got), err)
		}
	}
	if foreign < 20 {
		t.Errorf("only %d entries are not its own", foreign)
	}
	// It changes nothing, its own entries neither.
	for what, c := range map[string]ldapschema.Change{
		"its node":     {Kind: ldapschema.Modify, DN: node, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "description", Values: []string{"x"}}}},
		"its password": {Kind: ldapschema.Modify, DN: bind, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "userPassword", Values: []string{"x"}}}},
		"removing":     ldapschema.DeleteEntry(node),
		"adding": {Kind: ldapschema.Add, DN: alpha.Child("ou", "people").Child("cn", "x"), Attrs: []ldapschema.Attr{
			{Name: "objectClass", Values: []string{"device"}}, {Name: "cn", Values: []string{"x"}}}},
		"another's": {Kind: ldapschema.Modify, DN: beta, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "description", Values: []string{"x"}}}},
	} {
		if err := d.Apply(t.Context(), c); !errors.Is(err, directory.ErrDenied) && !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Nobody at all sees nothing at all; a feed sees what it needs, and no password.
	if got, err := w.as("", "").List(t.Context(), w.slapd.Base); len(got) > 0 {
		t.Errorf("anonymous: %d entries, %v", len(got), err)
	}
	feed := w.as(w.account(daemons.Feed), w.slapd.Password)
	seen, err := feed.List(t.Context(), w.slapd.Base)
	dhcp := 0 // is another daemon's
	for _, e := range everything {
		if e.DN.Under(w.slapd.Base.Child("ou", "dhcp")) {
			dhcp++
		}
	}
	if err != nil || dhcp == 0 || len(seen) != len(everything)-dhcp+1 || slices.ContainsFunc(seen, func(e ldapschema.Entry) bool { return e.Has("userPassword") }) {
		t.Errorf("a feed sees %d of %d entries: %v", len(seen), len(everything)-dhcp+1, err)
	}
	// An operator changes what he likes, by his own name.
	group, err := ldapschema.Members(w.slapd.Base.Child("ou", "group"), "operators", w.account("carol"))
	w.must(err)
	w.must(w.dir.Apply(context.Background(), ldapschema.AddEntry(group)))
	carol := w.as(daemons.DaemonsDN(w.slapd.Base).Child("cn", "carol"), w.slapd.Password)
	w.must(carol.Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Modify, DN: node, Mods: []ldapschema.Mod{{Op: ldapschema.ModDelete, Attr: "codHold"}}}))

	// On a node: Debian's own programs, with what the lessee was told.
	n := w.node(macA)
	n.net.IP("addr", "add", "10.99.1.1/16", "dev", "eth0")
	g := n.net.Guest(setup.File{Path: "/usr/lib/leasehold/join", Content: guest.Join(), Mode: 0o755})
	join := func(url string) (string, error) {
		return g.Run("env", "LEASEHOLD_URL="+url, "LEASEHOLD_CLUSTER="+told[cod.FactDirectory], "LEASEHOLD_BIND="+string(bind), "LEASEHOLD_PASSWORD="+password, "/usr/lib/leasehold/join")
	}
	if out, err := join("ldap://x$(id)"); err == nil {
		t.Errorf("the sample takes anything: %s", out)
	}
	if out, err := join(told[cod.FactDirectoryURL]); err != nil {
		t.Fatalf("the sample of a join handler: %v\n%s", err, out)
	}
	g.StartNSLCD()
	g.Says("ada:x:30000:30000:ada:/home/ada:/bin/sh", "getent", "passwd", "ada")
	g.Says("alpha:*:30000:ada", "getent", "group", "alpha")
	g.Says("10.99.1.1       alpha1 alpha1.alpha.site.test", "getent", "hosts", "alpha1.alpha.site.test")
	if out, err := g.Run("getent", "passwd", "bob"); err == nil || out != "" {
		t.Errorf("of the other cluster: %q", out)
	}
	// A person binds as herself, as PAM does, and sees herself only.
	ada := alpha.Child("ou", "people").Child("uid", "ada")
	out, err := exec.Command(setup.Tool(t, "ldappasswd"), "-x", "-H", w.slapd.URL, "-D", string(w.slapd.BindDN), "-w", w.slapd.Password, "-s", "correct horse", string(ada)).CombinedOutput()
	if err != nil {
		t.Fatalf("ldappasswd: %v\n%s", err, out)
	}
	self := w.as(ada, "correct horse")
	if e, err := self.Read(t.Context(), ada); err != nil || e.Has("userPassword") {
		t.Errorf("herself: %s, %v", e.LDIF(), err)
	}
	if e, err := self.Read(t.Context(), node); err == nil {
		t.Errorf("a person sees %s", e.LDIF())
	}

	// The credentials go with the cluster, and its slice's next cluster has them again.
	w.run(actors.Teardown, "u1", "alpha", macA, 2)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if err := w.as(bind, password).Ping(t.Context()); errors.Is(err, directory.ErrDenied) {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("after the lease they still bind: %v", err)
		}
	}
}
