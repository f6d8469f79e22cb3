package actors

import (
	"crypto/sha256"
	"fmt"
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
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s;", len(p), p)
	}
	s := h.Sum(nil)
	s[6] = s[6]&0x0f | 0x80 // version 8: made by the application
	s[8] = s[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", s[0:4], s[4:6], s[6:8], s[8:10], s[10:16])
}
