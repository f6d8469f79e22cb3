package manage

import (
	"context"
	"net/http"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
)

// Place is one host of a site authority of this process.
type Place struct {
	Actor       Party  `json:"actor"`
	Host        string `json:"host"`
	Type        string `json:"type"`
	Out         bool   `json:"out"`                   // of service: withdrawn, or put aside because it could not be torn down
	Held        string `json:"held,omitempty"`        // why it is not assigned; a unit on it stays
	Leaving     bool   `json:"leaving,omitempty"`     // gone from the inventory, and kept for the unit on it
	Failures    int    `json:"failures,omitempty"`    // setups in a row that failed on it
	Reservation string `json:"reservation,omitempty"` // that has a unit on it
	Unit        string `json:"unit,omitempty"`
}

// Duty is an operator's word about a host.
type Duty struct {
	// Actor is the site authority, as in Ref. It may be empty if only one has the host.
	Actor string `json:"actor,omitempty"`
	Host  string `json:"host"`
	// Out takes it out of service; false puts it back.
	Out bool `json:"out"`
	// Note says why, for the lessee who loses a unit.
	Note string `json:"note,omitempty"`
}

// Places lists the hosts of sites.
func (l *Local) Places(ctx context.Context, actor string) ([]Place, error) {
	n, out := l.names(), []Place{}
	err := l.each(ctx, "manage.places", actor, func(a Actor, v actors.Viewer) {
		if s, ok := v.(actors.Stead); ok {
			for _, p := range s.Places() {
				out = append(out, Place{Actor: *n.party(a.Location.ID), Host: p.Host, Type: string(p.Type), Out: p.Out, Held: p.Held, Leaving: p.Leaving, Failures: p.Failures,
					Reservation: string(p.Reservation), Unit: string(p.Unit)})
			}
		}
	})
	return out, err
}

// SetDuty takes a host out of service or puts it back, and shows it.
func (l *Local) SetDuty(ctx context.Context, d Duty) (Place, error) {
	const op = "manage.duty"
	if err := check.Name("note", d.Note); err != nil {
		return Place{}, invalid(op, err.Error())
	}
	all, err := l.Places(ctx, d.Actor)
	if len(all) == 0 && err != nil {
		return Place{}, err
	}
	var found []Place
	var known, sites []string
	for _, p := range all {
		known = append(known, p.Host)
		if p.Host == d.Host {
			found, sites = append(found, p), append(sites, p.Actor.Name)
		}
	}
	switch len(found) {
	case 0:
		return Place{}, &actors.Error{Op: op, Kind: actors.NotFound, Err: check.Unknown("host", d.Host, known)}
	case 1:
	default:
		return Place{}, &actors.Error{Op: op, Kind: actors.Invalid, Err: ambiguous("site with host "+d.Host, d.Actor, sites)}
	}
	hosts, err := l.actors(op, found[0].Actor.ID)
	if err != nil {
		return Place{}, err
	}
	var ev actors.Event = actors.Reinstate{Host: d.Host}
	if d.Out {
		ev = actors.Withdraw{Host: d.Host, Note: d.Note}
	}
	if err := hosts[0].Host.Ask(ctx, ev); err != nil {
		return Place{}, err
	}
	all, err = l.Places(ctx, found[0].Actor.ID)
	for _, p := range all {
		if p.Host == d.Host {
			return p, nil
		}
	}
	return found[0], err
}

type places struct {
	Places     []Place `json:"hosts"`
	Incomplete string  `json:"incomplete,omitempty"`
}

func (h *handler) places(r *http.Request) (any, error) {
	q, err := query(r, "actor")
	if err != nil {
		return nil, invalid("manage.places", err.Error())
	}
	all, err := h.service.Places(r.Context(), q.Get("actor"))
	if all != nil && err != nil {
		return places{all, err.Error()}, nil
	}
	return places{Places: all}, err
}

func (h *handler) duty(r *http.Request) (any, error) {
	var d Duty
	if err := read(r, "manage.duty", &d); err != nil {
		return nil, err
	}
	return h.service.SetDuty(r.Context(), d)
}

// Places lists the hosts of sites.
func (c *Client) Places(ctx context.Context, actor string) ([]Place, error) {
	var out places
	if err := c.get(ctx, "/v1/hosts", Ref{Actor: actor}.query(), &out); err != nil {
		return nil, err
	}
	return out.Places, rest(out.Incomplete)
}

// SetDuty takes a host out of service or puts it back.
func (c *Client) SetDuty(ctx context.Context, d Duty) (out Place, err error) {
	return out, c.post(ctx, "/v1/hosts", nil, d, &out)
}
