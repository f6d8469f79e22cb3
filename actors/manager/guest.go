package manager

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// Guest is one that the manager leases for by itself, as a policy says.
type Guest struct {
	Name    string // unique at this manager
	Slice   actors.Slice
	Broker  actors.ActorID // empty means the manager's default
	Type    actors.ResourceType
	Policy  policy.Manager
	Every   actors.Cycle // look at it at least this often; 0 means 60
	Request actors.Properties
	Config  actors.Properties
	Local   actors.Properties
}

// guest is what a manager remembers of one: plain data, stored as it is. What it
// has is told by its reservations.
type guest struct {
	Name    string       `json:"name"`
	Asked   int          `json:"asked,omitempty"`   // leases asked for so far; their names follow from it
	Looked  actors.Cycle `json:"looked,omitempty"`  // when the policy last had a look
	Next    actors.Cycle `json:"next,omitempty"`    // and when it has the next
	Signal  int          `json:"signal,omitempty"`  // last observation
	Heard   bool         `json:"heard,omitempty"`   // there was one
	Memory  []float64    `json:"memory,omitempty"`  // the policy's own
	Want    int          `json:"want,omitempty"`    // how many units it wants
	Why     string       `json:"why,omitempty"`     // what it said last
	Trouble string       `json:"trouble,omitempty"` // what it wanted and could not have
}

// GuestView is a guest for people.
type GuestView struct {
	Name    string       `json:"name"`
	Slice   actors.Slice `json:"slice"`
	Signal  *int         `json:"signal,omitempty"` // last observation, if there was one
	Want    int          `json:"want"`             // units that the policy wants
	Leases  int          `json:"leases"`           // that the policy asked for and that are not over
	Units   int          `json:"units"`            // of them that are granted
	Looked  actors.Cycle `json:"looked"`           // when the policy last had a look
	Next    actors.Cycle `json:"next"`             // and when it has the next
	Why     string       `json:"why,omitempty"`
	Trouble string       `json:"trouble,omitempty"`
}

const (
	guestPrefix = "guest/"
	usualEvery  = 60 // cycles between two looks
)

// AppendRecord makes a guest its own durable form (actors.Value).
func (g guest) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(g)
	return append(dst, b...), err
}

// guests are those of a manager, and what they have.
type guests struct {
	known []Guest
	now   map[string]guest
	owns  map[string][]owned // leases that can still be of use, oldest first
}

// owned is a lease of a guest, as its policy sees it.
type owned struct {
	number int
	policy.Lease
}

func newGuests(known []Guest) guests {
	g := guests{known: known, now: map[string]guest{}, owns: map[string][]owned{}}
	for _, k := range known {
		g.now[k.Name] = guest{Name: k.Name}
	}
	return g
}

// put notes what has become of a guest's reservation.
func (g *guests) put(r Reservation) {
	if r.Guest == "" {
		return
	}
	mine := g.owns[r.Guest]
	i, found := slices.BinarySearchFunc(mine, r.Number, func(o owned, n int) int { return cmp.Compare(o.number, n) })
	lease, useful := r.lease()
	switch {
	case found && useful:
		mine[i].Lease = lease
	case found:
		g.owns[r.Guest] = slices.Delete(mine, i, i+1)
	case useful:
		g.owns[r.Guest] = slices.Insert(mine, i, owned{r.Number, lease})
	}
}

// lease is a reservation as a policy sees it; false when it is over, or about to be.
func (r Reservation) lease() (policy.Lease, bool) {
	switch r.Status {
	case closed, failed, closing, closeWait:
		return policy.Lease{}, false
	}
	l := policy.Lease{Reservation: r.ID, Units: r.Units, Term: r.Term, Granted: r.Ticket != nil,
		Extending: r.Status.Pending == actors.ExtendingTicket, Refused: r.RenewRefused}
	if r.Ticket != nil {
		l.Units, l.Term = r.Ticket.Units, r.Ticket.Term
	}
	return l, !r.CloseAsked
}

// find is the guest whose slice is meant.
func (g *guests) find(name string) (Guest, bool) {
	for _, k := range g.known {
		if k.Name == name {
			return k, true
		}
	}
	return Guest{}, false
}

// attend makes every guest due. A manager does it once, when it begins.
func (a *Actor) attend() {
	for _, g := range a.guests.known {
		a.agenda.Set(actors.ReservationID(guestPrefix+g.Name), a.guests.now[g.Name].Next)
	}
}

// observe takes what a guest's signal says, and has its policy look at once.
func (a *Actor) observe(now actors.Cycle, ev actors.Observe) (actors.Effects, error) {
	g, ok := a.guests.find(ev.Guest)
	if !ok {
		return actors.Effects{}, a.refuse("observe", "", actors.NotFound, fmt.Sprintf("there is no guest %q", ev.Guest))
	}
	if ev.Value < 0 {
		return actors.Effects{}, a.refuse("observe", "", actors.Invalid, fmt.Sprintf("a signal of %d", ev.Value))
	}
	state := a.guests.now[g.Name]
	state.Signal, state.Heard = ev.Value, true
	a.guests.now[g.Name] = state
	return a.look(now, g, []int{ev.Value}), nil
}

// look lets a guest's policy bid, and does what it says. All of it is saved
// together, so that a crash asks for nothing twice.
func (a *Actor) look(now actors.Cycle, g Guest, signal []int) actors.Effects {
	state := a.guests.now[g.Name]
	bids := g.Policy.Bid(policy.Outlook{Now: now, Cycles: a.config.Cycles, Signal: signal, Leases: a.leases(g.Name), Memory: state.Memory})
	var fx actors.Effects
	var trouble []string
	do := func(what string, one actors.Effects, err error) {
		if err != nil {
			trouble = append(trouble, fmt.Sprintf("%s: %v", what, err))
		}
		fx.Join(one)
	}
	for _, b := range bids.Extend {
		if !a.owns(g, b.Reservation) {
			trouble = append(trouble, fmt.Sprintf("extend %s: it is not this guest's", b.Reservation))
			continue
		}
		one, err := a.one(now, b.Reservation, actors.Extend{Reservation: b.Reservation, End: b.End, Units: b.Units})
		do("extend "+string(b.Reservation), one, err)
	}
	for _, b := range bids.Ask {
		state.Asked++
		r := Reservation{Guest: g.Name, Number: state.Asked}
		one, err := a.open(now, r, []actors.Request{{
			Reservation: actors.ReservationID(actors.DeriveID("guest", string(a.config.Self), g.Name, fmt.Sprint(state.Asked))),
			Slice:       g.Slice, Broker: g.Broker, Type: g.Type, Units: b.Units, Term: b.Term, Request: g.Request, Config: g.Config, Local: g.Local}})
		do(fmt.Sprintf("ask for %d units", b.Units), one, err)
	}
	for _, id := range bids.Close {
		if !a.owns(g, id) {
			trouble = append(trouble, fmt.Sprintf("close %s: it is not this guest's", id))
			continue
		}
		one, err := a.one(now, id, actors.Close{Reservation: id})
		do("close "+string(id), one, err)
	}
	every := g.Every
	if every == 0 {
		every = usualEvery
	}
	state.Looked, state.Next = now, now+every
	if bids.Again > now {
		state.Next = min(state.Next, bids.Again)
	}
	state.Want = bids.Want
	state.Memory, state.Why, state.Trouble = bids.Memory, bids.Why, strings.Join(trouble, "; ")
	a.guests.now[g.Name] = state
	a.agenda.Set(actors.ReservationID(guestPrefix+g.Name), state.Next)
	fx.Save = append(fx.Save, actors.Record{Key: guestPrefix + g.Name, Value: state})
	return fx
}

func (a *Actor) owns(g Guest, id actors.ReservationID) bool {
	return slices.ContainsFunc(a.guests.owns[g.Name], func(o owned) bool { return o.Reservation == id })
}

// leases lists a guest's, oldest first, as far as they can still be of use.
func (a *Actor) leases(name string) []policy.Lease {
	out := make([]policy.Lease, len(a.guests.owns[name]))
	for i, o := range a.guests.owns[name] {
		out[i] = o.Lease
	}
	return out
}

// Wants is how many units a guest's policy wants.
func (a *Actor) Wants(name string) int { return a.guests.now[name].Want }

// Guests shows every guest, in the order of configuration.
func (a *Actor) Guests() []GuestView {
	out := []GuestView{}
	for _, g := range a.guests.known {
		state := a.guests.now[g.Name]
		v := GuestView{Name: g.Name, Slice: g.Slice, Want: state.Want, Looked: state.Looked, Next: state.Next, Why: state.Why, Trouble: state.Trouble}
		if state.Heard {
			v.Signal = &state.Signal
		}
		for _, l := range a.leases(g.Name) {
			v.Leases++
			if l.Granted {
				v.Units += l.Units
			}
		}
		out = append(out, v)
	}
	return out
}

// restoreGuest puts a guest's record back. One that is no longer configured keeps
// its record, and its leases run out.
func (a *Actor) restoreGuest(name string, data []byte) error {
	var g guest
	if err := json.Unmarshal(data, &g); err != nil {
		return err
	}
	if g.Name != name {
		return fmt.Errorf("it is about guest %q", g.Name)
	}
	a.guests.now[name] = g
	if _, ok := a.guests.find(name); ok {
		a.agenda.Set(actors.ReservationID(guestPrefix+name), g.Next)
	}
	return nil
}
