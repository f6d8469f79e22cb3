package plist

import (
	"fmt"
	"strconv"

	"github.com/leasehold/leasehold/wire"
)

// ClassKey is the key that every text and every concrete set is tagged with
// (wire contract 4.0).
const ClassKey = "__class_name__"

// The tags of the two concrete sets there are (wire contract 4.0).
const (
	TicketClass  = "orca.shirako.core.Ticket"
	UnitSetClass = "orca.shirako.core.UnitSet"
)

// Tags of what is inside them (wire contract 4.3, 4.4).
const (
	proxyClass       = "orca.shirako.proxies.soapaxis2.SoapAxis2AuthorityProxy"
	authClass        = "orca.security.AuthToken"
	unitClass        = "orca.shirako.core.Unit"
	noticeClass      = "orca.shirako.util.Notice"
	idClass          = "orca.util.ID"
	typeClass        = "orca.util.ResourceType"
	unitIDClass      = "orca.shirako.common.UnitID"
	reservationClass = "orca.shirako.common.ReservationID"
	sliceClass       = "orca.shirako.common.SliceID"
)

// Keys of both concrete sets.
const (
	unitsKey = "cs.units"
	typeKey  = "cs.resourceType"
)

// Class is the tag of a concrete set; empty if it has none.
func Class(nodes []wire.Property) string { return find(nodes)[ClassKey] }

// find indexes nodes by name; of two with one name the later counts, as in the
// table a legacy reader puts them in.
func find(nodes []wire.Property) map[string]string {
	m := make(map[string]string, len(nodes))
	for _, n := range nodes {
		m[n.Name] = n.Value
	}
	return m
}

// open checks the tag and the size of a concrete set and indexes it.
func open(nodes []wire.Property, class string) (map[string]string, error) {
	if len(nodes) > wire.MaxNodes {
		return nil, &wire.Error{Path: "concrete", What: fmt.Sprintf("more than the limit of %d nodes", wire.MaxNodes)}
	}
	m := find(nodes)
	switch tag, ok := m[ClassKey]; {
	case !ok:
		return nil, &wire.Error{Path: "concrete", What: ClassKey + " is missing"}
	case tag != class:
		return nil, &wire.Error{Path: "concrete", What: fmt.Sprintf("%s is %q, want %s", ClassKey, wire.Clip(tag), class)}
	}
	return m, nil
}

// number reads a decimal that fits in bits, as Java's parsers do: no blanks.
func number(m map[string]string, key string, bits int) (int64, error) {
	n, err := strconv.ParseInt(m[key], 10, bits)
	if err != nil {
		return 0, &wire.Error{Path: key, What: fmt.Sprintf("%q is no %d-bit number", wire.Clip(m[key]), bits)}
	}
	return n, nil
}
