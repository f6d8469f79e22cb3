package cod_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
)

// TestSlips: a node whose entry an operator wrote something unreadable into is still
// there after a restart, with all the rest that its entry says, and the slip is shown.
func TestSlips(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	a := setup("u1", "Web", 1)
	a.Properties = actors.Properties{cod.PropVisible: "true"}
	w.step(cod.Do{Action: a})
	w.settle()
	was := w.m.View().Clusters[0].Nodes[0]
	for _, attr := range []string{"ipHostNumber", "macAddress", "codPublicAddress", "codLeaseEnd", "codNodeId", "codMemory", "codGeneration"} {
		m, err := cod.New(siteConfig())
		if err != nil {
			t.Fatal(err)
		}
		tree := w.tree()
		for i, e := range tree {
			if e.IsA("codNode") {
				tree[i] = e.With(attr, "nonsense")
			}
		}
		notes := m.Load(tree)
		v := m.View()
		if len(v.Clusters) != 1 || len(v.Clusters[0].Nodes) != 1 {
			t.Errorf("%s: the node is lost: %q", attr, notes)
			continue
		}
		if n := v.Clusters[0].Nodes[0]; n.Unit != was.Unit || n.Address != was.Address || n.MAC != was.MAC || n.State != was.State {
			t.Errorf("%s: %+v, it was %+v", attr, n, was)
		}
		if len(v.Conflicts) != 1 || v.Conflicts[0].Attr != attr || !slices.Equal(v.Conflicts[0].Theirs, []string{"nonsense"}) || !strings.Contains(v.Conflicts[0].What, "cannot follow") {
			t.Errorf("%s: the conflicts are %+v", attr, v.Conflicts)
		}
	}
}

// TestSlipOfTwo: two nodes whose entries an operator gave the same number are both there
// after a restart, each at its own address.
func TestSlipOfTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	w.step(cod.Do{Action: setup("u1", "Web", 1)})
	w.step(cod.Do{Action: setup("u2", "Web", 1)})
	w.settle()
	was := map[actors.UnitID]string{}
	for _, n := range w.m.View().Clusters[0].Nodes {
		was[n.Unit] = n.Address + " " + n.MAC
	}
	for _, number := range []string{"1", "2", "0", "-3", "77777777"} {
		m, err := cod.New(siteConfig())
		if err != nil {
			t.Fatal(err)
		}
		tree := w.tree()
		for i, e := range tree {
			if e.IsA("codNode") {
				tree[i] = e.With("codNodeId", number)
			}
		}
		notes := m.Load(tree)
		got := map[actors.UnitID]string{}
		for _, n := range m.View().Clusters[0].Nodes {
			got[n.Unit] = n.Address + " " + n.MAC
		}
		if !maps.Equal(got, was) {
			t.Errorf("%s: %v, it was %v: %q", number, got, was, notes)
		}
	}
}
