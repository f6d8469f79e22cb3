package quarantine_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
	"github.com/leasehold/leasehold/actors/policy/policytest"
	"github.com/leasehold/leasehold/actors/policy/quarantine"
)

func TestAuthority(t *testing.T) {
	policytest.Authority(t, quarantine.Policy{})
	policytest.Authority(t, quarantine.Policy{Then: firstfit.Policy{}, First: 5})
}

func ExamplePolicy() {
	free := []actors.Host{{Name: "sound"}, {Name: "failed once"}, {Name: "failed twice"}}
	for _, now := range []actors.Cycle{100, 109, 110, 119, 120} {
		fmt.Printf("%d %q\n", now, quarantine.Policy{First: 10}.Assign(policy.Need{Now: now, Units: 3, Free: slices.Values(free),
			Trouble: func(host string) policy.Trouble {
				return map[string]policy.Trouble{"failed once": {Failures: 1, Last: 100}, "failed twice": {Failures: 2, Last: 100}}[host]
			}}))
	}
	// Output:
	// 100 ["sound"]
	// 109 ["sound"]
	// 110 ["failed once" "sound"]
	// 119 ["failed once" "sound"]
	// 120 ["failed once" "failed twice" "sound"]
}
