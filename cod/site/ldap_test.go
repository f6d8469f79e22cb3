package site_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/embedded"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// serve opens the embedded server on a file, at an address or at any.
func serve(t *testing.T, path, listen string) *embedded.Server {
	t.Helper()
	s, err := embedded.Open(embedded.Config{
		Path: path, Suffix: base, Listen: listen, RootDN: "cn=admin," + base, RootPassword: "secret", Anonymous: true, Log: quiet(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestOverEmbedded runs the story against the embedded server.
func TestOverEmbedded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "directory.db")
	server := serve(t, path, "127.0.0.1:0")
	overLDAP(t, ldapdir.Config{URL: server.URL(), BindDN: "cn=admin," + base, Password: "secret"}, func() {
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	}, func() { serve(t, path, strings.TrimPrefix(server.URL(), "ldap://")) })
}

// TestOverSlapd runs it against OpenLDAP's, which knows our schema only from what
// package ldapschema writes.
func TestOverSlapd(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	overLDAP(t, ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password}, s.Kill, s.Start)
}

// overLDAP runs a site against a server that is stopped and started in the middle.
func overLDAP(t *testing.T, server ldapdir.Config, stop, start func()) {
	server.Timeout = 5 * time.Second
	dir, err := ldapdir.Open(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	reports := make(chan actors.ActionDone, 100)
	c := site.Config{COD: config(), Directory: dir, Driver: instant(), Report: func(d actors.ActionDone) { reports <- d }, Log: quiet()}
	c.COD.RetryFirst, c.COD.RetryMost = 20, 100
	s, err := site.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	expect := func(n int) {
		t.Helper()
		for range n {
			select {
			case d := <-reports:
				if d.Code != cod.CodeDone {
					t.Fatalf("%+v", d)
				}
			case <-t.Context().Done():
				t.Fatal("no report")
			}
		}
	}
	const units = 12
	run := func(verb actors.Verb, seq int) {
		for n := range units {
			a := action(fmt.Sprint("u", n), fmt.Sprint("slice", n%2), verb, seq)
			a.Properties = actors.Properties{"config.ssh.user1.login": fmt.Sprint("user", n)}
			s.Run(a)
		}
	}
	run(actors.Setup, 1)
	expect(units)
	if got := s.Snapshot().View; len(got.Clusters) != 2 || len(got.Clusters[0].Nodes) != units/2 {
		t.Fatalf("%+v", got)
	}
	// An operator edits a node; the extension leaves that alone.
	edited := ldapschema.DN("cn=slice0-1,ou=hosts,ou=slice0,ou=slices," + base)
	if err := dir.Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Modify, DN: edited, Mods: []ldapschema.Mod{
		{Op: ldapschema.ModReplace, Attr: "codState", Values: []string{"maintenance"}}}}); err != nil {
		t.Fatal(err)
	}
	stop()
	run(actors.Setup, 2)
	start()
	expect(units)
	if e, err := dir.Read(t.Context(), edited); err != nil || e.Get("codState") != "maintenance" || e.Get("codGeneration") != "2" {
		t.Errorf("after the extension: %s, %v", e.LDIF(), err)
	}
	// Another site on the same directory knows everything.
	s.Close()
	if s, err = site.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	run(actors.Teardown, 3)
	expect(units)
	// The clusters go after their last nodes are reported.
	for len(s.Snapshot().View.Clusters) > 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	left, err := dir.List(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if e.Has("codOwner") && !e.DN.Equal(config().ClaimDN()) {
			t.Errorf("left behind: %s", e.DN)
		}
	}
}
