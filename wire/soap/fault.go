package soap

import (
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmltree"
)

// Limits on what of a peer's fault is kept.
const (
	maxFaultString = 4 << 10
	maxFaultDetail = 64 << 10
)

// EncodeFault appends a whole envelope with the fault in it, to be sent with HTTP
// status 500 (wire contract 1.8). The code is written in the protocol's own
// namespace, because legacy callers take any other for a network failure and
// forget what they asked for (wire contract 5.7). f.Detail is not written:
// whatever it holds is for this side's log. Characters that XML cannot carry are
// replaced by U+FFFD, so a fault can always be sent.
func EncodeFault(dst []byte, f wire.Fault) []byte {
	code := f.Code
	if code > wire.FaultTimeout {
		code = wire.FaultUnknown
	}
	dst = append(dst, envelopeOpen+bodyOpen+`<soapenv:Fault xmlns:orcafault="`+FaultNS+`"><faultcode>orcafault:`...)
	dst = append(dst, code.String()...)
	dst = append(dst, `</faultcode><faultstring>`...)
	dst, _ = wire.AppendText(dst, wire.Clean(f.String))
	return append(dst, `</faultstring></soapenv:Fault>`+envelopeClose...)
}

// DecodeFault reads a Fault element. It is made to be read whatever a peer or a
// gateway wrote: children may come in any order, and a fault without a code is
// FaultUnknown. The code is classified as legacy callers do (wire contract 5.7);
// Detail is the text of detail/Exception, or of detail itself. Long texts are
// cut. The only error, of type *wire.Error, is that n is no fault.
func DecodeFault(n xmltree.Node) (wire.Fault, error) {
	if !n.Is(EnvelopeNS, "Fault") {
		return wire.Fault{}, &wire.Error{What: "no fault but " + describe(n)}
	}
	f := wire.Fault{String: cut(n.Child("", "faultstring").Text(), maxFaultString)}
	if code := n.Child("", "faultcode"); code.Valid() {
		f.Code = classify(code)
	}
	detail := n.Child("", "detail")
	if e := detail.Child("", "Exception"); e.Valid() {
		detail = e
	}
	f.Detail = cut(detail.Text(), maxFaultDetail)
	return f, nil
}

// classify resolves the qualified name in a faultcode.
func classify(code xmltree.Node) wire.FaultCode {
	prefix, local, qualified := strings.Cut(strings.Trim(code.Text(), " \t\r\n"), ":")
	if !qualified {
		prefix, local = "", prefix
	}
	space, _ := code.Lookup(prefix)
	switch space {
	case FaultNS:
		return wire.FaultCodeOf(local)
	case EnvelopeNS:
		switch {
		case strings.EqualFold(local, "Client"):
			return wire.FaultLocalError
		case strings.EqualFold(local, "Server"):
			return wire.FaultNetworkError
		case local == "VersionMismatch" || local == "MustUnderstand":
			return wire.FaultInvalidRequest
		}
		return wire.FaultUnknown
	}
	return wire.FaultNetworkError
}

// cut shortens a peer's text and takes a copy of it.
func cut(s string, most int) string {
	if len(s) > most {
		const more = "..."
		s = strings.ToValidUTF8(s[:most-len(more)], "") + more
	}
	return strings.Clone(s)
}
