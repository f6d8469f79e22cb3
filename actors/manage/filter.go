package manage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
)

// stateNames are the states of all roles.
var stateNames = func() (names []string) {
	for s := actors.Nascent; s <= actors.Failed; s++ {
		names = append(names, s.String())
	}
	return names
}()

// states are the states that the names mean, in any letter case.
func states(given []string) ([]string, error) {
	var out []string
	for _, name := range given {
		i := slices.IndexFunc(stateNames, func(s string) bool { return strings.EqualFold(s, name) })
		if i < 0 {
			return nil, fmt.Errorf("no state is called %q%s", name, check.Perhaps(name, stateNames))
		}
		out = append(out, stateNames[i])
	}
	return out, nil
}

// filter is a Filter whose states are known to exist. The actor is not its business.
type filter struct {
	slice  string
	states []string
}

func (f Filter) compile(op string) (filter, error) {
	s, err := states(f.States)
	if err != nil {
		return filter{}, invalid(op, err.Error())
	}
	return filter{f.Slice, s}, nil
}

func (f filter) view(v actors.View) bool { return f.inSlice(v.Slice) && f.inState(v.State) }

func (f filter) inSlice(s actors.Slice) bool {
	return f.slice == "" || f.slice == s.Name || f.slice == string(s.ID)
}

func (f filter) inState(state string) bool {
	return len(f.states) == 0 || slices.Contains(f.states, state)
}

// moved judges a transition by the state it leads to, the part before any comma.
func (f filter) moved(t actors.Transition) bool {
	state, _, _ := strings.Cut(t.To, ",")
	return f.inState(state)
}
