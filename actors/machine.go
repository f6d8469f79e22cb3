package actors

import (
	"fmt"
	"slices"
)

// Event is something that happened to an actor. The set is closed: the types
// below and no others.
type Event interface{ event() }

// Receive delivers a peer's message. From has been authenticated, and any
// ticket in it has been verified up to its root, before the event is made.
type Receive struct{ Message Message }

// Tick says that time has passed; the cycle is the step's own argument.
type Tick struct{}

// ActionDone reports the end of an Action. Code 0 is success.
type ActionDone struct {
	Reservation ReservationID
	Unit        UnitID
	Verb        Verb
	Sequence    int // echoes Action.Sequence; an older number is ignored
	Code        int
	Note        string     // one line for the lessee
	Properties  Properties // unit properties the handler found out
	Took        Millis     // from when it was asked for; 0 when nobody measured it
}

// ActionsDone reports the ends of several actions of one reservation, in their
// order. It moves the actor just as one ActionDone after another would, for less:
// hosts put together what has gathered in their mailbox.
type ActionsDone struct {
	Reservation ReservationID
	Done        []ActionDone // all of that reservation
}

// UnitChanged tells a site authority what is now true of a unit though nobody asked for
// an action: an operator gave its node another address. What is true already changes
// nothing, so that it may be told again. A unit that is not there any more is ignored.
type UnitChanged struct {
	Reservation ReservationID
	Unit        UnitID
	Properties  Properties // an empty value takes the property away
}

// SendFailed reports that a peer refused a message for good.
type SendFailed struct {
	Message Message
	Kind    Kind
	Note    string
}

// Request asks a service manager for a new reservation, or a broker to buy from
// another broker what it will sell on.
type Request struct {
	Reservation ReservationID
	Slice       Slice
	Broker      ActorID // who sells; empty means the manager's default broker
	Type        ResourceType
	Units       int
	Term        Term
	Renewable   bool       // extend by the same length until closed
	Request     Properties // for the broker's policy
	Config      Properties // for the site's handlers
	Local       Properties // for the manager's own handlers; never sent
	After       []Predecessor
}

// RequestGroup asks a service manager for several reservations at once, each of which
// may come after others of the group. All are opened or none is.
type RequestGroup struct {
	Requests []Request
	// Together, when it is not empty, makes them a request group: their broker grants
	// all with one start, or none (leasing 4.8.4). It is the name by which the broker
	// knows that they belong together; another group needs another one.
	Together string
}

// Observe tells a service manager what the signal of one of its guests says.
type Observe struct {
	Guest string
	Value int // not negative
}

// Extend asks a service manager, or a broker that bought, to prolong a reservation
// until End.
type Extend struct {
	Reservation ReservationID
	End         Millis
	Units       int // 0 keeps the present number
	// Victims are the units to give back first when the number shrinks. They leave the
	// guest before the old term ends.
	Victims []UnitID
}

// Modify asks a service manager to run a subcommand on every unit of a lease at its
// site (leasing 3.5). Neither units nor term change.
type Modify struct {
	Reservation ReservationID
	// Number is the running number of this modify, one more than the last; 0 takes the
	// next. Whoever wants to repeat the event safely gives it.
	Number     int
	Subcommand string     // such as "restart"; it travels as "modify.restart"
	Arguments  Properties // under their plain names
}

// Withdraw takes a host of a site authority out of service: it has broken, or is to
// be repaired. A unit on it is lost to its lessee, who is told at once.
type Withdraw struct {
	Host string
	Note string // why, for the lessee
}

// Reinstate puts a host back into service that was withdrawn, or put aside because it
// could not be torn down.
type Reinstate struct{ Host string }

// Close asks any role to end a reservation.
type Close struct{ Reservation ReservationID }

// Approve tells a broker what an operator says about an ask that waits. It means
// something to a policy that asks operators.
type Approve struct {
	Reservation ReservationID
	Grant       bool   // or refuse
	Note        string // for people
}

// Donate gives a broker a ticket to sell from.
type Donate struct{ Ticket Ticket }

// Claim makes a broker fetch a ticket that a site has exported to it. The
// reservation is the export's, as the site's administrator names it.
type Claim struct {
	Reservation ReservationID
	Authority   ActorID
}

// Export makes a site authority delegate units of a type to a broker. The same
// arguments always name the same delegation.
type Export struct {
	Holder ActorID
	Type   ResourceType
	Units  int
	Term   Term
	// Properties are certified with the delegation: the size of the hosts that the
	// units are cut from (cpu, memory, bandwidth, storage; hosts is how many), and
	// anything else buyers should know.
	Properties Properties
}

// AddHosts tells a site authority about hardware it may lease.
type AddHosts struct{ Hosts []Host }

// Inventory tells a site authority about all the hardware it has. What it knows and is
// not listed goes: at once, or when nobody has a unit on it any more.
type Inventory struct{ Hosts []Host }

// Host is one piece of inventory at a site.
type Host struct {
	Name       string       `json:"name"`
	Type       ResourceType `json:"type"`
	Properties Properties   `json:"properties,omitempty"` // MAC address, memory, rack: given to handlers
	// Held is why it is not to be assigned at present; empty when it may be. A unit on it
	// stays.
	Held string `json:"held,omitempty"`
}

func (Receive) event()      {}
func (Tick) event()         {}
func (ActionDone) event()   {}
func (ActionsDone) event()  {}
func (UnitChanged) event()  {}
func (SendFailed) event()   {}
func (Request) event()      {}
func (RequestGroup) event() {}
func (Observe) event()      {}
func (Withdraw) event()     {}
func (Reinstate) event()    {}
func (Extend) event()       {}
func (Modify) event()       {}
func (Close) event()        {}
func (Approve) event()      {}
func (Donate) event()       {}
func (Claim) event()        {}
func (Export) event()       {}
func (AddHosts) event()     {}
func (Inventory) event()    {}

// Effects is everything one step asks of the outside world. The host carries
// the fields out in the order written here and starts a field only when the one
// before it is durable or handed over. No Send ever precedes its Save.
type Effects struct {
	Save  []Record     // make durable
	Send  []Message    // then tell peers
	Run   []Task       // then touch machines
	Moved []Transition // then tell watchers
	Wake  Cycle        // and deliver Tick at this cycle; Never asks for nothing
}

// Join appends what another step of the same actor asked for. The later wake-up
// replaces the earlier one, because every step reports its actor's next wake-up.
func (e *Effects) Join(o Effects) {
	e.Save, e.Send = joined(e.Save, o.Save), joined(e.Send, o.Send)
	e.Run, e.Moved = joined(e.Run, o.Run), joined(e.Moved, o.Moved)
	e.Wake = o.Wake
}

// Room makes room for what n steps will ask for that ask for as much as one.
func (e *Effects) Room(one Effects, n int) {
	e.Save = slices.Grow(e.Save, n*len(one.Save))
	e.Send = slices.Grow(e.Send, n*len(one.Send))
	e.Run = slices.Grow(e.Run, n*len(one.Run))
	e.Moved = slices.Grow(e.Moved, n*len(one.Moved))
}

func joined[T any](a, b []T) []T {
	if cap(a) == 0 {
		return b
	}
	return append(a, b...)
}

// Record is one durable fact of an actor. Key is unique in the actor and starts
// with a kind, as in "reservation/4f0c". Value must not change once handed over.
type Record struct {
	Key   string
	Value Value // nil removes the record
}

// Value is what a record holds; it encodes itself when a store asks.
type Value interface {
	// AppendRecord appends the durable form to dst.
	AppendRecord(dst []byte) ([]byte, error)
}

// Stored is a record as a store gives it back.
type Stored struct {
	Key  string
	Data []byte
}

// Machine is an actor as its host sees it. Calls come from one goroutine.
type Machine interface {
	Viewer
	// Step moves the actor by one event. The same history always gives the same
	// answer. An error leaves the actor as it was, but for what it has to remember
	// of the one it refused ([Evidence]): the Save of its effects, and nothing else
	// of them, is carried out before the one who asked hears of the error.
	Step(now Cycle, ev Event) (Effects, error)
	// Restore puts back one durable record. It is called before the first Step, in
	// key order; and between steps, followed by Recover, for a record that an operator
	// has mended. An error concerns this record only and leaves the actor without it.
	Restore(rec Stored) error
	// Recover is what every restored reservation still owes the world.
	Recover(now Cycle) Effects
}

// Sparer is a machine that does not touch what a record was about that it could not
// read: it may still be in use.
type Sparer interface {
	// LetGo says that nobody will put the record of that key back.
	LetGo(now Cycle, key string) Effects
}

// Verb is what an action should make true.
type Verb uint8

// The verbs of handlers: setup, teardown and modify at the site, join and leave at
// the guest (leasing 5.1).
const (
	Setup Verb = iota + 1
	Teardown
	Join
	Leave
	ModifyUnit // run the newest subcommand of the configuration (NewestModify)
)

var verbNames = [...]string{"", "setup", "teardown", "join", "leave", "modify"}

// String names the verb.
func (v Verb) String() string {
	if v > 0 && int(v) < len(verbNames) {
		return verbNames[v]
	}
	return fmt.Sprintf("Verb(%d)", uint8(v))
}

// Action asks a handler to make something true of one unit. It may be asked
// again after a crash; the same Sequence means the same request. Actions on one
// unit run one at a time, in the order of their Sequence.
type Action struct {
	Reservation ReservationID
	Slice       Slice
	Type        ResourceType
	Term        Term
	Unit        Unit
	Verb        Verb
	Sequence    int
	Properties  Properties // configuration, under the unit's own properties
	// Ticket is the properties that the lease's ticket certifies, such as the size of a
	// unit. A site's actions have them; they are in Properties too, where the lessee may
	// have said otherwise.
	Ticket Properties
}

// Task is an [Action] as a step asks for it. What the actions of one step on one lease
// have in common it only points to, and so it does to the unit, of which nobody changes
// what a step has left: a step may begin a hundred thousand actions.
type Task struct {
	*Order
	Unit     *Unit
	Verb     Verb
	Sequence int
}

// Order is what all actions of one step on one lease say. Its fields are those of Action.
type Order struct {
	Reservation ReservationID
	Slice       Slice
	Type        ResourceType
	Term        Term
	Properties  Properties
	Ticket      Properties
}

// Action is the task on its own.
func (t Task) Action() Action {
	return Action{Reservation: t.Reservation, Slice: t.Slice, Type: t.Type, Term: t.Term, Unit: *t.Unit, Verb: t.Verb,
		Sequence: t.Sequence, Properties: t.Properties, Ticket: t.Ticket}
}

// Transition is one move of one reservation, for watchers and logs.
type Transition struct {
	Reservation ReservationID
	From, To    string
	Why         string
}

// Defect is what a machine asks for when a step it took by itself contradicts
// its own table: nothing but to let people know.
func Defect(id ReservationID, state string, err error) Effects {
	return Effects{Moved: []Transition{{Reservation: id, From: state, To: state, Why: "defect: " + err.Error()}}}
}
