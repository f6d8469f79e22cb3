package wiring

import (
	"fmt"
	"strconv"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
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
		p, err := pick("broker policy", a.Policy, "fcfs", brokerPolicies)
		if err != nil {
			return nil, err
		}
		return broker.New(broker.Config{Self: a.GUID, Cycles: c.Clock, Policy: p}), nil
	case actors.RoleAuthority:
		p, err := pick("assignment policy", a.Policy, "firstfit", authorityPolicies)
		if err != nil {
			return nil, err
		}
		return authority.New(authority.Config{Self: self, Cycles: c.Clock, Policy: p}), nil
	}
	return nil, fmt.Errorf("an actor cannot have the role %v", a.Role)
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
