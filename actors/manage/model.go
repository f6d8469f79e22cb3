package manage

import "time"

// The structs of this file are what programs read as JSON. Fields are added, never
// renamed or removed. Fields that are empty are left out, except the first few
// of each struct.

// ActorInfo is one actor of the process.
type ActorInfo struct {
	ID          string    `json:"id"`                   // GUID
	Name        string    `json:"name"`                 // from the configuration
	Role        string    `json:"role"`                 // manager, broker or authority
	URL         string    `json:"url,omitempty"`        // the endpoint it announces
	Running     bool      `json:"running"`              // false: it has stopped, or has not begun
	Cycle       int64     `json:"cycle"`                // its present cycle
	CycleMillis int64     `json:"cycleMillis"`          // milliseconds in a cycle
	Waiting     int       `json:"waiting"`              // events in its mailbox
	StalledAt   time.Time `json:"stalledAt,omitzero"`   // since when its store refuses records
	Stalled     string    `json:"stalled,omitempty"`    // what the store said last
	StandsUntil time.Time `json:"standsUntil,omitzero"` // the clock was set back, and the actor's time stands still until then
	Quarantined int       `json:"quarantined,omitzero"` // records it could not read at start
}

// Party is an actor that a reservation concerns.
type Party struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // if known here
}

// Slice is the guest a reservation belongs to.
type Slice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Reservation is one reservation as one actor sees it.
type Reservation struct {
	Reservation string    `json:"reservation"`         // identity, the same at every actor
	Actor       Party     `json:"actor"`               // whose view this is
	Role        string    `json:"role"`                // of that actor
	Slice       Slice     `json:"slice"`               // the guest
	State       string    `json:"state"`               // Nascent, Ticketed, Active, ActiveTicketed, Closed, CloseWait, Failed
	Pending     string    `json:"pending"`             // the operation under way, or None
	Join        string    `json:"join,omitempty"`      // at managers: what the guest's side does
	Type        string    `json:"type"`                // resource type
	Units       int       `json:"units"`               // how many
	Start       time.Time `json:"start,omitzero"`      // first instant of the whole holding
	NewStart    time.Time `json:"newStart,omitzero"`   // first instant of the latest interval
	End         time.Time `json:"end,omitzero"`        // first instant no longer covered; absent: without end
	Client      *Party    `json:"client,omitempty"`    // who asked
	Broker      *Party    `json:"broker,omitempty"`    // who sold
	Authority   *Party    `json:"authority,omitempty"` // who owns the units
	Held        []Unit    `json:"held,omitempty"`      // the units themselves
	After       []After   `json:"after,omitempty"`     // at managers: what it comes after, by reservation
	TicketSeq   int       `json:"ticketSeq,omitempty"` // number of the last request to the broker, sent or taken
	LeaseSeq    int       `json:"leaseSeq,omitempty"`  // and to the site
	Since       time.Time `json:"since,omitzero"`      // when it came into this state
	Waiting     string    `json:"waiting,omitempty"`   // whom or what it waits for
	Next        string    `json:"next,omitempty"`      // the next automatic step
	NextAt      time.Time `json:"nextAt,omitzero"`     // and when
	Deadline    time.Time `json:"deadline,omitzero"`   // when waiting ends
	Error       string    `json:"error,omitempty"`     // the last thing that went wrong
	// Approval is what an operator of a broker says about an ask: "wanted" when it waits
	// for a word, "granted" or "denied" after one; absent when nobody is asked.
	Approval string `json:"approval,omitempty"`
	// Decision is what a broker's policy decided, the verdict first and then what it
	// weighed, a line each; only a broker's view has it.
	Decision []string `json:"decision,omitempty"`
}

// Unit is one leased thing.
type Unit struct {
	ID         string            `json:"id"`
	Host       string            `json:"host,omitempty"`     // inventory name, at sites
	State      string            `json:"state"`              // default, priming, active, modifying, closing, closed, failed
	Sequence   int               `json:"sequence,omitempty"` // of its latest action, as handlers are told
	Attempts   int               `json:"attempts,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Notice     string            `json:"notice,omitempty"` // last thing a handler said
}

// Change is one move of one reservation; or, with Lost set and the rest but Time
// empty, the word that a reader was too slow. One with neither From nor To is no move but
// something that was noticed, such as an operator's edit of a node's entry; the reservation
// is empty when it concerns none.
type Change struct {
	Time        time.Time `json:"time"`
	Actor       *Party    `json:"actor,omitempty"`
	Role        string    `json:"role,omitempty"`
	Reservation string    `json:"reservation,omitempty"`
	From        string    `json:"from,omitempty"` // "State,Pending", as the role writes it; empty for a new one
	To          string    `json:"to,omitempty"`
	Why         string    `json:"why,omitempty"`
	Lost        int       `json:"lost,omitempty"` // how many changes are missing here
}
