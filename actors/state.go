package actors

import "fmt"

// State is where a reservation stands. The ordinals are those of the legacy
// implementation (leasing 1.1.1); they are stored and shown through APIs.
type State uint8

// The reservation states. A role uses some of them.
const (
	Nascent        State = 1 // known, nothing granted yet
	Ticketed       State = 2 // a ticket is held, or a redeem was accepted
	Active         State = 3 // a lease is held
	ActiveTicketed State = 4 // a lease is held and so is a ticket for a longer one
	Closed         State = 5 // over, everything given back
	CloseWait      State = 6 // the site was asked to close and has not confirmed
	Failed         State = 7 // over, because something went wrong
)

var stateNames = [...]string{"", "Nascent", "Ticketed", "Active", "ActiveTicketed", "Closed", "CloseWait", "Failed"}

// String names the state.
func (s State) String() string {
	if s > 0 && int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Final reports whether a reservation in s is over.
func (s State) Final() bool { return s == Closed || s == Failed }

// Pending is the operation a reservation waits for (leasing 1.1.2).
type Pending uint8

// The pending operations.
const (
	None            Pending = 1
	Ticketing       Pending = 2
	Redeeming       Pending = 3
	ExtendingTicket Pending = 4
	ExtendingLease  Pending = 5
	Priming         Pending = 6
	Closing         Pending = 8
	ModifyingLease  Pending = 11
)

var pendingNames = map[Pending]string{
	None: "None", Ticketing: "Ticketing", Redeeming: "Redeeming", ExtendingTicket: "ExtendingTicket",
	ExtendingLease: "ExtendingLease", Priming: "Priming", Closing: "Closing",
	ModifyingLease: "ModifyingLease",
}

// String names the pending operation.
func (p Pending) String() string {
	if s, ok := pendingNames[p]; ok {
		return s
	}
	return fmt.Sprintf("Pending(%d)", uint8(p))
}

// JoinState is what the guest's own side of a lease is doing (leasing 1.1.3).
type JoinState uint8

// The join states; only service managers use them.
const (
	NoJoin        JoinState = 1 // nothing outstanding
	BlockedJoin   JoinState = 2 // a lease arrived, its units have not begun to join
	BlockedRedeem JoinState = 3 // it is time to redeem, predecessors are not ready
	Joining       JoinState = 4 // join handlers are running
)

var joinNames = [...]string{"", "NoJoin", "BlockedJoin", "BlockedRedeem", "Joining"}

// String names the join state.
func (j JoinState) String() string {
	if j > 0 && int(j) < len(joinNames) {
		return joinNames[j]
	}
	return fmt.Sprintf("JoinState(%d)", uint8(j))
}
