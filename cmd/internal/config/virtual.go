package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Virtual says which units of an authority are virtual machines that it places on hosts
// itself.
type Virtual struct {
	Types  []actors.ResourceType
	Policy string // how a host is chosen: firstfit (default), bestfit or worstfit
	Unit   Size   // what a unit has whose ticket does not say
	Hosts  []VirtualHost
	// Slices are the site's own: their nodes become hosts when they are up.
	Slices []actors.SliceID
	Leased Size // what such a node has whose piece of inventory does not say
}

// Size is how much a unit has, or a host has for units.
type Size struct {
	CPU       int // hundredths of a core
	Memory    int // MiB
	Bandwidth int // kbit/s
}

// VirtualHost is a host that is always one: the machine of that name in the handler.
type VirtualHost struct {
	Name string
	Size Size
}

// LeaseEnd is what becomes of nodes when their leases are over.
type LeaseEnd struct {
	Then  string        // reclaim (default), suspend or checkpoint: for lessees that do not say
	Warn  time.Duration // how long before; default not at all
	Grace time.Duration // how long what was saved is held; default a day
	Most  time.Duration // the longest that a lessee may ask for; default grace
}

func readSize(v value) Size {
	o := v.object()
	defer o.done()
	return Size{CPU: o.get("cpu").number(0, 0, 1_000_000), Memory: o.get("memory").number(0, 0, 1<<24), Bandwidth: o.get("bandwidth").number(0, 0, 1_000_000_000)}
}

func readVirtual(v value) *Virtual {
	o := v.object()
	if !o.given() {
		return nil
	}
	defer o.done()
	c := &Virtual{Policy: o.get("policy").word("firstfit", "bestfit", "worstfit"), Unit: readSize(o.need("unit")), Leased: readSize(o.get("leased"))}
	o.need("types").list(func(_ int, v value) { c.Types = append(c.Types, v.resourceType()) })
	o.get("hosts").list(func(_ int, v value) {
		h := v.object()
		defer h.done()
		host := VirtualHost{Name: h.need("name").label(), Size: readSize(h.need("size"))}
		if slices.ContainsFunc(c.Hosts, func(o VirtualHost) bool { return o.Name == host.Name }) {
			v.bad("is the second host named %q", host.Name)
		}
		if host.Size == (Size{}) {
			v.bad("has a size of nothing")
		}
		c.Hosts = append(c.Hosts, host)
	})
	slices := o.get("slices")
	slices.list(func(_ int, v value) { c.Slices = append(c.Slices, actors.SliceID(v.guid())) })
	if c.Unit == (Size{}) {
		o.get("unit").bad("is a size of nothing")
	}
	if len(c.Hosts) == 0 && len(c.Slices) == 0 {
		v.bad("has neither hosts nor slices whose nodes become hosts")
	}
	if len(c.Slices) > 0 && c.Leased == (Size{}) {
		slices.bad("needs leased: the size of a node that becomes a host")
	}
	return c
}

func readLeaseEnd(v value) *LeaseEnd {
	o := v.object()
	if !o.given() {
		return nil
	}
	defer o.done()
	e := &LeaseEnd{Then: o.get("then").word("reclaim", "suspend", "checkpoint"), Warn: o.get("warn").duration(0, 0),
		Grace: o.get("grace").duration(24*time.Hour, time.Minute)}
	if e.Most = o.get("most").duration(e.Grace, time.Minute); e.Most < e.Grace {
		o.get("most").bad("is less than grace")
	}
	return e
}

func (s Size) flow() string {
	var out []string
	for _, d := range []struct {
		name string
		n    int
	}{{"cpu", s.CPU}, {"memory", s.Memory}, {"bandwidth", s.Bandwidth}} {
		if d.n > 0 {
			out = append(out, fmt.Sprintf("%s: %d", d.name, d.n))
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func (w *writer) virtual(v Virtual) {
	w.line(3, "virtual: # units that are placed on hosts; cpu is hundredths of a core, memory MiB, bandwidth kbit/s")
	w.line(4, "policy: %s", v.Policy)
	w.line(4, "unit: %s", v.Unit.flow())
	w.line(4, "types:")
	for _, t := range v.Types {
		w.line(5, "- %s", quote(string(t)))
	}
	if len(v.Hosts) > 0 {
		w.line(4, "hosts:")
	}
	for _, h := range v.Hosts {
		w.line(5, "- {name: %s, size: %s}", quote(h.Name), h.Size.flow())
	}
	if len(v.Slices) > 0 {
		w.line(4, "leased: %s", v.Leased.flow())
		w.line(4, "slices: # whose nodes become hosts when they are up")
	}
	for _, s := range v.Slices {
		w.line(5, "- %s", quote(string(s)))
	}
}

func (w *writer) leaseEnd(e LeaseEnd) {
	w.line(3, "lease_end: # what becomes of a node whose lessee does not say (property lease.end)")
	w.line(4, "then: %s", e.Then)
	if e.Warn > 0 {
		w.line(4, "warn: %s", e.Warn)
	}
	w.line(4, "grace: %s", e.Grace)
	w.line(4, "most: %s", e.Most)
}
