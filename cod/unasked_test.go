package cod_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cod"
)

// TestUnasked: a host whose node was found in the directory is not given to another
// unit while the authority says nothing of that node; and it is once the node is gone.
func TestUnasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	w.step(cod.Do{Action: setup("u1", "alpha", 1)})
	w.rest()
	w.load()
	w.rest()
	second := setup("u2", "alpha", 1)
	second.Unit.Host = "h-u1"
	w.step(cod.Do{Action: second})
	w.rest()
	if !strings.Contains(w.log.String(), "which the authority does not know") {
		t.Errorf("the host is given out twice:\n%s", tail(w.log.String()))
	}
	w.step(cod.Do{Action: teardown("u1", "alpha", 2)})
	w.rest()
	second.Sequence = 2
	w.step(cod.Do{Action: second})
	w.rest()
	all := w.m.View().Clusters
	if len(all) != 1 || len(all[0].Nodes) != 1 || all[0].Nodes[0].Host != "h-u1" {
		t.Errorf("afterwards: %+v\n%s", all, tail(w.log.String()))
	}
}
