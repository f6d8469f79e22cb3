package firstfit_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/policy/firstfit"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestAuthority(t *testing.T) { policytest.Authority(t, firstfit.Policy{}) }
