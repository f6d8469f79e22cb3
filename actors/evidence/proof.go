package evidence

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/ledger"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// Limits of a proof.
const (
	MaxBranches = 1024
	MaxProof    = 16 << 20 // octets of text
)

// ErrProof: the text is no proof, or its tickets do not fit together.
var ErrProof = errors.New("no proof of oversubscription")

// Proof is evidence that an issuer gave more away than he held: the tickets of
// the fewest conflicting claims, each with its certificates up to the root. It
// says nothing that its signatures do not say, so it can be passed on by anyone.
// The zero Proof proves nothing.
type Proof struct{ branches []branch }

type branch struct {
	scheme ticket.Scheme
	text   string
}

// Finding is what a proof shows to whoever trusts the root.
type Finding struct {
	Site   string           // issuer of the root
	Issuer string           // who gave too much away: the holder of Parent
	Key    crypto.PublicKey // with which he signed the claims
	Parent ticket.Record    // what he held
	At     int64            // first instant at which it is exceeded, ms since 1970
	Units  int              // what the claims come to then
	Claims []ticket.Record  // in the order of the proof
	// Conclusive: the claims name their parent, so they cannot have been moved
	// under it from another ticket of the issuer. False in the legacy scheme.
	Conclusive bool
}

// Of is the proof of a conflict that an actor has kept. The error says why the
// tickets alone do not show it: it takes the reservations to tell two holdings of
// one holder apart, the issuer's own redemption is part of it, which is no ticket,
// or there are more than MaxBranches.
func Of(e actors.Evidence) (Proof, error) {
	switch {
	case e.Own:
		return Proof{}, fmt.Errorf("%w: %s redeemed the ticket itself, which no ticket shows", ErrProof, e.Parent.Holder)
	case len(e.Claims) > MaxBranches:
		return Proof{}, fmt.Errorf("%w: %d branches", ErrProof, len(e.Claims))
	}
	var p Proof
	var claims []actors.Delegation
	loose := false
	for _, c := range e.Claims {
		b := branch{scheme: ticket.SchemeOf(c.Text), text: c.Text}
		if b.scheme == ticket.Sharp {
			b.scheme, loose = ticket.SharpLenient, true
		}
		var err error
		if b.text, err = ticket.Parent(c.Text, c.Newer); err != nil {
			return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
		}
		p.branches, claims = append(p.branches, b), append(claims, c.Delegation)
	}
	if _, err := ledger.Judge(e.Parent, loose, claims); err != nil {
		return Proof{}, fmt.Errorf("%w: the tickets alone do not show it: %w", ErrProof, err)
	}
	return p, nil
}

// Tickets are the texts of the conflicting tickets.
func (p Proof) Tickets() []string {
	var out []string
	for _, b := range p.branches {
		out = append(out, b.text)
	}
	return out
}

// Verify checks everything in the proof with nothing but the keys of roots (as
// ticket.Verify takes them): every signature, that the claims are different
// children of one parent, that they exceed it, and that each is needed for that,
// so that nobody is accused beside the point. Errors wrap ErrProof,
// ledger.ErrWithin or one of package ticket's.
func (p Proof) Verify(roots func(guid string) []crypto.PublicKey) (Finding, error) {
	if len(p.branches) < 2 || len(p.branches) > MaxBranches {
		return Finding{}, fmt.Errorf("%w: %d branches", ErrProof, len(p.branches))
	}
	var f Finding
	var parent [32]byte
	var ids [][32]byte
	var claims []actors.Delegation
	for i, b := range p.branches {
		c, err := b.scheme.Verify(b.text, roots)
		if err != nil {
			return Finding{}, fmt.Errorf("branch %d: %w", i, err)
		}
		records := c.Records()
		switch {
		case len(records) < 2:
			return Finding{}, fmt.Errorf("%w: branch %d is a root", ErrProof, i)
		case i > 0 && c.ID(1) != parent:
			return Finding{}, fmt.Errorf("%w: branch %d has another parent", ErrProof, i)
		case i > 0 && (c.Scheme() == ticket.SHA256Chain) != f.Conclusive:
			return Finding{}, fmt.Errorf("%w: branch %d is in another scheme", ErrProof, i)
		case slices.Contains(ids, c.ID(0)):
			return Finding{}, fmt.Errorf("%w: branch %d is there before", ErrProof, i)
		}
		ids, claims = append(ids, c.ID(0)), append(claims, translate.Delegation(records[0]))
		parent = c.ID(1)
		f.Site, f.Issuer, f.Parent, f.Key = c.Root().Holder, records[1].Holder, records[1], c.Certs()[1].PublicKey
		f.Conclusive = c.Scheme() == ticket.SHA256Chain
		f.Claims = append(f.Claims, records[0])
		f.Units += records[0].Units
	}
	at, err := ledger.Judge(translate.Delegation(f.Parent), !f.Conclusive, claims)
	switch {
	case errors.Is(err, ledger.ErrSurplus):
		return Finding{}, fmt.Errorf("%w: %w", ErrProof, err)
	case err != nil:
		return Finding{}, err
	}
	f.At = int64(at)
	return f, nil
}

const kind = "leasehold oversubscription 1"

type proofText struct {
	Evidence string       `json:"evidence"`
	Branches []branchText `json:"branches"`
}

type branchText struct {
	Scheme string `json:"scheme"`
	Ticket string `json:"ticket"`
}

// Text is the proof in the form it is kept and passed on: JSON with the tickets
// in it.
func (p Proof) Text() []byte {
	t := proofText{Evidence: kind, Branches: []branchText{}}
	for _, b := range p.branches {
		t.Branches = append(t.Branches, branchText{b.scheme.String(), b.text})
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(t) // strings only, into memory
	return out.Bytes()
}

// ParseProof reads what Text writes. It verifies nothing. Errors wrap ErrProof.
func ParseProof(text []byte) (Proof, error) {
	if len(text) > MaxProof {
		return Proof{}, fmt.Errorf("%w: %d octets of text, at most %d", ErrProof, len(text), MaxProof)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var t proofText
	if err := d.Decode(&t); err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Proof{}, fmt.Errorf("%w: something after it", ErrProof)
	}
	if t.Evidence != kind {
		return Proof{}, fmt.Errorf("%w: evidence of kind %.40q", ErrProof, t.Evidence)
	}
	if len(t.Branches) < 2 || len(t.Branches) > MaxBranches {
		return Proof{}, fmt.Errorf("%w: %d branches, 2 to %d are allowed", ErrProof, len(t.Branches), MaxBranches)
	}
	var p Proof
	for _, b := range t.Branches {
		s, err := ticket.ParseScheme(b.Scheme)
		if err != nil {
			return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
		}
		p.branches = append(p.branches, branch{s, b.Ticket})
	}
	return p, nil
}
