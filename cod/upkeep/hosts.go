package upkeep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/inventory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Host is one machine of the inventory, and the node on it.
type Host struct {
	Name        string            `json:"name"`
	Aliases     []string          `json:"aliases,omitempty"`
	Type        string            `json:"type"` // resource type
	Address     string            `json:"address,omitempty"`
	MAC         string            `json:"mac,omitempty"`
	Memory      int               `json:"memory,omitempty"`    // MiB
	CPU         int               `json:"cpu,omitempty"`       // hundredths of a core
	Bandwidth   int               `json:"bandwidth,omitempty"` // kbit/s
	Serial      string            `json:"serial,omitempty"`
	Health      string            `json:"health,omitempty"` // good when empty
	Hold        string            `json:"hold,omitempty"`
	Note        string            `json:"note,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	Description string            `json:"description,omitempty"`
	Entry       ldapschema.DN     `json:"entry"`
	Problem     string            `json:"problem,omitempty"` // why the entry cannot be read
	Nodes       []string          `json:"nodes,omitempty"`   // on it
	LeaseEnd    time.Time         `json:"leaseEnd,omitzero"` // the last of theirs
}

// Hosts lists the inventory by name, with the nodes on each machine.
func (d Desk) Hosts(ctx context.Context) ([]Host, error) {
	stock, err := d.stock(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := d.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	on := map[string][]Node{}
	for _, n := range nodes {
		on[strings.ToLower(n.Host)] = append(on[strings.ToLower(n.Host)], n)
	}
	out := make([]Host, 0, len(stock.entries))
	for _, name := range slices.Sorted(maps.Keys(stock.entries)) {
		h := hostView(stock.entries[name])
		for _, n := range on[name] {
			h.Nodes = append(h.Nodes, n.Name)
			if n.LeaseEnd.After(h.LeaseEnd) {
				h.LeaseEnd = n.LeaseEnd
			}
		}
		out = append(out, h)
	}
	return out, nil
}

// Host is one machine of the inventory.
func (d Desk) Host(ctx context.Context, name string) (Host, error) {
	all, err := d.Hosts(ctx)
	if err != nil {
		return Host{}, err
	}
	for _, h := range all {
		if strings.EqualFold(h.Name, name) {
			return h, nil
		}
	}
	return Host{}, absent("host", name, d.hostDN(name))
}

func hostView(e ldapschema.Entry) Host {
	_, name := e.DN.RDN()
	h, err := ldapschema.ParseInventoryHost(e)
	if err != nil {
		return Host{Name: name, Entry: e.DN, Type: e.Get("codResourceType"), Problem: err.Error()}
	}
	out := Host{Name: h.Name, Aliases: h.Aliases, Type: h.Type, Memory: h.Memory, CPU: h.CPU, Bandwidth: h.Bandwidth, Serial: h.Serial,
		Health: h.Health, Hold: h.Hold, Note: h.Note, Properties: h.Properties, Description: h.Description, Entry: e.DN}
	if h.IP.IsValid() {
		out.Address = h.IP.String()
	}
	if !h.MAC.IsZero() {
		out.MAC = h.MAC.String()
	}
	return out
}

func (d Desk) hostDN(name string) ldapschema.DN { return cod.InventoryDN(d.Base).Child("cn", name) }

// stock is the inventory as it was read.
type stock struct {
	entries map[string]ldapschema.Entry // of class codHost, by lower-case name
	macs    map[ldapschema.MAC]string
	addrs   map[netip.Addr]string
}

// stock reads the inventory.
func (d Desk) stock(ctx context.Context) (stock, error) {
	s := stock{map[string]ldapschema.Entry{}, map[ldapschema.MAC]string{}, map[netip.Addr]string{}}
	all, err := d.Directory.List(ctx, cod.InventoryDN(d.Base))
	if err != nil {
		return s, err
	}
	for _, e := range all {
		if e.IsA("codHost") && e.DN.Parent().Equal(cod.InventoryDN(d.Base)) {
			s.note(e)
		}
	}
	return s, nil
}

func (s stock) note(e ldapschema.Entry) {
	_, name := e.DN.RDN()
	name = strings.ToLower(name)
	s.entries[name] = e
	if mac, err := ldapschema.ParseMAC(e.Get("macAddress")); err == nil {
		s.macs[mac] = name
	}
	if a, err := netip.ParseAddr(e.Get("ipHostNumber")); err == nil {
		s.addrs[a] = name
	}
}

// hostAttrs are the attributes that a machine's entry consists of; others that an
// entry has are its operators' business.
var hostAttrs = []string{"cn", "codBandwidth", "codCpu", "codHealth", "codHold", "codMemory", "codNote", "codProperty", "codResourceType",
	"description", "ipHostNumber", "macAddress", "serialNumber"}

// AddHost puts a machine into the inventory. One that is there already is refused,
// unless replace is set: then what is said of it is changed, and the rest stays. An entry of that name that is no machine of the inventory, such as one
// that RFC 2307 tools made, becomes one in the same way.
func (d Desk) AddHost(ctx context.Context, name string, replace bool, h ldapschema.InventoryHost) (Report, error) {
	r := Report{Dry: d.Dry}
	s, err := d.stock(ctx)
	if err != nil {
		return r, err
	}
	done, err := d.put(ctx, s, name, replace, h)
	if err != nil {
		return r, err
	}
	if done.What == Skipped {
		return r, &directory.Error{Op: "add", DN: done.Entry, Kind: directory.ErrExists, Err: errors.New(done.Why)}
	}
	r.add(done)
	return r, nil
}

// put adds or changes one machine.
func (d Desk) put(ctx context.Context, s stock, name string, replace bool, said ldapschema.InventoryHost) (Done, error) {
	short, aliases, ok := inventory.Name(name)
	if !ok {
		return Done{}, fmt.Errorf("%.64q is not a host name: letters, digits and hyphens, with dots between", name)
	}
	dn := d.hostDN(short)
	have, known := s.entries[short]
	if !known {
		var err error
		if have, known, err = d.read(ctx, dn); err != nil {
			return Done{}, err
		}
	}
	h := ldapschema.InventoryHost{Name: short, Aliases: aliases}
	switch {
	case known && have.IsA("codHost"):
		var err error
		if h, err = ldapschema.ParseInventoryHost(have); err != nil {
			return Done{}, fmt.Errorf("mend the entry first: %w", err)
		}
	case known:
		h = adopted(have, short)
	}
	if known {
		dn = have.DN
	}
	overlay(&h, said)
	if other := s.macs[h.MAC]; !h.MAC.IsZero() && other != "" && other != short {
		return Done{Entry: dn, What: Skipped, Why: fmt.Sprintf("the hardware address %s is that of %s", h.MAC, other)}, nil
	}
	if other := s.addrs[h.IP]; h.IP.IsValid() && other != "" && other != short {
		return Done{Entry: dn, What: Skipped, Why: fmt.Sprintf("the address %s is that of %s", h.IP, other)}, nil
	}
	want, err := ldapschema.InventoryEntry(cod.InventoryDN(d.Base), h)
	if err != nil {
		return Done{}, err
	}
	if !known {
		done, err := d.apply(ctx, ldapschema.AddEntry(want))
		if err == nil {
			s.note(want)
		}
		return done, err
	}
	c, any := edit(have, want, hostAttrs...)
	switch {
	case !any:
		return Done{Entry: dn, What: Unchanged}, nil
	case !replace && have.IsA("codHost"):
		return Done{Entry: dn, What: Skipped, Why: "it is in the inventory already, otherwise; --replace changes it"}, nil
	case !replace:
		return Done{Entry: dn, What: Skipped, Why: "the entry is there and not of the inventory; --replace makes it one"}, nil
	}
	done, err := d.apply(ctx, c)
	if err == nil {
		s.note(want)
	}
	return done, err
}

// adopted is what an entry that is no machine of the inventory says about one.
func adopted(e ldapschema.Entry, name string) ldapschema.InventoryHost {
	h := ldapschema.InventoryHost{Name: name, Description: e.Get("description"), Serial: e.Get("serialNumber")}
	for _, v := range e.Values("cn") {
		if !strings.EqualFold(v, name) {
			h.Aliases = append(h.Aliases, v)
		}
	}
	if mac, err := ldapschema.ParseMAC(e.Get("macAddress")); err == nil {
		h.MAC = mac
	}
	if a, err := netip.ParseAddr(e.Get("ipHostNumber")); err == nil {
		h.IP = a
	}
	return h
}

// ImportHosts puts machines that were read elsewhere into the inventory. One that is
// there already, otherwise, is skipped unless replace is set.
func (d Desk) ImportHosts(ctx context.Context, hosts []ldapschema.InventoryHost, replace bool) (Report, error) {
	r := Report{Dry: d.Dry, Done: []Done{}}
	s, err := d.stock(ctx)
	if err != nil {
		return r, err
	}
	for _, h := range hosts {
		done, err := d.put(ctx, s, h.Name, replace, h)
		if err != nil {
			return r, err
		}
		r.add(done)
	}
	return r, nil
}

// overlay lets what is said of a machine stand over what was known of it.
func overlay(old *ldapschema.InventoryHost, h ldapschema.InventoryHost) {
	for _, a := range h.Aliases {
		if !slices.ContainsFunc(old.Aliases, func(b string) bool { return strings.EqualFold(a, b) }) {
			old.Aliases = append(old.Aliases, a)
		}
	}
	for _, v := range []struct {
		old *string
		new string
	}{{&old.Type, h.Type}, {&old.Serial, h.Serial}, {&old.Health, h.Health}, {&old.Hold, h.Hold}, {&old.Note, h.Note}, {&old.Description, h.Description}} {
		*v.old = cmp.Or(v.new, *v.old)
	}
	old.Memory, old.CPU, old.Bandwidth = cmp.Or(h.Memory, old.Memory), cmp.Or(h.CPU, old.CPU), cmp.Or(h.Bandwidth, old.Bandwidth)
	if h.IP.IsValid() {
		old.IP = h.IP
	}
	if !h.MAC.IsZero() {
		old.MAC = h.MAC
	}
	if len(h.Properties) > 0 {
		old.Properties = maps.Clone(old.Properties)
		if old.Properties == nil {
			old.Properties = map[string]string{}
		}
		maps.Copy(old.Properties, h.Properties)
	}
}

// ourClasses are those of an entry that AddHost made and nobody has extended.
var ourClasses = []string{"top", "device", "ieee802Device", "ipHost", "codHost"}

// RemoveHost takes a machine out of the inventory. One with a node on it is refused
// unless force is set; its lease then goes on, and the machine goes with it. An entry
// that is more than a machine of the inventory stays, and is none any more.
func (d Desk) RemoveHost(ctx context.Context, name string, force bool) (Report, error) {
	r := Report{Dry: d.Dry}
	h, err := d.Host(ctx, name)
	if err != nil {
		return r, err
	}
	if len(h.Nodes) > 0 && !force {
		return r, conflict(h.Entry, "%s is on it; hold it until the lease is over, or use --force", strings.Join(h.Nodes, ", "))
	}
	e, ok, err := d.read(ctx, h.Entry)
	if err == nil && !ok {
		err = absent("host", name, h.Entry)
	}
	if err != nil {
		return r, err
	}
	c := ldapschema.DeleteEntry(e.DN)
	c.Assert = assertion(e, hostAttrs...)
	if slices.ContainsFunc(e.Values("objectClass"), func(class string) bool {
		return !slices.ContainsFunc(ourClasses, func(o string) bool { return strings.EqualFold(o, class) })
	}) {
		c = strip(e)
	}
	done, err := d.apply(ctx, c)
	if err != nil {
		return r, err
	}
	r.add(done)
	return r, nil
}

// strip makes an entry none of the inventory any more.
func strip(e ldapschema.Entry) ldapschema.Change {
	c := ldapschema.Change{Kind: ldapschema.Modify, DN: e.DN, Assert: "(objectClass=codHost)",
		Mods: []ldapschema.Mod{{Op: ldapschema.ModDelete, Attr: "objectClass", Values: []string{"codHost"}}}}
	for _, name := range hostAttrs {
		if strings.HasPrefix(name, "cod") && e.Has(name) {
			c.Mods = append(c.Mods, ldapschema.Mod{Op: ldapschema.ModDelete, Attr: name})
		}
	}
	return c
}
