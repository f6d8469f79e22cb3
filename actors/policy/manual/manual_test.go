package manual_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/policy/manual"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestBroker(t *testing.T) { policytest.Broker(t, manual.Policy{}) }
