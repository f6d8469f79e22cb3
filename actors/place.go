package actors

// Place is one host of a site as operators see it.
type Place struct {
	Host        string        `json:"host"`
	Type        ResourceType  `json:"type"`
	Out         bool          `json:"out,omitempty"`         // of service: withdrawn, or put aside
	Held        string        `json:"held,omitempty"`        // why it is not assigned; a unit on it stays
	Leaving     bool          `json:"leaving,omitempty"`     // gone from the inventory, and kept for the unit on it
	Failures    int           `json:"failures,omitempty"`    // of setups in a row
	Reservation ReservationID `json:"reservation,omitempty"` // that has a unit on it
	Unit        UnitID        `json:"unit,omitempty"`
}

// Stead is a machine that has hosts. Hosts of machines call it between steps.
type Stead interface {
	// Places lists the hosts by name.
	Places() []Place
}

// Pace is how long set-up and teardown of units of a type usually take at a site: the
// median, and what 19 of 20 stay below. They are 0 while nothing is known.
type Pace struct {
	Type                   ResourceType
	Setup, SetupSlow       Millis
	Teardown, TeardownSlow Millis
	Setups, Teardowns      int // measured, old ones counting less
}

// Timed is a machine that knows how long its actions take. Hosts of machines call it
// between steps.
type Timed interface {
	// Paces lists what is known, by type.
	Paces() []Pace
}
