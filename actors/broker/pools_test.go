package broker

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// The answer to discover.pools, as the legacy reader wants it: a pool has type,
// label, attributescount, and key and type of each attribute.
func TestDiscoverPools(t *testing.T) {
	a := world(t, sample(ticketed))
	second := source1
	second.ID, second.Units = "T9", 3
	second.Properties = actors.Properties{"label": "Disks", "attributescount": "1", "attribute.0.key": "resource.domain",
		"resource.domain.type": "3", "resource.domain.value": "site/disk"}
	second.Type = "disk"
	for _, ev := range []actors.Event{actors.Donate{Ticket: second}} {
		if _, err := a.Step(8, ev); err != nil {
			t.Fatal(err)
		}
	}
	for action, want := range map[string]string{
		"discover.pools": `map[pool.0.attribute.0.key:resource.domain pool.0.attribute.1.key:resource.units.now pool.0.attributescount:2 ` +
			`pool.0.label:Disks pool.0.resource.domain.type:3 pool.0.resource.domain.value:site/disk ` +
			`pool.0.resource.units.now.label:Units free now pool.0.resource.units.now.type:1 pool.0.resource.units.now.value:3 pool.0.type:disk ` +
			`pool.1.attribute.0.key:resource.units.now pool.1.attributescount:1 pool.1.label:node ` +
			`pool.1.resource.units.now.label:Units free now pool.1.resource.units.now.type:1 pool.1.resource.units.now.value:2 pool.1.type:node ` +
			`pools.count:2 query.response:discover.pools]`,
		"nonsense": "map[]",
	} {
		fx, err := a.Step(12, actors.Receive{Message: actors.Message{Op: actors.OpQuery, ID: "m7", From: "sm", ReplyTo: "http://sm",
			Properties: actors.Properties{actors.QueryAction: action}}})
		if err != nil || len(fx.Send) != 1 || len(fx.Save) != 0 {
			t.Fatalf("%s: %+v, %v", action, fx, err)
		}
		m := fx.Send[0]
		if got := fmt.Sprint(map[string]string(m.Properties)); got != want || m.RequestID != "m7" || m.To != "sm" || m.ReplyTo != "http://sm" {
			t.Errorf("%s:\n%s\nwant\n%s\nin %+v", action, got, want, m)
		}
	}
}
