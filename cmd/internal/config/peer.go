package config

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// operations are what a peer may be allowed to call.
var operations = []actors.Op{
	actors.OpClaim, actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish, actors.OpRedeem,
	actors.OpExtendLease, actors.OpModifyLease, actors.OpUpdateTicket, actors.OpUpdateLease, actors.OpClose,
}

func readPeer(v value) Peer {
	o := v.object()
	defer o.done()
	p := Peer{
		Name:        o.need("name").name(),
		GUID:        o.need("guid").guid(),
		Role:        o.need("role").role(),
		URL:         o.need("url").url("", "http", "https"),
		Profile:     o.get("profile").word("strict", "legacy", "legacy-strong"),
		Certificate: o.need("certificate").text(""),
	}
	allow := o.get("allow")
	if allow.given() {
		p.Allow = []actors.Op{}
	}
	allow.list(func(_ int, v value) {
		if op, ok := v.operation(); ok && !slices.Contains(p.Allow, op) {
			p.Allow = append(p.Allow, op)
		}
	})
	return p
}

// operation is the wire name of an operation.
func (v value) operation() (actors.Op, bool) {
	s := v.text("")
	var names []string
	for _, op := range operations {
		if op.String() == s {
			return op, true
		}
		names = append(names, op.String())
	}
	if s != "" {
		v.r.add(v.path, meant(s, names), "unknown operation %q", s)
	}
	return 0, false
}
