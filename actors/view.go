package actors

// View is one reservation as people and programs see it: what it is, where it
// stands, and for anything pending what it waits for and what happens next.
type View struct {
	Reservation ReservationID `json:"reservation"`
	Slice       Slice         `json:"slice"`
	Role        string        `json:"role"`
	State       string        `json:"state"`
	Pending     string        `json:"pending"`
	Join        string        `json:"join,omitempty"`
	Type        ResourceType  `json:"type"`
	Units       int           `json:"units"`
	Term        Term          `json:"term"`
	Client      ActorID       `json:"client,omitempty"`
	Broker      ActorID       `json:"broker,omitempty"`
	Authority   ActorID       `json:"authority,omitempty"`
	Held        []Unit        `json:"held,omitempty"`
	After       []Predecessor `json:"after,omitempty"`     // what it comes after
	TicketSeq   int           `json:"ticketSeq,omitempty"` // number of the last request to the broker, sent or taken
	LeaseSeq    int           `json:"leaseSeq,omitempty"`  // and to the site
	Since       Cycle         `json:"since"`               // cycle of the last move
	Waiting     string        `json:"waiting,omitempty"`   // whom or what it waits for
	Next        string        `json:"next,omitempty"`      // next automatic step
	NextAt      Cycle         `json:"nextAt,omitempty"`    // and its cycle
	Deadline    Cycle         `json:"deadline,omitempty"`  // when waiting ends
	Error       string        `json:"error,omitempty"`     // last thing that went wrong
	// Approval is what a broker's operator says about an ask: "wanted" when it waits
	// for a word, "granted" or "denied" after one; empty when nobody is asked.
	Approval string `json:"approval,omitempty"`
	// Decision is what a broker's policy decided, the verdict first and then what it
	// weighed, a line each.
	Decision []string `json:"decision,omitempty"`
}

// Viewer is a machine that can show its reservations. Hosts call it between
// steps, never during one.
type Viewer interface {
	// View shows one reservation; false if there is none of that name.
	View(id ReservationID) (View, bool)
	// Views shows all of them, in order of their names.
	Views() []View
}

// Delegated is a standing delegation of a site.
type Delegated struct {
	Delegation
	Redeemed int // the most of its units that are leased at once, over the time asked about
}

// Delegator is a machine that delegates. Hosts call it between steps.
type Delegator interface {
	// Delegations lists them by name, with what is redeemed of each over from..to.
	Delegations(from, to Millis) []Delegated
}
