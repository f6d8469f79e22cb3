package propshare_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/policy/policytest"
	"github.com/leasehold/leasehold/actors/policy/propshare"
)

func TestBroker(t *testing.T) { policytest.Broker(t, propshare.Policy{}) }
