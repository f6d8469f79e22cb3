package wiring

import (
	"slices"
	"sync"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/cod"
)

// watched is an actor's host whose watchers also hear what others did to the entries of
// its site: operators' edits that the site follows, and conflicts.
type watched struct {
	*host.Host
	hub *hub
}

// Subscribe makes see a watcher of both (manage.Host).
func (w watched) Subscribe(see func([]actors.Transition)) (stop func()) {
	moves, notices := w.Host.Subscribe(see), w.hub.subscribe(see)
	return func() { moves(); notices() }
}

// hub hands what a site notices to those who watch.
type hub struct {
	mu  sync.Mutex
	all []*func([]actors.Transition)
}

func (h *hub) subscribe(see func([]actors.Transition)) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &see
	h.all = append(slices.Clone(h.all), w) // tell may be reading the old slice
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all = slices.DeleteFunc(slices.Clone(h.all), func(o *func([]actors.Transition)) bool { return o == w })
	}
}

// tell says it as transitions without states: nothing has moved.
func (h *hub) tell(notices []cod.Notice) {
	h.mu.Lock()
	all := h.all
	h.mu.Unlock()
	if len(all) == 0 {
		return
	}
	out := make([]actors.Transition, 0, len(notices))
	for _, n := range notices {
		why := string(n.Entry) + ": " + n.Text()
		if n.Value != "" {
			why += "; it says " + n.Value
		}
		if n.By != "" {
			why += " (by " + string(n.By) + ")"
		}
		out = append(out, actors.Transition{Reservation: n.Reservation, Why: why})
	}
	for _, see := range all {
		(*see)(out)
	}
}
