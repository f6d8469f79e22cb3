package wire

import (
	"fmt"
	"iter"
)

// Op names an operation. The numbers are the legacy request-type ordinals that
// failedRPC carries (wire contract 5.7).
type Op uint8

// The operations of the protocol (wire contract 2.1).
const (
	OpUnknown      Op = 0  // an ordinal nobody assigned; never a message
	OpClaim        Op = 1  // broker to site: fetch a ticket exported earlier
	OpTicket       Op = 2  // manager to broker: a new reservation asks for units
	OpExtendTicket Op = 3  // manager to broker: a longer term
	OpRelinquish   Op = 4  // manager to broker: the rest of a ticket goes back
	OpRedeem       Op = 5  // manager to site: turn a ticket into a lease
	OpExtendLease  Op = 6  // manager to site: turn an extended ticket into an extended lease
	OpModifyLease  Op = 7  // manager to site: change the configuration of a lease
	OpUpdateTicket Op = 8  // broker to manager: answers ticket, extendTicket and claim
	OpUpdateLease  Op = 9  // site to manager: answers redeem, extendLease, modifyLease and close
	OpClose        Op = 10 // manager to site: give a lease back
	OpQuery        Op = 11 // anyone to anyone: discovery
	OpQueryResult  Op = 12 // answers query
	OpFailedRPC    Op = 13 // callee to caller: a request failed after it was accepted
)

// PortType is a set of the services that offer an operation (wire contract 1.5).
type PortType uint8

// The four services. An actor is deployed as the one of its role.
const (
	ActorPort PortType = 1 << iota
	ManagerPort
	BrokerPort
	AuthorityPort

	// AnyPort is offered by every service.
	AnyPort = ActorPort | ManagerPort | BrokerPort | AuthorityPort
)

// Part is a child of the wrapper element. Part names are element names.
type Part uint8

// The parts of messages; each is a field of [Message].
const (
	PartMessageID     Part = iota + 1 // Message.MessageID
	PartRequestID                     // Message.RequestID
	PartReservation                   // Message.Reservation
	PartCallbackURL                   // Message.CallbackURL
	PartUpdateData                    // Message.Update
	PartProperties                    // Message.Properties
	PartReservationID                 // Message.ReservationID
	PartErrorDetails                  // Message.ErrorDetails
	PartRequestType                   // Message.RequestType
)

var partNames = [...]string{
	"", "messageID", "requestID", "reservation", "callbackURL", "updateData",
	"properties", "reservationID", "errorDetails", "requestType",
}

// String is the part's element name.
func (p Part) String() string {
	if int(p) < len(partNames) && p > 0 {
		return partNames[p]
	}
	return fmt.Sprintf("Part(%d)", uint8(p))
}

// List says which property list of a reservation travels in a direction
// (wire contract 3.5).
type List uint8

// The directions.
const (
	NoList            List = iota // the operation carries no reservation
	RequestList                   // towards brokers
	ConfigurationList             // towards sites
	ResourceList                  // answers
)

// Operation is one row of the table.
type Operation struct {
	Op       Op
	Name     string   // local name of the wrapper element, and the SOAPAction
	Response string   // local name of the wrapper of the answer
	Offered  PortType // services that offer it
	// Parts are the children of the wrapper in wire order, which is the order of
	// the generated beans and not that of the WSDL (wire contract 2.2). Zero ends
	// the list.
	Parts [5]Part
	List  List // property list that its reservation carries
}

var (
	requestParts = [5]Part{PartMessageID, PartReservation, PartCallbackURL}
	updateParts  = [5]Part{PartMessageID, PartReservation, PartCallbackURL, PartUpdateData}
)

// operations is the table; the index is the ordinal. It is never changed.
var operations = [...]Operation{
	row(OpUnknown, "", 0, [5]Part{}, NoList),
	row(OpClaim, "claim", BrokerPort|AuthorityPort, requestParts, RequestList),
	row(OpTicket, "ticket", BrokerPort|AuthorityPort, requestParts, RequestList),
	row(OpExtendTicket, "extendTicket", BrokerPort|AuthorityPort, requestParts, RequestList),
	row(OpRelinquish, "relinquish", BrokerPort|AuthorityPort, requestParts, RequestList),
	row(OpRedeem, "redeem", AuthorityPort, requestParts, ConfigurationList),
	row(OpExtendLease, "extendLease", AuthorityPort, requestParts, ConfigurationList),
	row(OpModifyLease, "modifyLease", AuthorityPort, requestParts, ConfigurationList),
	row(OpUpdateTicket, "updateTicket", AnyPort, updateParts, ResourceList),
	row(OpUpdateLease, "updateLease", AnyPort, updateParts, ResourceList),
	row(OpClose, "close", AuthorityPort, requestParts, ConfigurationList),
	row(OpQuery, "query", AnyPort, [5]Part{PartMessageID, PartCallbackURL, PartProperties}, NoList),
	row(OpQueryResult, "queryResult", AnyPort, [5]Part{PartMessageID, PartRequestID, PartProperties}, NoList),
	row(OpFailedRPC, "failedRPC", AnyPort,
		[5]Part{PartReservationID, PartMessageID, PartRequestID, PartErrorDetails, PartRequestType}, NoList),
}

func row(op Op, name string, offered PortType, parts [5]Part, list List) Operation {
	return Operation{Op: op, Name: name, Response: name + "Response", Offered: offered, Parts: parts, List: list}
}

// Operations are the rows of the table, in the order of their ordinals.
func Operations() iter.Seq[Operation] {
	return func(yield func(Operation) bool) {
		for _, row := range operations[1:] {
			if !yield(row) {
				return
			}
		}
	}
}

// Lookup is the row of op; false if op is no operation.
func Lookup(op Op) (Operation, bool) {
	if op == OpUnknown || int(op) >= len(operations) {
		return Operation{}, false
	}
	return operations[op], true
}

// LookupName is the row of the operation of that name, exact in case.
func LookupName(name string) (Operation, bool) {
	for row := range Operations() {
		if row.Name == name {
			return row, true
		}
	}
	return Operation{}, false
}

// String is the operation's name on the wire.
func (o Op) String() string {
	if row, ok := Lookup(o); ok {
		return row.Name
	}
	return fmt.Sprintf("Op(%d)", uint8(o))
}

// OfferedBy reports whether any service in p offers the operation.
func (o Op) OfferedBy(p PortType) bool {
	row, ok := Lookup(o)
	return ok && row.Offered&p != 0
}

// OpOf is the operation of a request-type ordinal; numbers that mean nothing
// give OpUnknown, as with legacy readers (wire contract 5.7).
func OpOf(ordinal int32) Op {
	if ordinal <= 0 || int(ordinal) >= len(operations) {
		return OpUnknown
	}
	return Op(ordinal)
}
