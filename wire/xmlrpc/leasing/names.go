package leasing

import (
	"strings"

	"github.com/leasehold/leasehold/wire"
)

// Root is the path under which actors answer calls, each under its own name
// (xmlrpc-leasing 4).
const Root = "/orca/xmlrpc/"

// soapRoot is the same for SOAP (wire contract 1.1).
const soapRoot = "/orca/services/"

// Address is where an actor answers calls that answers SOAP at url; url itself if it is
// not of the usual form.
func Address(url string) string { return strings.Replace(url, soapRoot, Root, 1) }

// Spoken reports whether an address is one for calls of XML-RPC, by the usual forms;
// false, false for one that does not tell.
func Spoken(url string) (calls, known bool) {
	calls = strings.Contains(url, Root)
	return calls, calls || strings.Contains(url, soapRoot)
}

// ticketText is the node of a concrete set that holds a signed ticket (wire contract
// 4.1).
const ticketText = "ticket.resourceTicket"

// port is the first half of a method's name: the smallest service that offers the
// operation.
func port(op wire.Operation) string {
	switch {
	case op.Offered&wire.ActorPort != 0:
		return "actor"
	case op.Offered&wire.BrokerPort != 0:
		return "broker"
	}
	return "authority"
}

// Method is the name of the method of an operation: "broker.ticket".
func Method(op wire.Operation) string { return port(op) + "." + op.Name }

// Lookup is the operation of a method's name, with or without its first half; false
// if there is none.
func Lookup(method string) (wire.Operation, bool) {
	first, name, qualified := strings.Cut(method, ".")
	if !qualified {
		name = first
	}
	op, ok := wire.LookupName(name)
	if !ok || qualified && first != port(op) {
		return wire.Operation{}, false
	}
	return op, true
}
