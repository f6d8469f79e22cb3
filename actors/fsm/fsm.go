/*
Package fsm keeps the legal moves of a state machine as a table.

The table is data with three readers: the machine checks each move against it as
it runs, the tests compare it with what the machine really does, and the
documentation's picture is drawn from it. What causes a move stays in the
machine's step; the table says only which moves exist and what each state means.
*/
package fsm

import (
	"fmt"
	"strings"
)

// Row says what a state means and where it may go.
type Row[S comparable] struct {
	State S
	Means string // one sentence for operators
	To    []S
}

// Table holds the legal moves. Make one with New.
type Table[S comparable] struct {
	rows  []Row[S]
	legal map[[2]S]bool
	known map[S]int
}

// New builds a table from its rows. A state that appears as a target but has no
// row of its own makes it panic: tables are written down in source, once.
func New[S comparable](rows ...Row[S]) Table[S] {
	t := Table[S]{rows: rows, legal: map[[2]S]bool{}, known: map[S]int{}}
	for i, r := range rows {
		if _, twice := t.known[r.State]; twice {
			panic(fmt.Sprintf("fsm: two rows for %v", r.State))
		}
		t.known[r.State] = i
	}
	for _, r := range rows {
		for _, to := range r.To {
			if _, ok := t.known[to]; !ok {
				panic(fmt.Sprintf("fsm: %v leads to %v, which has no row", r.State, to))
			}
			t.legal[[2]S{r.State, to}] = true
		}
	}
	return t
}

// Check says why the move is not in the table, or nil. Staying put is always
// legal in a known state.
func (t Table[S]) Check(from, to S) error {
	if _, ok := t.known[from]; !ok {
		return fmt.Errorf("fsm: unknown state %v", from)
	}
	if from == to || t.legal[[2]S{from, to}] {
		return nil
	}
	return fmt.Errorf("fsm: no move from %v to %v", from, to)
}

// Rows lists the table in the order it was written.
func (t Table[S]) Rows() []Row[S] { return t.rows }

// Means is the sentence about s, empty if s is unknown.
func (t Table[S]) Means(s S) string {
	if i, ok := t.known[s]; ok {
		return t.rows[i].Means
	}
	return ""
}

// Draw renders the table as a Mermaid state diagram.
func (t Table[S]) Draw() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for i, r := range t.rows {
		fmt.Fprintf(&b, "    s%d: %v\n", i, r.State)
	}
	for i, r := range t.rows {
		for _, to := range r.To {
			fmt.Fprintf(&b, "    s%d --> s%d\n", i, t.known[to])
		}
	}
	return b.String()
}
