package site_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/guest"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestRFC2307bis: on a directory with RFC 2307bis, as we write it out and as Debian ships
// it, a site keeps groups that name their members' entries, and nodes resolve them
// through nslcd as they do those of RFC 2307.
func TestRFC2307bis(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"ours": "", "Debian's": "/etc/ldap/schema/gosa/rfc2307bis.schema"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
				t.Fatal(err)
			}
			write := func(name string, families ...ldapschema.Family) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(ldapschema.SchemaText(families...)), 0o644); err != nil {
					t.Fatal(err)
				}
				return path
			}
			if file == "" {
				file = write("rfc2307bis.schema", ldapschema.NISBis)
			}
			rest := write("leasehold.schema", ldapschema.DHCP, ldapschema.DNS, ldapschema.PublicKey, ldapschema.COD)
			secret := make([]byte, 32)
			rand.Read(secret)
			w := newWorldOn(t, setup.Include("core", "cosine", file, "inetorgperson", rest), func(c *cod.Config) {
				c.Bis = true
				c.Homes = cod.Homes{Path: "/srv/volumes", Options: "-fstype=bind"}
				c.Guests = cod.Guests{URLs: []string{directoryURL}, Secret: secret}
			})
			w.slapd.Also(directoryURL)
			w.config = actors.Properties{"config.ssh.user1.login": "ada"}
			told := w.run(actors.Setup, "u1", "alpha", macA, 1).Properties
			w.config = actors.Properties{"config.ssh.numlogins": "1,2", "config.ssh.user1.login": "ada", "config.ssh.user2.login": "eve"}
			w.run(actors.Setup, "u2", "alpha", macB, 1)
			group := w.cluster("alpha").Child("ou", "group").Child("cn", "alpha")
			e, err := w.dir.Read(t.Context(), group)
			w.must(err)
			if !e.IsA("groupOfNames") || len(e.Values("member")) != 3 || !slices.Equal(e.Values("memberUid"), []string{"ada", "eve"}) {
				t.Errorf("the group is\n%s", e.LDIF())
			}
			// An operator's member stays, whoever comes and goes.
			w.must(w.dir.Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Modify, DN: group, Mods: []ldapschema.Mod{
				{Op: ldapschema.ModAdd, Attr: "member", Values: []string{"cn=somebody," + string(w.slapd.Base)}}}}))
			n := w.node(macA)
			n.net.IP("addr", "add", "10.99.1.1/16", "dev", "eth0")
			files, err := guest.Files(guest.Config{Servers: strings.Fields(told[cod.FactDirectoryURL]), Cluster: ldapschema.DN(told[cod.FactDirectory]),
				BindDN: ldapschema.DN(told[cod.FactDirectoryBind]), Password: told[cod.FactDirectoryPassword]})
			w.must(err)
			var on []setup.File
			for _, f := range files {
				on = append(on, setup.File(f))
			}
			g := n.net.Guest(on...)
			g.StartNSLCD()
			g.Says("alpha:*:30000:", "getent", "group", "alpha")
			g.Says("groups=30000(alpha)", "id", "eve")
			g.Says("ada:x:30000:30000:ada:/home/ada:/bin/sh", "getent", "passwd", "ada")
			g.Says("10.99.1.2       alpha2 alpha2.alpha.site.test", "getent", "hosts", "alpha2")
			w.config = actors.Properties{"config.ssh.numlogins": "3", "config.ssh.user3.login": "joe"}
			w.run(actors.Setup, "u1", "alpha", macA, 2)
			// The cluster's own entries are written beside the node's.
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
				e, err := w.dir.Read(t.Context(), group)
				w.must(err)
				if len(e.Values("member")) == 5 && e.HasValue("member", "cn=somebody,"+string(w.slapd.Base)) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("the group stays\n%s", e.LDIF())
				}
			}
			w.run(actors.Teardown, "u1", "alpha", macA, 3)
			w.run(actors.Teardown, "u2", "alpha", macB, 2)
		})
	}
}
