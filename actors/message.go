package actors

import "fmt"

// Op is the operation a message asks for. Names are those of the wire; the
// numbers are the legacy request-type ordinals (leasing 1.1.4).
type Op uint8

// The operations of the leasing protocol. Those up to OpClose carry a reservation.
const (
	OpClaim        Op = 1  // broker fetches what a site exported to it
	OpTicket       Op = 2  // manager asks a broker for units
	OpExtendTicket Op = 3  // manager asks for a longer term
	OpRelinquish   Op = 4  // manager gives a ticket back
	OpRedeem       Op = 5  // manager turns a ticket into a lease at the site
	OpExtendLease  Op = 6  // manager presents an extended ticket
	OpModifyLease  Op = 7  // manager changes something about the units it leases
	OpUpdateTicket Op = 8  // broker answers ticket and extendTicket, site answers claim
	OpUpdateLease  Op = 9  // site answers redeem, extendLease, modifyLease and close
	OpClose        Op = 10 // manager gives a lease back
	OpQuery        Op = 11 // anybody asks what an actor has to offer
	OpQueryResult  Op = 12 // the answer to a query
	OpFailedRPC    Op = 13 // a legacy peer could not process a message
)

var opNames = map[Op]string{
	OpClaim: "claim", OpTicket: "ticket", OpExtendTicket: "extendTicket", OpRelinquish: "relinquish",
	OpRedeem: "redeem", OpExtendLease: "extendLease", OpModifyLease: "modifyLease", OpUpdateTicket: "updateTicket",
	OpUpdateLease: "updateLease", OpClose: "close", OpQuery: "query", OpQueryResult: "queryResult",
	OpFailedRPC: "failedRPC",
}

// String is the operation's name on the wire.
func (o Op) String() string {
	if s, ok := opNames[o]; ok {
		return s
	}
	return fmt.Sprintf("Op(%d)", uint8(o))
}

// Message is one call between two actors, free of any wire format. Nearly all
// operations carry the same reservation record (wire contract 2.3, 2.6), so they
// share one struct; query and queryResult have properties and nothing else.
type Message struct {
	ID          string // wire message id, for logs; set by the sender's outbound side
	Op          Op
	From, To    ActorID
	Reservation ReservationID
	Slice       Slice
	// Sequence orders the requests of one reservation. An update echoes the
	// sequence of the request it answers; legacy peers send 0, which says nothing.
	Sequence int
	Type     ResourceType
	Units    int
	Term     Term
	// Properties is the one list that travels in this direction: request
	// properties to brokers, configuration properties to sites, resource
	// properties in updates (leasing 3.8).
	Properties Properties
	Ticket     *Ticket // redeem, extendLease, modifyLease, close, successful updateTicket
	Lease      *Lease  // updateLease; nil when nothing was ever leased
	Failed     bool    // updates: the request was refused or the reservation failed
	Note       string  // updates: why, for people
	// RequestID is the ID of the message that a queryResult or failedRPC answers,
	// and RequestOp what a failedRPC says that message asked for.
	RequestID string
	RequestOp Op
	// ReplyTo is a full endpoint URL. In a request it is where the sender wants its
	// answer; in an update it is where the request it answers wanted that.
	ReplyTo string
}

// Lease is the set of units a site reports, all of them each time
// (wire contract 4.4).
type Lease struct {
	Units []Unit
}
