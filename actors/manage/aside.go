package manage

import (
	"context"
	"net/http"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/host"
)

// Aside is a record that its actor could not read at its start. It is kept, octet for
// octet, until somebody restores or drops it.
type Aside struct {
	Actor Party  `json:"actor"`
	Key   string `json:"key"`
	Data  []byte `json:"data"` // in JSON: Base64
	// Why it could not be read; empty when the actor has written another record of
	// that name since, and the old one can only be dropped.
	Why string `json:"why,omitempty"`
}

// Keeper is the part of host.Host that has to do with records set aside.
type Keeper interface {
	Quarantined() []host.Quarantined
	Restore(ctx context.Context, key string, data []byte) error
	Drop(ctx context.Context, key string) error
}

// Aside lists the records that were set aside.
func (l *Local) Aside(_ context.Context, actor string) ([]Aside, error) {
	hosts, err := l.actors("manage.aside", actor)
	if err != nil {
		return nil, err
	}
	out, n := []Aside{}, l.names()
	for _, a := range hosts {
		k, ok := a.Host.(Keeper)
		if !ok {
			continue
		}
		for _, q := range k.Quarantined() {
			r := Aside{Actor: *n.party(a.Location.ID), Key: q.Key, Data: q.Data}
			if q.Err != nil {
				r.Why = q.Err.Error()
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// Restore puts a record back into the running actor.
func (l *Local) Restore(ctx context.Context, actor, key string, data []byte) error {
	k, key, err := l.aside(ctx, "manage.restore", actor, key)
	if err != nil {
		return err
	}
	return k.Restore(ctx, key, data)
}

// Drop throws a record away.
func (l *Local) Drop(ctx context.Context, actor, key string) error {
	k, key, err := l.aside(ctx, "manage.drop", actor, key)
	if err != nil {
		return err
	}
	return k.Drop(ctx, key)
}

// aside finds a record that was set aside by the beginning of its key, and who keeps
// it.
func (l *Local) aside(ctx context.Context, op, actor, key string) (Keeper, string, error) {
	all, err := l.Aside(ctx, actor)
	if err != nil {
		return nil, "", err
	}
	var keys []string
	for _, r := range all {
		keys = append(keys, r.Key)
	}
	i, err := begins(op, "record set aside", key, keys)
	if err != nil {
		return nil, "", err
	}
	hosts, err := l.actors(op, all[i].Actor.ID)
	if err != nil {
		return nil, "", err
	}
	if a := hosts[0]; !a.Host.Status().Running {
		return nil, "", &actors.Error{Op: op, Actor: a.Location.ID, Kind: actors.Transient, Err: errNotRunning}
	}
	return hosts[0].Host.(Keeper), all[i].Key, nil
}

type asides struct {
	Aside []Aside `json:"aside"`
}

func (h *handler) asides(r *http.Request) (any, error) {
	q, err := query(r, "actor")
	if err != nil {
		return nil, invalid("manage.aside", err.Error())
	}
	all, err := h.service.Aside(r.Context(), q.Get("actor"))
	return asides{all}, err
}

// mend is the body of a restore or drop. A restore without data is of the record as
// it is.
type mend struct {
	Actor string `json:"actor,omitempty"`
	Key   string `json:"key"`
	Data  []byte `json:"data,omitempty"`
}

func (h *handler) restore(r *http.Request) (any, error) {
	var m mend
	if err := read(r, "manage.restore", &m); err != nil {
		return nil, err
	}
	return struct{}{}, h.service.Restore(r.Context(), m.Actor, m.Key, m.Data)
}

func (h *handler) drop(r *http.Request) (any, error) {
	var m mend
	if err := read(r, "manage.drop", &m); err != nil {
		return nil, err
	}
	return struct{}{}, h.service.Drop(r.Context(), m.Actor, m.Key)
}

// Aside lists the records that were set aside.
func (c *Client) Aside(ctx context.Context, actor string) ([]Aside, error) {
	var out asides
	if err := c.get(ctx, "/v1/aside", Filter{Actor: actor}.query(), &out); err != nil {
		return nil, err
	}
	return out.Aside, nil
}

// Restore puts a record back into the running actor.
func (c *Client) Restore(ctx context.Context, actor, key string, data []byte) error {
	return c.post(ctx, "/v1/aside/restore", nil, mend{actor, key, data}, &struct{}{})
}

// Drop throws a record away.
func (c *Client) Drop(ctx context.Context, actor, key string) error {
	return c.post(ctx, "/v1/aside/drop", nil, mend{Actor: actor, Key: key}, &struct{}{})
}
