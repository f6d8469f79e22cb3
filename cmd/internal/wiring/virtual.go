package wiring

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy/bestfit"
	"github.com/leasehold/leasehold/actors/policy/desk"
	"github.com/leasehold/leasehold/actors/policy/worstfit"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod"
)

// packings are how hosts for virtual machines are chosen, by the names used in
// configuration: as the brokers' policies of those names choose.
var packings = map[string]desk.Packing{"firstfit": desk.FirstFit, "bestfit": bestfit.Tight, "worstfit": worstfit.Spread}

// placing is how a site places virtual machines.
func placing(v *config.Virtual) cod.VirtualConfig {
	if v == nil {
		return cod.VirtualConfig{}
	}
	vector := func(s config.Size) calendar.Vector { return calendar.Vector{s.CPU, s.Memory, s.Bandwidth} }
	out := cod.VirtualConfig{Types: v.Types, Unit: vector(v.Unit), Slices: v.Slices, Leased: vector(v.Leased), Packing: packings[v.Policy]}
	for _, h := range v.Hosts {
		out.Hosts = append(out.Hosts, cod.VirtualHost{Name: h.Name, Size: vector(h.Size)})
	}
	return out
}

// ladder is what becomes of nodes whose leases are over.
func ladder(e *config.LeaseEnd) cod.LadderConfig {
	if e == nil {
		return cod.LadderConfig{}
	}
	return cod.LadderConfig{End: e.Then, Warn: actors.Millis(e.Warn.Milliseconds()), Grace: actors.Millis(e.Grace.Milliseconds()),
		Most: actors.Millis(e.Most.Milliseconds())}
}

// reserved begins the names of what a site's lessees may not tell its drivers: what a
// domain's disk is, for one. A manager's handlers are told by the manager itself.
func reserved(r actors.Role) []string {
	if r == actors.RoleAuthority {
		return []string{"xen."}
	}
	return nil
}
