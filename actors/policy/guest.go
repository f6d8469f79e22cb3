package policy

import "github.com/leasehold/leasehold/actors"

// Manager decides what a service manager leases for one guest.
type Manager interface {
	// Bid says what to ask for, prolong and give back, now. It is asked again when
	// the guest's signal changes, when its answer says so, and from time to time.
	Bid(Outlook) Bids
}

// Outlook is a guest as its manager's policy sees it.
type Outlook struct {
	Now    actors.Cycle
	Cycles actors.Cycles
	Signal []int     // what was observed since the last look, oldest first; often nothing
	Leases []Lease   // those the policy asked for before and that are not over, oldest first
	Memory []float64 // what the last look wanted to be remembered; nil at first
}

// Lease is one that a policy has asked for.
type Lease struct {
	Reservation actors.ReservationID
	Units       int
	Term        actors.Term
	Granted     bool // a broker has said yes
	Extending   bool // an extension is on its way
	Refused     bool // a broker has refused to extend it
}

// Covers reports whether the lease covers an instant.
func (l Lease) Covers(at actors.Millis) bool { return l.Term.Contains(at) }

// Bids is what a policy wants done for its guest.
type Bids struct {
	Extend []Extension
	Ask    []Wanted
	Close  []actors.ReservationID
	Memory []float64
	Again  actors.Cycle // look again at this cycle at the latest; 0 leaves it to the manager
	Want   int          // how many units the guest should have, for people
	Why    string       // and why, in a few words
}

// Extension prolongs a lease to a new end.
type Extension struct {
	Reservation actors.ReservationID
	End         actors.Millis
	Units       int // from then on; 0 keeps the number
}

// Wanted is a lease to be asked for.
type Wanted struct {
	Units int
	Term  actors.Term
}

// GuestSettings is what may be set of a manager's policy. A policy reads what
// concerns it.
type GuestSettings struct {
	Units   int           // static: how many
	Term    actors.Millis // length of a lease, in milliseconds
	Lead    actors.Millis // from a request to the start it asks for; 0 means five cycles
	Chunk   int           // the most units in one lease; 0 is no limit
	Renew   bool          // prolong leases by their length while they are wanted
	Return  bool          // close the newest leases that are not wanted any more
	Least   int           // adaptive: never want fewer
	Most    int           // adaptive: nor more; 0 is no limit
	PerUnit int           // adaptive: how much of the signal one unit serves; 0 means 1
	Filter  *Filter       // adaptive: smooths the signal; nil follows it as it is
}

// Filter is the flop-flip filter of paper B 5.2: a stable estimate that jumps when
// the moving average of the damped signal leaves a band around it.
type Filter struct {
	Window  int     // samples in the moving average, at least 1
	Step    float64 // half width of the band, in standard deviations
	Damping float64 // weight of the past in each damped sample, 0 to 1
}
