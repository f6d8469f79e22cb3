package wiring

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy"
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
			RedeemWithin: actors.Millis(a.RedeemWithin.Milliseconds())}), nil
	case actors.RoleAuthority:
		p, err := pick("assignment policy", a.Policy, "firstfit", authorityPolicies)
		if err != nil {
			return nil, err
		}
		return authority.New(authority.Config{Self: self, Cycles: c.Clock, Policy: p}), nil
	}
	return nil, fmt.Errorf("an actor cannot have the role %v", a.Role)
}

// settings is a policy's settings with clients by their identities.
func settings(c config.Config, a config.Actor) (policy.Settings, error) {
	s := policy.Settings{Weights: a.Weights, Priorities: a.Priorities, Renewals: a.Renewals}
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
