package cod

import (
	"strings"

	"github.com/leasehold/leasehold/actors/fsm"
)

// State is where a node stands. Its name is what codState says in the directory.
type State uint8

// The states of a node, in the order of its life.
const (
	Asked       State = iota // wanted; it has no id yet, or waits for its cluster
	Allocated                // its id is taken; its entries are being written
	Staged                   // its entries are written
	Booting                  // the driver is setting it up
	Up                       // in service
	Draining                 // the driver is tearing it down
	Wiped                    // the driver is done; its entries are being removed
	Free                     // nothing is left of it: its machine and its id are free
	Suspect                  // the driver could not set it up, or the directory refused an entry
	Saving                   // its lease is over, and the driver saves what it is doing
	Held                     // what it was doing is kept for a while
	Quarantined              // the driver could not tear it down
)

var stateNames = [...]string{"asked", "allocated", "staged", "booting", "up", "draining", "wiped", "free", "suspect", "saving", "held", "quarantined"}

// String names the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// stateNamed is the state a directory entry names. What we do not write, such as an
// operator's own word, is a node nobody vouches for.
func stateNamed(name string) State {
	for _, s := range []State{Allocated, Booting, Up, Draining, Saving, Held, Quarantined} {
		if name == s.String() {
			return s
		}
	}
	return Suspect
}

// moves is every move a node can make; each is checked as it happens.
var moves = fsm.New(
	fsm.Row[State]{State: Asked, Means: "waits for its cluster, or for a free id", To: []State{Allocated, Draining}},
	fsm.Row[State]{State: Allocated, Means: "its id is taken and its entries are being written", To: []State{Staged, Draining, Wiped, Suspect}},
	fsm.Row[State]{State: Staged, Means: "its entries are written", To: []State{Booting, Draining, Suspect}},
	fsm.Row[State]{State: Booting, Means: "the driver is setting it up", To: []State{Up, Draining, Suspect}},
	fsm.Row[State]{State: Up, Means: "in service", To: []State{Draining, Saving, Suspect}},
	fsm.Row[State]{State: Draining, Means: "the driver is tearing it down", To: []State{Wiped, Allocated, Quarantined}},
	fsm.Row[State]{State: Wiped, Means: "its entries are being removed", To: []State{Free, Asked, Suspect}},
	fsm.Row[State]{State: Free, Means: "nothing is left of it; its machine and its id are free"},
	fsm.Row[State]{State: Suspect, Means: "the driver could not set it up, or the directory refused; waits for another action", To: []State{Allocated, Draining, Wiped}},
	fsm.Row[State]{State: Quarantined, Means: "the driver could not tear it down; its machine is nobody's until another try, or until an operator says that it is clean", To: []State{Asked, Allocated, Draining, Wiped}},
	fsm.Row[State]{State: Saving, Means: "its lease is over and the driver saves what it is doing", To: []State{Held, Draining}},
	fsm.Row[State]{State: Held, Means: "its lease is over; what it was doing is kept for a while, and a new lease can take it up", To: []State{Booting, Draining}},
)

// Life draws the moves of a node as a Mermaid state diagram.
func Life() string { return moves.Draw() }

// doubtful reports whether nobody vouches for a node in the state.
func (s State) doubtful() bool { return s == Suspect || s == Quarantined }

// Explain is the sentence about a state by the name that a directory has for it; empty
// for a word that is not ours.
func Explain(name string) string {
	for s, known := range stateNames {
		if strings.EqualFold(name, known) {
			return State(s).Means()
		}
	}
	return ""
}

// Means is the sentence about a state, for operators.
func (s State) Means() string { return moves.Means(s) }
