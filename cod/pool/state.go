package pool

import "github.com/leasehold/leasehold/actors/fsm"

// State is where a host stands.
type State uint8

// The states of a host. One that is configured begins in service; a leased machine
// comes through Converting and goes through Draining.
const (
	Away       State = iota // not a host: whatever else the machine is leased for
	Converting              // the machine is being made a host
	Serving                 // virtual machines are placed on it
	Draining                // no new ones are placed on it, and those on it leave
	Reverting               // nothing is on it any more; the machine is being taken back
	Lost                    // its driver gave up, with virtual machines perhaps on it
)

var stateNames = [...]string{"away", "converting", "serving", "draining", "reverting", "lost"}

// String names the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// moves is every move that a host can make.
var moves = fsm.New(
	fsm.Row[State]{State: Away, Means: "is no host of virtual machines", To: []State{Converting, Serving}},
	fsm.Row[State]{State: Converting, Means: "is being made a host of virtual machines", To: []State{Serving, Reverting, Lost}},
	fsm.Row[State]{State: Serving, Means: "takes virtual machines", To: []State{Draining, Lost}},
	fsm.Row[State]{State: Draining, Means: "takes no more; what is on it moves or ends", To: []State{Serving, Converting, Reverting, Lost}},
	fsm.Row[State]{State: Reverting, Means: "is empty, and being taken back", To: []State{Away, Converting, Lost}},
	fsm.Row[State]{State: Lost, Means: "does not answer; what is on it stays counted until its units end", To: []State{Serving, Converting, Draining, Reverting}},
)

// Life draws the moves of a host as a Mermaid state diagram.
func Life() string { return moves.Draw() }

// Means is the sentence about a state, for operators.
func (s State) Means() string { return moves.Means(s) }

// Way is the shortest list of moves from one state to another, without the first; nil
// when there is none, or nothing to do.
func Way(from, to State) []State {
	type path []State
	seen := map[State]bool{from: true}
	for line := []path{{from}}; len(line) > 0; line = line[1:] {
		at := line[0][len(line[0])-1]
		if at == to {
			return line[0][1:]
		}
		for _, r := range moves.Rows() {
			if r.State != at {
				continue
			}
			for _, next := range r.To {
				if !seen[next] {
					seen[next] = true
					line = append(line, append(append(path{}, line[0]...), next))
				}
			}
		}
	}
	return nil
}
