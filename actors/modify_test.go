package actors

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestNewestModify(t *testing.T) {
	p := Properties{
		"modify.subcommand.2": "modify.ssh", "modify.2.config.ssh.numlogins": "1", "modify.2.": "x",
		"modify.subcommand.10": "modify.restart", "modify.10.now": "yes", "modify.1.now": "no",
		"modify.subcommand.x": "a", "modify.subcommand.011": "a", "modify.subcommand.-3": "a", "modify.subcommand.99999999": "a",
		"host.prefix": "web",
	}
	m := NewestModify(p)
	if m.Number != 10 || m.Subcommand != "modify.restart" || !maps.Equal(m.Arguments, Properties{"now": "yes"}) || m.Validate() != nil {
		t.Errorf("%+v, %v", m, m.Validate())
	}
	if m := NewestModify(nil); m.Number != 0 || m.Validate() == nil {
		t.Errorf("of nothing: %+v", m)
	}
	for _, bad := range []string{"restart", "modify", "modify.", "modify.a b", "modify.$(x)", "modify." + strings.Repeat("x", 64)} {
		if err := (Modification{Number: 1, Subcommand: bad}).Validate(); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A list keeps the last sixteen modifies, at both sides, and results likewise; what
// is no modify stays.
func TestModifiesDoNotPileUp(t *testing.T) {
	client, site, unit := Properties{"host.prefix": "web"}, Properties{"from": "ticket"}, Properties{"ip": "1"}
	for n := 1; n <= 100; n++ {
		before := fmt.Sprint(client)
		next := client.Modified(Modification{Number: n, Subcommand: "modify.x", Arguments: Properties{"a": "1", "b": "2"}})
		if fmt.Sprint(client) != before {
			t.Fatal("a list was changed in place")
		}
		client, site, unit = next, site.MergedModify(next), unit.ModifyResult(n, n%3, "m")
		if NewestModify(site).Number != n {
			t.Fatalf("the site sees %d, not %d", NewestModify(site).Number, n)
		}
	}
	if len(client) != 1+16*3 || len(site) != 2+16*3 || len(unit) != 2+16*2 {
		t.Errorf("%d at the client, %d at the site, %d of the unit", len(client), len(site), len(unit))
	}
	if code, message, ok := unit.ModifyOutcome(98); !ok || code != 2 || message != "m" {
		t.Errorf("modify 98: %d %q %v", code, message, ok)
	}
	if _, _, ok := unit.ModifyOutcome(3); ok {
		t.Error("the result of modify 3 is still there")
	}
}
