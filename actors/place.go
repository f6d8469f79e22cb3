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
