package manage

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/evidence"
)

// Conflict is a ticket that was refused because its issuer, or somebody above him,
// had given away more than he held.
type Conflict struct {
	ID          string    `json:"id"`
	Actor       Party     `json:"actor"` // who refused it and keeps the evidence
	Time        time.Time `json:"time,omitzero"`
	Peer        *Party    `json:"peer,omitempty"`        // who presented it
	Reservation string    `json:"reservation,omitempty"` // for which
	Issuer      Party     `json:"issuer"`                // who gave too much away
	Type        string    `json:"type"`
	Held        int       `json:"held"`  // what the issuer held
	Given       int       `json:"given"` // what the claims come to
	At          time.Time `json:"at,omitzero"`
	// Claims are the fewest that show it, the refused one first.
	Claims []ConflictClaim `json:"claims"`
	// Proof is what leasehold ticket verify checks without a server; absent in lists.
	Proof json.RawMessage `json:"proof,omitempty"`
	// Unproved says why the tickets alone do not show it.
	Unproved string `json:"unproved,omitempty"`
}

// ConflictClaim is one of the claims that are together too many.
type ConflictClaim struct {
	Ticket      string    `json:"ticket"`
	Holder      Party     `json:"holder"`
	Units       int       `json:"units"`
	Start       time.Time `json:"start,omitzero"` // of its latest interval
	End         time.Time `json:"end,omitzero"`
	Reservation string    `json:"reservation,omitempty"` // that holds it as a lease
}

// Conflicts lists the tickets that were refused as oversold.
func (l *Local) Conflicts(ctx context.Context, actor string) ([]Conflict, error) {
	return l.conflicts(ctx, actor, false)
}

func (l *Local) conflicts(ctx context.Context, actor string, proofs bool) ([]Conflict, error) {
	n := l.names()
	type seen struct {
		by Actor
		actors.Evidence
	}
	var all []seen
	err := l.each(ctx, "manage.conflicts", actor, func(a Actor, v actors.Viewer) {
		if w, ok := v.(actors.Witness); ok {
			for _, e := range w.Evidence() {
				all = append(all, seen{a, e})
			}
		}
	})
	out := []Conflict{}
	for _, e := range all { // taking tickets apart is no business of the actor's
		c := Conflict{
			ID: e.ID, Actor: *n.party(e.by.Location.ID), Time: moment(e.by.Cycles, e.Since), Peer: n.party(e.Peer), Reservation: string(e.Reservation),
			Issuer: *n.party(e.Parent.Holder), Type: string(e.Parent.Type), Held: e.Parent.Units, Given: e.Units, At: instant(e.At),
		}
		for _, cl := range e.Claims {
			c.Claims = append(c.Claims, ConflictClaim{Ticket: string(cl.ID), Holder: *n.party(cl.Holder), Units: cl.Units,
				Start: instant(cl.Term.NewStart), End: ending(cl.Term.End), Reservation: string(cl.Reservation)})
		}
		if proofs {
			if p, err := evidence.Of(e.Evidence); err != nil {
				c.Unproved = err.Error()
			} else {
				c.Proof = p.Text()
			}
		}
		out = append(out, c)
	}
	return out, err
}

// Conflict finds one conflict, with its proof.
func (l *Local) Conflict(ctx context.Context, actor, id string) (Conflict, error) {
	all, err := l.conflicts(ctx, actor, true)
	if len(all) == 0 && err != nil {
		return Conflict{}, err
	}
	var names []string
	for _, c := range all {
		names = append(names, c.ID)
	}
	i, err := begins("manage.conflict", "conflict", id, names)
	if err != nil {
		return Conflict{}, err
	}
	return all[i], nil
}

type conflicts struct {
	Conflicts  []Conflict `json:"conflicts"`
	Incomplete string     `json:"incomplete,omitempty"`
}

func (h *handler) conflicts(r *http.Request) (any, error) {
	q, err := query(r, "actor")
	if err != nil {
		return nil, invalid("manage.conflicts", err.Error())
	}
	all, err := h.service.Conflicts(r.Context(), q.Get("actor"))
	return conflicts{all, incomplete(&err)}, err
}

func (h *handler) conflict(r *http.Request) (any, error) {
	q, err := query(r, "actor")
	if err != nil {
		return nil, invalid("manage.conflict", err.Error())
	}
	return h.service.Conflict(r.Context(), q.Get("actor"), r.PathValue("id"))
}

// Conflicts lists the tickets that were refused as oversold.
func (c *Client) Conflicts(ctx context.Context, actor string) ([]Conflict, error) {
	var out conflicts
	if err := c.get(ctx, "/v1/conflicts", Filter{Actor: actor}.query(), &out); err != nil {
		return nil, err
	}
	return out.Conflicts, rest(out.Incomplete)
}

// Conflict finds one conflict, with its proof.
func (c *Client) Conflict(ctx context.Context, actor, id string) (out Conflict, err error) {
	switch id {
	case "", ".", "..":
		return out, invalid("manage.conflict", "say which conflict")
	}
	return out, c.get(ctx, "/v1/conflicts/"+url.PathEscape(id), Filter{Actor: actor}.query(), &out)
}
