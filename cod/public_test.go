package cod_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// publicWorld is a site with two public addresses, and what its tests do there.
type publicWorld struct {
	*world
}

func newPublicWorld(t *testing.T) publicWorld {
	w := publicWorld{newWorld(t, siteConfig())}
	w.watched = true
	w.load()
	return w
}

// lease asks for a node that is seen from outside, and reports whether it came up.
func (w publicWorld) lease(unit string) bool {
	a := setup(unit, "web", 1)
	a.Properties = actors.Properties{cod.PropVisible: "true"}
	w.step(cod.Do{Action: a})
	w.rest()
	return len(w.m.View().Waiting) == 0
}

// edit is an operator's change of a node's public address; empty removes it.
func (w publicWorld) edit(node, value string) {
	m := ldapschema.Mod{Op: ldapschema.ModReplace, Attr: "codPublicAddress"}
	if value != "" {
		m.Values = []string{value}
	}
	w.do(ldapschema.Change{Kind: ldapschema.Modify, DN: ldapschema.DN("cn="+node+",ou=hosts,ou=web,ou=slices,") + siteBase, Mods: []ldapschema.Mod{m}})
	w.rest()
}

// public is what a node's entry says.
func (w publicWorld) public(node string) string {
	w.t.Helper()
	e, ok := w.entry("cn=" + node + ",ou=hosts,ou=web,ou=slices")
	if !ok {
		w.t.Fatalf("%s is not there", node)
	}
	return e.Get("codPublicAddress")
}

// TestPublicEdited: a node follows an operator who gives it another public address, and
// what it had is given to the next; one whose address is taken away has none.
func TestPublicEdited(t *testing.T) {
	t.Parallel()
	w := newPublicWorld(t)
	w.lease("u1")
	w.lease("u2")
	w.edit("web1", "198.51.100.7") // beside the pool: the operator's own
	if c := w.m.View().Conflicts; len(c) != 0 {
		t.Errorf("not followed: %+v", c)
	}
	w.lease("u3")
	if got := []string{w.public("web1"), w.public("web2"), w.public("web3")}; !slices.Equal(got, []string{"198.51.100.7", "192.0.2.9", "192.0.2.8"}) {
		t.Errorf("the addresses are %q", got)
	}
	w.edit("web2", "")
	w.load()
	w.step(cod.Do{Action: setup("u2", "web", 2)})
	w.rest()
	if got := w.public("web2"); got != "" {
		t.Errorf("it was given %s again", got)
	}
	w.edit("web2", "198.51.100.9") // and one that has none may be given one
	if w.lease("u4"); w.public("web4") != "192.0.2.9" || w.public("web2") != "198.51.100.9" || len(w.m.View().Conflicts) != 0 {
		t.Errorf("%s and %s; conflicts: %+v", w.public("web4"), w.public("web2"), w.m.View().Conflicts)
	}
	if w.edit("web3", "198.51.100.9"); len(w.m.View().Conflicts) != 1 {
		t.Errorf("two nodes follow to one address: %+v", w.m.View().Conflicts)
	}
}

// TestPublicRefused: what a node cannot follow stays as it was written and is shown, and
// neither the address it has nor the one its entry names is given to another, before and
// after a restart.
func TestPublicRefused(t *testing.T) {
	t.Parallel()
	for value, why := range map[string]string{"10.99.0.3": "inside the site's network", "192.0.2.9": "node web2.web has it", "2001:db8::1": "no IPv4 address"} {
		w := newPublicWorld(t)
		w.lease("u1")
		w.lease("u2")
		w.edit("web1", value)
		for _, when := range []string{"before", "after"} {
			c := w.m.View().Conflicts
			if len(c) != 1 || c[0].Attr != "codPublicAddress" || !strings.Contains(c[0].What, why) || w.public("web1") != value {
				t.Errorf("%s, %s a restart: %+v", value, when, c)
			}
			w.load()
		}
		w.step(cod.Do{Action: teardown("u2", "web", 2)})
		w.rest()
		up := w.lease("u3") // 192.0.2.9 is free, unless the entry of web1 names it
		if want := value != "192.0.2.9"; up != want || up && w.public("web2") != "192.0.2.9" {
			t.Errorf("%s: the next node is up: %v", value, up)
		}
		if up && w.lease("u4") {
			t.Errorf("%s: two nodes have one address", value)
		}
		w.edit("web1", "192.0.2.8")
		if c := w.m.View().Conflicts; len(c) != 0 {
			t.Errorf("%s: mended, and still there: %+v", value, c)
		}
	}
}

// TestPublicUnknown: where nothing tells which address a node had before its entry became
// unreadable, none is given out until that is mended.
func TestPublicUnknown(t *testing.T) {
	t.Parallel()
	w := newPublicWorld(t)
	w.lease("u1")
	w.edit("web1", "198.51.100.7") // of no pool, so that no digest is tried with it
	w.edit("web1", "10.99.0.3")
	w.load()
	if w.lease("u2") {
		t.Error("an address was given out that may be another's")
	}
	w.edit("web1", "")
	if !w.lease("u3") && w.public("web2") == "" {
		t.Error("mended, and still none is given out")
	}
}

// TestPublicUnreadable: a node whose entry became unreadable while nobody of us ran still
// has the address that its entry's digest tells of; where there is no digest, none is
// given out.
func TestPublicUnreadable(t *testing.T) {
	t.Parallel()
	w := newPublicWorld(t)
	w.lease("u1")
	for _, signed := range []bool{true, false} {
		tree := w.tree()
		for i, e := range tree {
			if e.IsA("codNode") {
				if tree[i] = e.With("codPublicAddress", "nonsense"); !signed {
					tree[i] = tree[i].With("codDigest")
				}
			}
		}
		m, err := cod.New(siteConfig())
		if err != nil {
			t.Fatal(err)
		}
		m.Load(tree)
		a := setup("u2", "web", 1)
		a.Properties = actors.Properties{cod.PropVisible: "true"}
		fx := m.Step(0, cod.Do{Action: a})
		var given []string
		for _, wr := range fx.Write {
			for _, c := range wr.Changes {
				given = append(given, ldapschema.Entry{DN: c.DN, Attrs: c.Attrs}.Values("codPublicAddress")...)
			}
		}
		switch {
		case signed && !slices.Equal(given, []string{"192.0.2.9"}):
			t.Errorf("given out: %q", given)
		case !signed && (len(given) != 0 || len(fx.Report) != 1 || !strings.Contains(fx.Report[0].Note, "that of web1.web is unknown")):
			t.Errorf("given out: %q; %+v", given, fx.Report)
		}
	}
}
