package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestEditReachesLessee: what an operator writes into a node's entry reaches the service
// manager of its lease, though neither of them asked for anything; and what is written
// while the site is down reaches it when the site is back.
func TestEditReachesLessee(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		s := whole(t)
		editReaches(t, s, ldapdir.Config{URL: "ldap://" + s.c.Directory.Listen, BindDN: s.c.Directory.Bind, Password: secretIn(t, s.c.Directory.PasswordFile)}, false)
	})
	t.Run("slapd", func(t *testing.T) {
		t.Parallel()
		d := setup.StartSlapd(t, "overlay syncprov")
		laid(t, d)
		s := whole(t)
		s.c.Directory.URL, s.c.Directory.Listen = d.URL, ""
		s.c.Directory.Base, s.c.Directory.Bind = d.Base, d.BindDN
		s.c.Directory.PasswordFile = filepath.Join(s.dir, "slapd.secret")
		if err := os.WriteFile(s.c.Directory.PasswordFile, []byte(d.Password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		editReaches(t, s, ldapdir.Config{URL: d.URL, BindDN: d.BindDN, Password: d.Password}, true)
	})
}

// secretIn is what stands in a file of one line.
func secretIn(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func editReaches(t *testing.T, s seat, at ldapdir.Config, whileDown bool) {
	p, stop := s.serve(t)
	dir, err := ldapdir.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var r manage.Reservation
	for {
		if r, err = p.Manage.Request(ctx, manage.Order{Slice: "web", Type: "site.node", Units: 2, Length: "1h"}); err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // the broker has nothing to sell yet
	}
	if r, err = p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{"Active"}, Timeout: 3 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	before, err := p.Manage.Show(ctx, manage.Ref{Reservation: r.Reservation})
	if err != nil || len(before.Held) != 2 {
		t.Fatalf("%v: %+v", err, before)
	}
	unit, addr := before.Held[0].ID, before.Held[0].Properties[cod.FactAddress]
	entry := nodeOf(t, dir, s.c.Directory.Base, unit)
	hears := func(p *wiring.Process, key, want string) manage.Reservation {
		t.Helper()
		for {
			v, err := p.Manage.Show(ctx, manage.Ref{Reservation: r.Reservation})
			if err == nil {
				for _, u := range v.Held {
					if u.ID == unit && u.Properties[key] == want {
						return v
					}
				}
			}
			if ctx.Err() != nil {
				t.Fatalf("%s is not %q: %v, %+v", key, want, err, v.Held)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	edit := func(mods ...ldapschema.Mod) {
		t.Helper()
		if err := dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: entry, Mods: mods}); err != nil {
			t.Fatal(err)
		}
	}
	set := func(attr string, values ...string) ldapschema.Mod {
		return ldapschema.Mod{Op: ldapschema.ModReplace, Attr: attr, Values: values}
	}
	watch, err := p.Manage.Watch(ctx, manage.Filter{Actor: "site", Slice: "web"})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	other := strings.Join(strings.Split(addr, ".")[:3], ".") + ".77"
	edit(set("ipHostNumber", other), set("codHold", "ada: looks at the fan"))
	hears(p, cod.FactHeld, "ada: looks at the fan")
	after := hears(p, cod.FactAddress, other)
	if after.State != before.State || after.Pending != before.Pending || !after.End.Equal(before.End) || len(after.Held) != 2 || after.Error != "" {
		t.Errorf("more than its properties has changed:\n%+v\n%+v", before, after)
	}
	for {
		c, err := watch.Next(ctx)
		if err != nil {
			t.Fatalf("whoever watches does not hear of the edit: %v", err)
		}
		if c.From == "" && c.To == "" && strings.Contains(c.Why, "an operator changed ipHostNumber; the site follows; it says "+other) {
			if c.Reservation != r.Reservation {
				t.Errorf("it is told of %+v", c)
			}
			break
		}
	}
	edit(set("codHold"))
	hears(p, cod.FactHeld, "")
	if !whileDown { // the embedded directory ends with its site
		return
	}
	stop()
	edit(set("ipHostNumber", strings.TrimSuffix(other, "7")+"8"))
	p, _ = s.serve(t)
	hears(p, cod.FactAddress, strings.TrimSuffix(other, "7")+"8")
}

// nodeOf is the name of the entry of a unit's node.
func nodeOf(t *testing.T, dir *ldapdir.Dir, base ldapschema.DN, unit string) ldapschema.DN {
	t.Helper()
	all, err := dir.List(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.IsA("codNode") && e.Get("codUnit") == unit && e.IsA("ipHost") {
			return e.DN
		}
	}
	t.Fatalf("no entry is of unit %s", unit)
	return ""
}
