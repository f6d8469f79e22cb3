package actors

import (
	"crypto/sha256"
	"fmt"
	"strconv"
)

// Identities are opaque strings, compared byte for byte (wire contract 3.1).
// They are distinct types so that the compiler keeps them apart.
type (
	// ActorID is an actor's GUID, a lower-case UUID. It names a key, not an address.
	ActorID string
	// ReservationID is chosen by the client and shared by all three roles.
	ReservationID string
	// SliceID groups the reservations of one guest.
	SliceID string
	// UnitID names one leased unit, chosen by the site authority.
	UnitID string
	// TicketID names one delegation record.
	TicketID string
	// ResourceType names what is leased, such as "site1.node".
	ResourceType string
)

// Role says what an actor does in a federation. The numbers are the legacy
// type codes (leasing 0.4) and are stored.
type Role uint8

// The three roles of a federation.
const (
	RoleManager   Role = 1 // service manager: leases on behalf of guests
	RoleBroker    Role = 2 // sells what sites delegated to it
	RoleAuthority Role = 3 // site authority: owns the hardware
)

// String names the role as configuration files do.
func (r Role) String() string {
	switch r {
	case RoleManager:
		return "manager"
	case RoleBroker:
		return "broker"
	case RoleAuthority:
		return "authority"
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// DeriveID makes an identity in the shape of a UUID from parts. The same parts
// always give the same identity, so a step that runs again after a crash names
// things as it did before, and no step needs chance.
func DeriveID(parts ...string) string {
	var room [256]byte
	text := room[:0]
	for _, p := range parts {
		text = strconv.AppendInt(text, int64(len(p)), 10)
		text = append(text, ':')
		text = append(text, p...)
		text = append(text, ';')
	}
	s := sha256.Sum256(text)
	s[6] = s[6]&0x0f | 0x80 // version 8: made by the application
	s[8] = s[8]&0x3f | 0x80
	var id [36]byte
	n := 0
	for i, b := range s[:16] {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			id[n] = '-'
			n++
		}
		const digits = "0123456789abcdef"
		id[n], id[n+1] = digits[b>>4], digits[b&15]
		n += 2
	}
	return string(id[:])
}
