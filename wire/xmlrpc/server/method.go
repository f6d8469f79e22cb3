package server

import (
	"context"
	"net/http"
	"slices"

	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Method is one row of the table.
type Method struct {
	Name string
	Help string // a sentence for people
	// Signatures are the lists of types that it takes, each after the type of its result
	// (the words of xmlrpc.Kind). A call that fits none of them is refused before Do;
	// without any, Do looks for itself.
	Signatures [][]xmlrpc.Kind
	// Do carries a call out. An error that is an *xmlrpc.Fault is answered as it is; any
	// other is answered as internal, and only the log hears it.
	Do func(context.Context, Call) (xmlrpc.Value, error)
}

// Call is one call as it arrived.
type Call struct {
	xmlrpc.Call
	Request *http.Request // for addresses and certificates; its body has been read
	Octets  int           // of the request, as received
}

// fits reports whether params are those of one of the method's signatures.
func (m *Method) fits(params []xmlrpc.Value) bool {
	if m.Signatures == nil {
		return true
	}
	return slices.ContainsFunc(m.Signatures, func(s []xmlrpc.Kind) bool {
		return slices.EqualFunc(s[1:], params, func(k xmlrpc.Kind, v xmlrpc.Value) bool { return k == v.Kind() })
	})
}
