package translate

import (
	"errors"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
)

// codeOf is the legacy code of a kind (wire contract 5.7). Legacy callers know
// fewer kinds, so several share a code; the public text tells our own peers which
// it was. No kind is sent as NetworkError: a legacy manager whose close met one
// believes the lease closed (wire contract 5.8).
func codeOf(k actors.Kind) wire.FaultCode {
	switch k {
	case actors.Invalid, actors.Stale, actors.NotFound, actors.Oversold:
		return wire.FaultInvalidRequest // "do not send this again"
	case actors.Denied:
		return wire.FaultAuthorization
	case actors.Exhausted, actors.Transient:
		return wire.FaultRemoteError // "it could not be taken now"
	}
	return wire.FaultUnknown
}

// Fault is what a peer may know about err: the code and the public text of its
// kind, and of its cause only what is wrong with the peer's own request. A codec's *wire.Error counts as Invalid.
func Fault(err error) wire.Fault {
	kind := actors.KindOf(err)
	if kind == actors.Other && errors.As(err, new(*wire.Error)) {
		kind = actors.Invalid
	}
	text := kind.Error()
	if kind == actors.KindOf(err) {
		text = wire.Clean(actors.Public(err))
	}
	return wire.Fault{Code: codeOf(kind), String: text}
}

// KindOf is the kind of a peer's fault. The code decides; among kinds that share
// it, the public text of one of them at the beginning does. KindOf(Fault(err)) is err's kind
// for every kind. Any other text, and so every legacy fault, gives the first kind
// of the code.
func KindOf(f wire.Fault) actors.Kind {
	for k := actors.Other; k <= actors.Oversold; k++ {
		if text, _, _ := strings.Cut(f.String, ": "); text == k.Error() && f.Code == codeOf(k) {
			return k
		}
	}
	switch f.Code {
	case wire.FaultAuthorization:
		return actors.Denied
	case wire.FaultInvalidRequest, wire.FaultLocalError: // the latter: our message was malformed
		return actors.Invalid
	case wire.FaultRemoteError, wire.FaultNetworkError, wire.FaultTimeout:
		return actors.Transient
	}
	return actors.Other
}
