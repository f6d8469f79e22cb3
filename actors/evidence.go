package actors

import "encoding/json"

// Evidence is what an actor keeps of a claim that it refused, because its issuer
// had given away more than was given to him: the claim and the fewest others that
// together exceed what they were all carved from. The tickets in it are signed, so
// whoever trusts the site's key can judge them without asking anyone
// (tickets 12.1, 13.3).
type Evidence struct {
	ID          string        `json:"id"`    // follows from the claims
	Since       Cycle         `json:"since"` // when the claim was refused
	Peer        ActorID       `json:"peer,omitempty"`
	Reservation ReservationID `json:"reservation,omitempty"` // for which it was presented; empty for a broker's stock
	Parent      Delegation    `json:"parent"`                // what was exceeded; its holder gave too much away
	At          Millis        `json:"at"`                    // first instant at which it is
	Units       int           `json:"units"`                 // what the claims come to then
	Claims      []Branch      `json:"claims"`                // the refused one first
	// Own says that the issuer redeemed his own ticket as well, which no signature
	// shows.
	Own bool `json:"own,omitempty"`
}

// Branch is one delegation and a signed ticket in which it stands.
type Branch struct {
	Delegation
	Reservation ReservationID `json:"reservation,omitempty"` // that holds it as a lease, if one does
	Text        string        `json:"text"`
	Newer       int           `json:"newer,omitempty"` // how many records of the text were carved from it
}

// EvidencePrefix starts the keys of evidence among an actor's records.
const EvidencePrefix = "evidence/"

// AppendRecord makes Evidence its own durable form (Value).
func (e Evidence) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(e)
	return append(dst, b...), err
}

// Witness is a machine that keeps evidence. Hosts call it between steps.
type Witness interface {
	// Evidence lists what was kept, oldest first.
	Evidence() []Evidence
}
