package cod

import "github.com/leasehold/leasehold/actors/fsm"

// Moves is the table of moves, for the test that each of them happens.
func Moves() []fsm.Row[State] { return moves.Rows() }
