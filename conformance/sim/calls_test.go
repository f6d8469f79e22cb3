package sim

import (
	"maps"
	"testing"

	"github.com/leasehold/leasehold/wire"
)

// TestProtocols: in worlds where all speak XML-RPC every operation of a lease is taken in
// it, and where some do each is taken in both. Questions and failed calls are said by other
// people's actors only.
func TestProtocols(t *testing.T) {
	t.Parallel()
	ops := []wire.Op{wire.OpClaim, wire.OpTicket, wire.OpExtendTicket, wire.OpRelinquish, wire.OpRedeem, wire.OpExtendLease, wire.OpModifyLease, wire.OpClose,
		wire.OpUpdateTicket, wire.OpUpdateLease}
	for calls, protocols := range map[Calls][]bool{AllCalls: {true}, SomeCalls: {false, true}} {
		want := map[spoken]bool{}
		for _, op := range ops {
			for _, p := range protocols {
				want[spoken{op, p}] = true
			}
		}
		for seed := uint64(1); len(want) > 0; seed++ {
			if seed > 200 {
				t.Fatalf("with %v nobody ever says %v", calls, want)
			}
			cfg := Swarm(seed)
			cfg.Calls = calls
			r, err := Run(seed, cfg)
			report(t, err)
			if said := maps.Clone(r.spoken); calls == AllCalls {
				maps.DeleteFunc(said, func(s spoken, _ int) bool { return s.calls })
				if len(said) > 0 {
					t.Fatalf("where all speak XML-RPC somebody said %v", said)
				}
			}
			for s := range r.spoken {
				delete(want, s)
			}
		}
	}
}
