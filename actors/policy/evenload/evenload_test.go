package evenload_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/policy/evenload"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestBroker(t *testing.T) { policytest.Broker(t, evenload.Policy{}) }
