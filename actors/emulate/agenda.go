package emulate

import "github.com/leasehold/leasehold/actors"

// agenda is what drivers will finish, by cycle and then in the order begun.
type agenda []timed

type timed struct {
	at   actors.Cycle
	seq  int // grows with every action
	to   *player
	done actors.Action
}

// Len is part of heap.Interface, as are the others.
func (a agenda) Len() int { return len(a) }

func (a agenda) Less(i, j int) bool {
	if a[i].at != a[j].at {
		return a[i].at < a[j].at
	}
	return a[i].seq < a[j].seq
}

func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push adds an item.
func (a *agenda) Push(x any) { *a = append(*a, x.(timed)) }

// Pop takes the last item off.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	t := (*a)[last]
	(*a)[last] = timed{}
	*a = (*a)[:last]
	return t
}
