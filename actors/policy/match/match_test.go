package match_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/match"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestAuthority(t *testing.T) { policytest.Authority(t, match.Policy{}) }

func ExamplePolicy() {
	host := func(name, rack, memory string) actors.Host {
		return actors.Host{Name: name, Type: "node", Properties: actors.Properties{"rack": rack, "memory": memory}}
	}
	free := []actors.Host{host("a", "r1", "64"), host("b", "r1", "16"), host("c", "r2", "32"), host("d", "r2", "8"), {Name: "e", Type: "node"}}
	for _, p := range []actors.Properties{
		nil,
		{"memory.min": "16"},
		{"host.require.rack": "r2"},
		{"host.prefer.rack": "r2", "memory": "10"},
		{"host.require.gpu": "yes"},
	} {
		fmt.Println(match.Policy{}.Assign(policy.Need{Type: "node", Units: 3, Properties: p, Free: slices.Values(free)}))
	}
	// Output:
	// [e d b]
	// [b c a]
	// [d c]
	// [c b a]
	// []
}
