package wiring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/signal"
	"github.com/leasehold/leasehold/cmd/internal/config"
)

// machine makes the role machine of an actor, empty.
func machine(c config.Config, a config.Actor, self actors.Location) (actors.Machine, error) {
	switch a.Role {
	case actors.RoleManager:
		m := manager.Config{Rules: manager.Rules{Self: a.GUID, Cycles: c.Clock, Margins: manager.LegacyMargins()}}
		if id, role, ok := c.Find(a.DefaultBroker); ok && role == actors.RoleBroker {
			m.Broker = id
		}
		for _, g := range a.Guests {
			one, err := guest(c, a, g)
			if err != nil {
				return nil, err
			}
			m.Guests = append(m.Guests, one)
		}
		return manager.New(m), nil
	case actors.RoleBroker:
		make, err := pick("broker policy", a.Policy, "fcfs", brokerPolicies)
		if err != nil {
			return nil, err
		}
		settings, err := settings(c, a)
		if err != nil {
			return nil, err
		}
		return broker.New(broker.Config{Self: a.GUID, Cycles: c.Clock, Policy: make(settings), Quotas: settings.Quotas,
			Advance: actors.Cycle(a.Advance), RedeemWithin: actors.Millis(a.RedeemWithin.Milliseconds())}), nil
	case actors.RoleAuthority:
		p, err := pick("assignment policy", a.Policy, "firstfit", authorityPolicies)
		if err != nil {
			return nil, err
		}
		return authority.New(authority.Config{Self: self, Cycles: c.Clock, Policy: p}), nil
	}
	return nil, fmt.Errorf("an actor cannot have the role %v", a.Role)
}

// guest is one that a manager leases for by itself.
func guest(c config.Config, a config.Actor, g config.Guest) (manager.Guest, error) {
	make, err := pick("manager's policy", g.Policy, "adaptive", managerPolicies)
	if err != nil {
		return manager.Guest{}, err
	}
	millis := func(d time.Duration) actors.Millis { return actors.Millis(d.Milliseconds()) }
	s := policy.GuestSettings{Units: g.Units, Term: millis(g.Length), Lead: millis(g.Lead), Chunk: g.Chunk, Renew: g.Renew,
		Return: g.Surplus == "return", Least: g.Least, Most: g.Most, PerUnit: g.PerUnit}
	if f := g.Filter; f != nil {
		s.Filter = &policy.Filter{Window: f.Window, Step: f.Step, Damping: f.Damping}
	}
	out := manager.Guest{Name: g.Slice, Type: g.Type, Policy: make(s), Request: g.Request, Config: g.Config, Local: g.Local,
		Slice: actors.Slice{ID: actors.SliceID(actors.DeriveID("slice", string(a.GUID), g.Slice)), Name: g.Slice}}
	if g.Broker != "" {
		out.Broker, _, _ = c.Find(g.Broker)
	}
	if g.Signal != nil {
		if err := source(*g.Signal).Check(); err != nil {
			return out, fmt.Errorf("guest %s: %w", g.Slice, err)
		}
		// Silent for longer than two readings: look all the same.
		out.Every = actors.Cycle(millis(2*g.Signal.Every)/c.Clock.Length) + 1
	}
	return out, nil
}

func source(s config.Signal) signal.Source {
	return signal.Source{File: s.File, Command: s.Command, URL: s.URL}
}

// signals are what the process reads for its guests.
func (p *Process) signals() []signal.Watch {
	var out []signal.Watch
	for _, a := range p.Actors {
		for _, g := range a.Config.Guests {
			if s := g.Signal; s != nil {
				out = append(out, signal.Watch{Guest: g.Slice, Every: s.Every, Source: source(*s),
					Tell: func(ctx context.Context, o actors.Observe) error { return a.Host.Ask(ctx, o) }, Log: p.log.WithField("actor", a.Config.Name)})
			}
		}
	}
	return out
}

// settings is a policy's settings with clients by their identities.
func settings(c config.Config, a config.Actor) (policy.Settings, error) {
	s := policy.Settings{Weights: a.Weights, Priorities: a.Priorities, Renewals: a.Renewals, Balance: a.Balance}
	var errs []error
	for _, m := range []map[string]int{a.Weights, a.Priorities} {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if _, _, ok := c.Find(name); !ok {
				errs = append(errs, fmt.Errorf("%s: weights and priorities: there is no actor or peer %q", a.Name, name))
			}
		}
	}
	for _, q := range a.Quotas {
		if _, _, ok := c.Find(q.Client); q.Client != "" && !ok {
			errs = append(errs, fmt.Errorf("%s: quotas: there is no actor or peer %q", a.Name, q.Client))
		}
		s.Quotas = append(s.Quotas, policy.Limit{Client: q.Client, Slice: q.Slice, Each: q.Each, Type: string(q.Type), Units: q.Units})
	}
	return s.Named(func(name string) string { id, _, _ := c.Find(name); return string(id) }), errors.Join(errs...)
}

// inventory is an authority's hosts as its machine knows them.
func inventory(a config.Actor) []actors.Host {
	var out []actors.Host
	for _, pool := range a.Pools {
		for _, h := range pool.Inventory() {
			props := actors.Properties{}
			if h.MAC != "" {
				props["mac"] = h.MAC
			}
			if h.Memory > 0 {
				props["memory"] = strconv.Itoa(h.Memory)
			}
			out = append(out, actors.Host{Name: h.Name, Type: pool.Type, Properties: props.Merged(h.Properties)})
		}
	}
	return out
}
