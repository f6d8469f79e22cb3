package manage

import (
	"context"
	"time"
)

// Service is what operators may do. Every method may be called from any
// goroutine. Errors are of actors.Kind, or one of this package's (see ExitCode).
type Service interface {
	// Actors lists the actors, in the order of configuration.
	Actors(ctx context.Context) ([]ActorInfo, error)
	// Clocks lists how far the clocks of peers are from ours, where that is known.
	Clocks(ctx context.Context) ([]PeerClock, error)
	// Clock is what the actors' clock shows.
	Clock(ctx context.Context) (Instant, error)
	// Tick moves that clock by some cycles, where operators move it, one after the other
	// and each when the actors have done what the one before asked of them.
	Tick(ctx context.Context, cycles int64) (Instant, error)
	// List shows the reservations that pass the filter, by actor in the order of
	// configuration, then by identity. When an actor cannot be asked, the rest is
	// returned with an error that is ErrPartial.
	List(ctx context.Context, f Filter) ([]Reservation, error)
	// Show finds one reservation.
	Show(ctx context.Context, ref Ref) (Reservation, error)
	// Request asks a service manager for a new reservation, or a broker to buy from
	// another broker, and shows it as accepted, with its identity and all times resolved. The same order with the
	// same identity may be repeated.
	Request(ctx context.Context, o Order) (Reservation, error)
	// RequestGroup asks a service manager for several reservations, some of which come
	// after others, and shows them in the order given. Either all are made or none.
	RequestGroup(ctx context.Context, g Group) ([]Reservation, error)
	// Extend asks whoever asked for a reservation to prolong it.
	Extend(ctx context.Context, e Extension) (Reservation, error)
	// Modify asks a service manager to run a subcommand on every unit of a lease. What
	// became of it is in the units' properties when nothing is pending any more.
	Modify(ctx context.Context, m Modification) (Reservation, error)
	// Close asks an actor to end a reservation. That takes time: see Wait.
	Close(ctx context.Context, ref Ref) (Reservation, error)
	// Approve says what an operator thinks of an ask that waits for a word at a
	// broker. The reservation shows whether one is wanted.
	Approve(ctx context.Context, w Word) (Reservation, error)
	// Plan says what would become of a group's orders if they were given now, without
	// giving them: the answer of the broker they are for, which must run here.
	Plan(ctx context.Context, g Group) ([]Forecast, error)
	// Calendars shows what brokers and sites have, and who holds how much of it when.
	Calendars(ctx context.Context, w Window) ([]Calendar, error)
	// Wait returns when the reservation is in one of the states. It gives up with
	// ErrPending when the time is over and with ErrEnded when the reservation has
	// ended otherwise, and then still shows the reservation.
	Wait(ctx context.Context, g Goal) (Reservation, error)
	// Export delegates units of a site to a broker, and shows the delegation: its
	// identity is what the broker claims it by. A broker of the same process is made to
	// claim it at once. The same export may be repeated.
	Export(ctx context.Context, e Export) (Delegation, error)
	// Delegations lists what sites have exported, all of them if actor is empty.
	Delegations(ctx context.Context, actor string) ([]Delegation, error)
	// Claim makes a broker fetch what a site has exported to it.
	Claim(ctx context.Context, c Claim) error
	// Conflicts lists the tickets that were refused because their issuers had sold
	// more than they held, without proofs. Empty means every actor's.
	Conflicts(ctx context.Context, actor string) ([]Conflict, error)
	// Conflict finds one, with its proof. Its identity may be cut short.
	Conflict(ctx context.Context, actor, id string) (Conflict, error)
	// Places lists the hosts of a site, or of all.
	Places(ctx context.Context, actor string) ([]Place, error)
	// Paces lists how long set-up and teardown take at a site, or at all, by type.
	Paces(ctx context.Context, actor string) ([]Pace, error)
	// SetDuty takes a host out of service or puts it back. A unit on a host that goes is
	// lost to its lessee.
	SetDuty(ctx context.Context, d Duty) (Place, error)
	// Aside lists the records that could not be read and were set aside.
	Aside(ctx context.Context, actor string) ([]Aside, error)
	// Restore puts such a record back into the running actor, with its octets mended
	// or, if data is nil, as it is.
	Restore(ctx context.Context, actor, key string, data []byte) error
	// Drop throws such a record away.
	Drop(ctx context.Context, actor, key string) error
	// Watch begins at once: what moves after it returns is in the stream. The states
	// of the filter are those that a change leads to. A change of a reservation that
	// its actor had forgotten before its slice was known passes whatever the slice.
	Watch(ctx context.Context, f Filter) (Stream, error)
}

// Stream is what moves, as it moves. It is for one reader.
type Stream interface {
	// Next waits for the next change. A reader that is too slow gets a Change with
	// Lost set in the place of those that are gone. After the end of the stream
	// the error is io.EOF.
	Next(ctx context.Context) (Change, error)
	// Close ends the stream.
	Close() error
}

// Ref names a reservation.
type Ref struct {
	// Actor is a name, a GUID or the unique beginning of either. Empty means any.
	Actor string `json:"actor,omitempty"`
	// Reservation is an identity or its unique beginning.
	Reservation string `json:"reservation"`
}

// Filter chooses among reservations; empty fields do not restrict.
type Filter struct {
	Actor  string   `json:"actor,omitempty"`  // as in Ref
	Slice  string   `json:"slice,omitempty"`  // its name or its GUID
	States []string `json:"states,omitempty"` // any of these; letter case does not matter
}

// Order asks for a reservation.
type Order struct {
	// Actor is the service manager, or a broker that is to buy, as in Ref. It may be
	// empty if there is only one manager.
	Actor string `json:"actor,omitempty"`
	// Reservation is the identity of the new reservation; empty means a fresh one.
	// Whoever wants to repeat an order safely chooses it.
	Reservation string `json:"reservation,omitempty"`
	// Slice is the name of the guest the units are for.
	Slice string `json:"slice"`
	// SliceID is the slice's GUID. Empty means the one that this manager always
	// gives to a slice of that name.
	SliceID string `json:"sliceId,omitempty"`
	// Broker is a name or a GUID, or the unique beginning of one; empty means the
	// manager's default. A broker that buys has none.
	Broker string `json:"broker,omitempty"`
	// Type of the resource, such as "site1.node".
	Type string `json:"type"`
	// Units is how many, at least 1.
	Units int `json:"units"`
	// Start is a time as ParseTime reads it; empty means now.
	Start string `json:"start,omitempty"`
	// End is a time as ParseTime reads it, the first instant no longer covered.
	// Exactly one of End and Length is given.
	End string `json:"end,omitempty"`
	// Length is how long, as ParseLength reads it.
	Length string `json:"length,omitempty"`
	// Renewable makes the manager extend by the same length until closed. A broker
	// also asks anew for what it was refused.
	Renewable bool `json:"renewable,omitempty"`
	// Request goes to the broker's policy, Config to the site's handlers, Local to
	// the manager's own handlers.
	Request map[string]string `json:"request,omitempty"`
	Config  map[string]string `json:"config,omitempty"`
	Local   map[string]string `json:"local,omitempty"`
	// Name is what other orders of a Group call this one.
	Name string `json:"name,omitempty"`
	// After is what the order waits for.
	After []After `json:"after,omitempty"`
}

// Extension asks for a longer term.
type Extension struct {
	Ref
	// End is the new end, as in Order. Exactly one of End and Length is given.
	End string `json:"end,omitempty"`
	// Length is how much longer than now agreed.
	Length string `json:"length,omitempty"`
	// Units is the number from then on; 0 keeps it.
	Units int `json:"units,omitempty"`
	// Victims are units to give back first when the number shrinks, by identity.
	Victims []string `json:"victims,omitempty"`
}

// Modification asks for a change of what the units of a lease are.
type Modification struct {
	Ref
	// Number is the running number of this modify; 0 takes the next. Whoever wants to
	// repeat a modification safely gives it.
	Number int `json:"number,omitempty"`
	// Subcommand is a word that the site's driver knows, such as "restart".
	Subcommand string `json:"subcommand"`
	// Arguments are what it needs to know.
	Arguments map[string]string `json:"arguments,omitempty"`
}

// Goal is what to wait for.
type Goal struct {
	Ref
	// States ends the wait when any of them is reached; letter case does not matter.
	States []string `json:"states"`
	// Settled makes the wait go on while an operation is pending.
	Settled bool `json:"settled,omitempty"`
	// Timeout ends the wait; 0 means that only the context does.
	Timeout time.Duration `json:"timeout,omitempty"`
}
