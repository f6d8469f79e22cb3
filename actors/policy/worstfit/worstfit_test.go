package worstfit_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/policy/policytest"
	"github.com/leasehold/leasehold/actors/policy/worstfit"
)

func TestBroker(t *testing.T) { policytest.Broker(t, worstfit.Policy{}) }
