package leasing

import (
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// errorMark begins the text of a failure, by which scripts know it (xmlrpc-controller
// 2).
const errorMark = "ERROR: "

// Taken is the result of a call whose message was taken: it was queued, and no more
// (wire contract 1.7).
func Taken() xmlrpc.Value {
	return xmlrpc.Struct(xmlrpc.Member{Name: "err", Value: xmlrpc.Bool(false)}, xmlrpc.Member{Name: "ret", Value: xmlrpc.Bool(true)})
}

// Refused is the result of a call whose message was not. f.Detail is not written, and
// characters that XML cannot carry are replaced.
func Refused(f wire.Fault) xmlrpc.Value {
	if f.Code > wire.FaultTimeout {
		f.Code = wire.FaultUnknown
	}
	return xmlrpc.Struct(
		xmlrpc.Member{Name: "err", Value: xmlrpc.Bool(true)},
		xmlrpc.Member{Name: "msg", Value: xmlrpc.String(errorMark + strings.ReplaceAll(wire.Clean(f.String), "\r", " "))},
		xmlrpc.Member{Name: "code", Value: xmlrpc.Int(int32(f.Code))},
		xmlrpc.Member{Name: "error", Value: xmlrpc.String(f.Code.String())},
	)
}

// maxText bounds what is kept of a peer's text.
const maxText = 4 << 10

// Outcome reads a result. Nil says that the peer took the message. A refusal is
// returned as an error of type wire.Fault, anything that is no result as a *wire.Error.
// The name of the code counts if the number is missing.
func Outcome(result xmlrpc.Value) error {
	failed, ok := truth(result.Member("err"))
	if !ok {
		return &wire.Error{Path: "err", What: "an answer without it is no result"}
	}
	if !failed {
		return nil
	}
	var f wire.Fault
	name, _ := result.Member("error").Text()
	f.Code = wire.FaultCodeOf(name)
	if n, ok := result.Member("code").Int(); ok && n >= 0 && n <= int64(wire.FaultTimeout) {
		f.Code = wire.FaultCode(n)
	}
	text, _ := result.Member("msg").Raw()
	if len(text) > maxText {
		text = text[:maxText]
	}
	f.String = strings.Clone(wire.Clean(strings.TrimPrefix(text, errorMark)))
	return f
}

func truth(v xmlrpc.Value) (value, ok bool) {
	if b, ok := v.Bool(); ok {
		return b, true
	}
	n, ok := v.Int()
	return n == 1, ok && (n == 0 || n == 1)
}

// FaultOf is what a transport-level fault of XML-RPC means for the message (xmlrpc-leasing
// 4). A code that nobody assigned, such as the 0 of deployed servers, says nothing.
func FaultOf(f *xmlrpc.Fault) wire.Fault {
	out := wire.Fault{String: f.Text}
	switch f.Code {
	case xmlrpc.NotWellFormed, xmlrpc.NotACall, xmlrpc.NoSuchMethod, xmlrpc.WrongParams:
		out.Code = wire.FaultInvalidRequest
	case xmlrpc.Internal:
		out.Code = wire.FaultRemoteError
	}
	return out
}
