package xmlrpc

import "fmt"

// Fault codes of the interoperability list (xmlrpc-leasing 4).
const (
	NotWellFormed = -32700 // no XML, or in an encoding that is not read here
	NotACall      = -32600 // XML, and not XML-RPC, or over a limit
	NoSuchMethod  = -32601
	WrongParams   = -32602 // too many, too few, or of other types
	Internal      = -32603
	Recursive     = -507 // system.multicall inside itself, as deployed servers say
)

// Fault is the answer to a call that was not carried out. It is an error, so a
// caller returns what its peer said.
type Fault struct {
	Code int32
	Text string // public text
}

// Error gives the code and the text.
func (f *Fault) Error() string { return fmt.Sprintf("XML-RPC fault %d: %s", f.Code, f.Text) }

// Error says what is wrong with octets that should have been XML-RPC.
type Error struct {
	Code   int32 // one of the fault codes, for the answer
	Offset int   // octets before the place, in UTF-8 and unfolded; negative when there is none
	What   string
	Err    error // the cause, if it is another package's
}

// Error gives the place and the reason on one line; it quotes nothing long.
func (e *Error) Error() string {
	s := "xmlrpc: "
	if e.Offset >= 0 {
		s += fmt.Sprintf("offset %d: ", e.Offset)
	}
	if e.Err != nil {
		return s + e.Err.Error()
	}
	return s + e.What
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fault is what the sender of the octets is told.
func (e *Error) Fault() *Fault { return &Fault{Code: e.Code, Text: e.Error()} }
