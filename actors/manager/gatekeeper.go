package manager

import "github.com/leasehold/leasehold/actors"

// A Gatekeeper is a controller's own condition: it is asked before a reservation
// passes a gate, after its predecessors let it (paper B 3.5). It is pure: the same
// passage gets the same permit, and time is an argument.
type Gatekeeper interface {
	Pass(Passage) Permit
}

// Passage is a reservation that could pass a gate now. Nothing in it may be changed.
type Passage struct {
	Now          actors.Cycle
	Gate         actors.Gate
	Reservation  Reservation
	Predecessors []Reservation // of this gate, those that are not over
	// Properties are what it goes on with, what predecessors pass on included: the
	// configuration at the redeem gate, the local properties at the join gate.
	Properties actors.Properties
}

// Permit is a gatekeeper's answer. The zero Permit lets everybody pass as they are.
type Permit struct {
	// Hold says what the reservation waits for, for people; empty lets it pass.
	Hold string
	// Again is when to ask again, the next cycle at the earliest. It is asked sooner
	// when something happens to the reservation.
	Again actors.Cycle
	// Properties take the place of the passage's; nil keeps those.
	Properties actors.Properties
}

// permit asks the gatekeeper. While it holds a reservation its term runs on, and
// ends the wait.
func (s *step) permit(gate actors.Gate, before []Reservation, props *actors.Properties) bool {
	if s.Gate == nil {
		return true
	}
	p := s.Gate.Pass(Passage{Now: s.now, Gate: gate, Reservation: s.Reservation, Predecessors: before, Properties: *props})
	if p.Hold == "" {
		if p.Properties != nil {
			*props = p.Properties
		}
		return true
	}
	if again := max(p.Again, s.now+1); p.Hold != s.Hold || again != s.HoldUntil {
		s.Hold, s.HoldUntil, s.changed = p.Hold, again, true
	}
	return false
}
