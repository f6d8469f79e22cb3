package plist

import (
	"fmt"
	"strconv"

	"github.com/leasehold/leasehold/wire"
)

// MaxUnitState is the highest ordinal of a unit's state (wire contract 4.4).
const MaxUnitState = 6

// Unit is one leased unit as a site reports it (wire contract 4.4). ID is its
// identity: the lessee matches what it holds with what it is told by it.
type Unit struct {
	ID          string // chosen by the site; required
	Type        string // resource type
	Parent      string // unit this one is part of; usually empty
	State       int    // ordinal, 0 to MaxUnitState
	Sequence    int64  // actions performed on the unit so far
	Reservation string
	Slice       string            // guid
	Actor       string            // guid of the site
	Notice      string            // last thing a handler said, for people
	Properties  map[string]string // all other keys; nil when there are none
}

const (
	unitIDKey       = "unit.id"
	unitTypeKey     = "unit.resourceType"
	unitParentKey   = "unit.parent.id"
	unitStateKey    = "unit.state"
	unitSequenceKey = "unit.sequence"
	unitRIDKey      = "unit.rid"
	unitSliceKey    = "unit.sliceid"
	unitActorKey    = "unit.actorid"
	unitNoticesKey  = "unit.notices"

	noticeKey = noticeClass + ".noticeString"
)

// tagOf is the companion tag of a key that holds an identity; empty for others.
func tagOf(key string) string {
	switch key {
	case unitIDKey, unitParentKey:
		return unitIDClass
	case unitTypeKey:
		return typeClass
	case unitRIDKey:
		return reservationClass
	case unitSliceKey:
		return sliceClass
	case unitActorKey:
		return idClass
	}
	return ""
}

// Reserved reports whether key is one of the unit's own fields, and so cannot
// name a free property.
func Reserved(key string) bool {
	switch key {
	case ClassKey, unitStateKey, unitSequenceKey, unitNoticesKey:
		return true
	}
	if n := len(key) - len("."+ClassKey); n > 0 && key[n:] == "."+ClassKey {
		key = key[:n]
	}
	return tagOf(key) != ""
}

// Text is the unit's text, the value of unit.0 and so on. Fields that are empty
// are left out, as legacy writers leave null ones out. A property with a
// [Reserved] name is an error.
func (u Unit) Text() (string, error) {
	if u.ID == "" {
		return "", &wire.Error{Path: unitIDKey, What: "a unit needs an id"}
	}
	if u.State < 0 || u.State > MaxUnitState {
		return "", &wire.Error{Path: unitStateKey, What: fmt.Sprintf("%d is no state", u.State)}
	}
	m := make(map[string]string, len(u.Properties)+16)
	for k, v := range u.Properties {
		if Reserved(k) {
			return "", &wire.Error{Path: wire.Clip(k), What: "a unit's own field cannot be a property"}
		}
		m[k] = v
	}
	m[ClassKey] = unitClass
	for _, f := range [...][2]string{
		{unitIDKey, u.ID}, {unitTypeKey, u.Type}, {unitParentKey, u.Parent},
		{unitRIDKey, u.Reservation}, {unitSliceKey, u.Slice}, {unitActorKey, u.Actor},
	} {
		if f[1] != "" {
			m[f[0]] = f[1]
			m[f[0]+"."+ClassKey] = tagOf(f[0])
		}
	}
	m[unitStateKey] = strconv.Itoa(u.State)
	m[unitSequenceKey] = strconv.FormatInt(u.Sequence, 10)
	notice := map[string]string{ClassKey: noticeClass}
	if u.Notice != "" {
		notice[noticeKey] = u.Notice
	}
	var err error
	if m[unitNoticesKey], err = Text(notice); err != nil {
		return "", within(unitNoticesKey, err)
	}
	return Text(m)
}

// ParseUnit reads a unit's text. Only unit.id must be there; a state or sequence
// left out is 0, and the companion tags are not looked at.
func ParseUnit(text string) (Unit, error) {
	m, err := ParseText(text, Limits{})
	if err != nil {
		return Unit{}, err
	}
	u := Unit{
		ID: m[unitIDKey], Type: m[unitTypeKey], Parent: m[unitParentKey],
		Reservation: m[unitRIDKey], Slice: m[unitSliceKey], Actor: m[unitActorKey],
	}
	if u.ID == "" {
		return Unit{}, &wire.Error{Path: unitIDKey, What: "missing or empty"}
	}
	if _, ok := m[unitStateKey]; ok {
		n, err := number(m, unitStateKey, 32)
		if err != nil {
			return Unit{}, err
		}
		if n < 0 || n > MaxUnitState {
			return Unit{}, &wire.Error{Path: unitStateKey, What: fmt.Sprintf("%d is no state", n)}
		}
		u.State = int(n)
	}
	if _, ok := m[unitSequenceKey]; ok {
		if u.Sequence, err = number(m, unitSequenceKey, 64); err != nil {
			return Unit{}, err
		}
	}
	notice, err := ParseText(m[unitNoticesKey], Limits{})
	if err != nil {
		return Unit{}, within(unitNoticesKey, err)
	}
	u.Notice = notice[noticeKey]
	for k, v := range m {
		if Reserved(k) {
			continue
		}
		if u.Properties == nil {
			u.Properties = make(map[string]string)
		}
		u.Properties[k] = v
	}
	return u, nil
}
