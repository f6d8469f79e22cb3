package bestfit_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/policy/bestfit"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestBroker(t *testing.T) { policytest.Broker(t, bestfit.Policy{}) }
