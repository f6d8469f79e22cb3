package actors

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestCheck01Ordinals: the numbers of leasing 1.1, which are stored and on the wire, and
// the names by which interfaces show them.
func TestCheck01Ordinals(t *testing.T) {
	check := func(got fmt.Stringer, n int, name string) {
		t.Helper()
		data, err := json.Marshal(got)
		if err != nil || string(data) != fmt.Sprint(n) || got.String() != name {
			t.Errorf("%s is %s, stored as %s; want %d", name, got, data, n)
		}
	}
	for n, name := range []string{1: "Nascent", "Ticketed", "Active", "ActiveTicketed", "Closed", "CloseWait", "Failed"} {
		if n > 0 {
			check(State(n), n, name)
		}
	}
	for n, name := range map[int]string{1: "None", 2: "Ticketing", 3: "Redeeming", 4: "ExtendingTicket", 5: "ExtendingLease", 6: "Priming",
		8: "Closing", 11: "ModifyingLease"} {
		check(Pending(n), n, name)
	}
	for n, name := range []string{1: "NoJoin", "BlockedJoin", "BlockedRedeem", "Joining"} {
		if n > 0 {
			check(JoinState(n), n, name)
		}
	}
	for n, name := range []string{"default", "priming", "active", "modifying", "closing", "closed", "failed"} {
		check(UnitState(n), n, name)
	}
	for n, name := range []string{1: "claim", "ticket", "extendTicket", "relinquish", "redeem", "extendLease", "modifyLease", "updateTicket",
		"updateLease", "close", "query", "queryResult", "failedRPC"} {
		if n > 0 {
			check(Op(n), n, name)
		}
	}
	var back struct {
		S State
		P Pending
		J JoinState
	}
	if err := json.Unmarshal([]byte(`{"S":6,"P":11,"J":2}`), &back); err != nil || back.S != CloseWait || back.P != ModifyingLease || back.J != BlockedJoin {
		t.Errorf("read back as %v, %v", back, err)
	}
}
