package memory_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) func() store.Store {
		s := memory.New()
		return func() store.Store { s = s.Reopen(); return s }
	})
}
