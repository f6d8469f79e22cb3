package config

import (
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// Quota is how many units some of a broker's clients may hold at any one instant.
// Exactly one of Client, Slice and Each says whom it is about.
type Quota struct {
	Client string              // name of an actor or peer: all it holds
	Slice  string              // name or identity of a slice
	Each   string              // client or slice: every one of them by itself
	Type   actors.ResourceType // empty counts all types together
	Units  int
}

func readQuota(v value) Quota {
	o := v.object()
	defer o.done()
	q := Quota{
		Client: o.get("client").name(),
		Slice:  o.get("slice").text(""),
		Each:   o.get("each").word("", "client", "slice"),
		Type:   o.get("type").resourceType(),
		Units:  o.need("units").number(0, 0, 1_000_000),
	}
	about := 0
	for _, key := range []string{"client", "slice", "each"} {
		if o.has(key) {
			about++
		}
	}
	if about != 1 && o.given() {
		o.bad("is for exactly one of client, slice and each")
	}
	return q
}

func (w *writer) quota(q Quota) {
	var fields []string
	for _, f := range []struct{ key, text string }{{"client", q.Client}, {"slice", q.Slice}, {"each", q.Each}, {"type", string(q.Type)}} {
		if f.text != "" {
			fields = append(fields, f.key+": "+quote(f.text))
		}
	}
	w.line(3, "- {%s}", strings.Join(append(fields, fmt.Sprintf("units: %d", q.Units)), ", "))
}
