package wire

// Message is one request. Which fields an operation carries is in its row of the
// table ([Lookup]); the others are zero, and encoders do not look at them.
type Message struct {
	Op          Op
	MessageID   string      // names this message; chosen by its sender (wire contract 5.1)
	RequestID   string      // queryResult, failedRPC: MessageID of what is answered
	CallbackURL string      // where the answer should go; empty is legal (wire contract 5.2)
	Reservation Reservation // wire contract 3.1
	Update      Update      // updateTicket, updateLease
	Properties  []Property  // query, queryResult; never absent there, so nil is written as empty
	// The next three belong to failedRPC alone (wire contract 5.6).
	ReservationID string // empty when the failed request concerned none
	ErrorDetails  string
	RequestType   int32 // ordinal of the failed request; see OpOf
}

// Reservation is the record that eight requests and two updates carry
// (wire contract 3.1).
type Reservation struct {
	ID        string // chosen by the client, shared by all roles; opaque
	Slice     Slice
	Resources Resources
	Term      Term
	Sequence  int64 // legacy readers keep 32 bits of it (wire contract 5.3)
}

// Slice names the guest (wire contract 3.2).
type Slice struct {
	Name string
	GUID string
}

// Resources is the resourceSet bean with its resourceData (wire contract 3.4,
// 3.5). A nil list is absent; when all three are, so is resourceData, which
// legacy readers do not survive (wire contract 3.9).
type Resources struct {
	Units         int32
	Type          string
	Request       []Property // towards brokers
	Configuration []Property // towards sites
	Resource      []Property // in updates
	// Concrete are the nodes of the concrete set, flat (wire contract 3.7, 4.0);
	// see wire/plist. Nil is absent, which is the only way to say "none".
	Concrete []Property
}

// List is the property list of a direction; nil for NoList.
func (r *Resources) List(which List) *[]Property {
	switch which {
	case RequestList:
		return &r.Request
	case ConfigurationList:
		return &r.Configuration
	case ResourceList:
		return &r.Resource
	}
	return nil
}

// Term is the interval asked for or granted, in milliseconds since 1970 and
// closed at both ends; 0 means not given (wire contract 3.3).
type Term struct {
	StartTime    int64 // first instant of the whole holding
	EndTime      int64 // last instant
	TicketTime   int64 // unused, always written, always 0 from legacy peers
	NewStartTime int64 // first instant of the latest interval
}

// Property is a named string. Of two with one name in a list the later counts
// (wire contract 3.6).
type Property struct {
	Name  string
	Value string
}

// Update is the outcome that an update reports (wire contract 3.8).
type Update struct {
	Failed  bool
	Message string // for people; empty is written as absent. Legacy readers drop it unless Failed
}
