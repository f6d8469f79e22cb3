package wire

import "fmt"

// FaultCode is the class of a refused call (wire contract 5.7).
type FaultCode uint8

// The codes, with the numbers of the legacy enumeration.
const (
	FaultUnknown        FaultCode = iota // unclassified
	FaultAuthorization                   // the caller is not who it says, or may not ask this
	FaultInvalidRequest                  // the request could not be understood
	FaultLocalError                      // the caller's own side failed, or its message was malformed
	FaultRemoteError                     // the callee could not take the request now
	FaultNetworkError                    // the call did not arrive
	FaultTimeout                         // nobody answered
)

var faultNames = [...]string{
	"Unknown", "Authorization", "InvalidRequest", "LocalError", "RemoteError", "NetworkError", "Timeout",
}

// String is the code's local name on the wire.
func (c FaultCode) String() string {
	if int(c) < len(faultNames) {
		return faultNames[c]
	}
	return fmt.Sprintf("FaultCode(%d)", uint8(c))
}

// FaultCodeOf is the code of that local name, exact in case; names nobody
// assigned give FaultUnknown, as with legacy readers.
func FaultCodeOf(name string) FaultCode {
	for i, n := range faultNames {
		if n == name {
			return FaultCode(i)
		}
	}
	return FaultUnknown
}

// Fault is the answer to a call that was not queued (wire contract 1.8). It is
// an error, so a caller returns what its peer said.
type Fault struct {
	Code   FaultCode
	String string // public text
	// Detail is what a peer added, such as the stack trace of a legacy server. It
	// is for the log; this side never writes it.
	Detail string
}

// Error gives the code and the text, without the detail.
func (f Fault) Error() string {
	if f.String == "" {
		return "fault " + f.Code.String()
	}
	return "fault " + f.Code.String() + ": " + f.String
}
