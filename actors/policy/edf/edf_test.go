package edf_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestBroker(t *testing.T) { policytest.Broker(t, edf.Policy{}) }
