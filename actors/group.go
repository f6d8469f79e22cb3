package actors

import (
	"fmt"
	"slices"
	"strings"
)

// Gate says which step of a reservation waits for a predecessor.
type Gate string

// The two gates of a lease group (paper B 3.5, leasing 1.4).
const (
	RedeemGate Gate = "redeem" // its ticket is not redeemed before
	JoinGate   Gate = "join"   // its units do not join the guest before
)

// Predecessor is a reservation that another one comes after, at the same service
// manager. The redeem gate opens when the predecessor has a lease; the join gate when
// its units have joined.
type Predecessor struct {
	Reservation ReservationID `json:"reservation"`
	Gate        Gate          `json:"gate"`
	// Filter says what the predecessor passes on, from its names to the successor's: to
	// the configuration at the redeem gate, to the local properties at the join gate.
	// An empty name on the right keeps the name. Nil passes everything on, under
	// "predecessor." and the name; empty passes nothing on.
	Filter Properties `json:"filter"`
	// Joined makes a redeem gate wait until the predecessor's units have joined, as
	// legacy managers do.
	Joined bool `json:"joined,omitempty"`
	// Required ends the successor when the predecessor is over before the gate opens.
	// Without it a predecessor that has failed or is closed is passed over.
	Required bool `json:"required,omitempty"`
}

// maxPredecessors bounds what one reservation may wait for.
const maxPredecessors = 256

// CheckPredecessors says why id cannot come after the predecessors, or nil. Whether
// they exist is not looked at.
func CheckPredecessors(id ReservationID, after []Predecessor) error {
	if len(after) > maxPredecessors {
		return fmt.Errorf("%d predecessors are over the limit of %d", len(after), maxPredecessors)
	}
	for i, p := range after {
		switch {
		case p.Reservation == "":
			return fmt.Errorf("predecessor %d has no name", i+1)
		case p.Gate != RedeemGate && p.Gate != JoinGate:
			return fmt.Errorf("predecessor %s: the gate %q is neither %q nor %q", p.Reservation, p.Gate, RedeemGate, JoinGate)
		case p.Joined && p.Gate != RedeemGate:
			return fmt.Errorf("predecessor %s: a join gate waits for the join in any case", p.Reservation)
		case p.Reservation == id:
			return fmt.Errorf("a cycle: %s after %s", id, id)
		case slices.ContainsFunc(after[:i], func(q Predecessor) bool { return q.Reservation == p.Reservation && q.Gate == p.Gate }):
			return fmt.Errorf("predecessor %s is named twice for the %s gate", p.Reservation, p.Gate)
		}
	}
	return nil
}

// FindCycle names a cycle among the requests, "a after b after a", or is empty. Which
// gate waits does not matter: a lease group is a directed graph without cycles.
func FindCycle(requests []Request) string {
	after := make(map[ReservationID][]Predecessor, len(requests))
	for _, r := range requests {
		after[r.Reservation] = r.After
	}
	const (
		entered = iota + 1
		left
	)
	mark := map[ReservationID]int{}
	var path []string
	var visit func(id ReservationID) string
	visit = func(id ReservationID) string {
		mark[id], path = entered, append(path, string(id))
		for _, p := range after[id] {
			switch mark[p.Reservation] {
			case entered:
				from := slices.Index(path, string(p.Reservation))
				return strings.Join(append(path[from:], string(p.Reservation)), " after ")
			case left:
				continue
			}
			if _, ours := after[p.Reservation]; ours {
				if found := visit(p.Reservation); found != "" {
					return found
				}
			}
		}
		mark[id], path = left, path[:len(path)-1]
		return ""
	}
	for _, r := range requests {
		if mark[r.Reservation] == 0 {
			if found := visit(r.Reservation); found != "" {
				return found
			}
		}
	}
	return ""
}
