package actors

import (
	"fmt"
	"strconv"
	"strings"
)

// sizes are the names of a host's sizes: ours, and the attribute of a pool that says
// the same to legacy actors (leasing 4.5.7, 4.7). Their storage is what a unit holds.
var sizes = []struct{ name, attribute, label, unit string }{
	{"cpu", "resource.cpu", "Processors", ""},
	{"memory", "resource.memory", "Memory", "MB"},
	{"bandwidth", "resource.bandwidth", "Bandwidth", ""},
	{"storage", "resource.storageCapacity", "Storage", ""},
}

// Types of a pool's attributes (leasing 4.7).
const (
	attributeInteger = "1"
	attributeString  = "3"
)

// Descriptor is what a legacy broker must be told of inventory, or it refuses it
// (wire contract 7.3): the pool's type, a label, and an attribute for each size and
// each resource.* among its properties. Properties that are a descriptor already,
// as a legacy site's are, come back as they are.
func Descriptor(t ResourceType, p Properties) Properties {
	out := Properties{"type": string(t), "label": string(t)}
	if p["attributescount"] != "" {
		return out.Merged(p).Merged(Properties{"type": string(t)})
	}
	for _, name := range []string{"label", "description", "pool.name"} {
		if p[name] != "" {
			out[name] = p[name]
		}
	}
	n := 0
	attribute := func(key, label, unit, value string) {
		kind := attributeString
		if _, err := strconv.ParseInt(value, 10, 64); err == nil {
			kind = attributeInteger
		}
		out[fmt.Sprintf("attribute.%d.key", n)] = key
		out[key+".type"], out[key+".label"], out[key+".value"] = kind, label, value
		if unit != "" {
			out[key+".unit"] = unit
		}
		n++
	}
	for _, s := range sizes {
		if p[s.name] != "" {
			attribute(s.attribute, s.label, s.unit, p[s.name])
		}
	}
	for _, k := range p.Keys() {
		if _, taken := out[k+".type"]; strings.HasPrefix(k, "resource.") && !taken {
			attribute(k, strings.TrimPrefix(k, "resource."), "", p[k])
		}
	}
	out["attributescount"] = strconv.Itoa(n)
	return out
}

// Sizes is what p says of the size of one unit, and nothing else.
func (p Properties) Sizes() Properties {
	var out Properties
	for _, s := range sizes {
		if v := p[s.name]; v != "" {
			if out == nil {
				out = Properties{}
			}
			out[s.name] = v
		}
	}
	return out
}

// Sized is p with the sizes that a legacy site says of its hosts under our names,
// where p says nothing itself. Bandwidth alone is a property of links, not of hosts.
func (p Properties) Sized() Properties {
	var found Properties
	for _, s := range sizes {
		value := p[s.attribute+".value"]
		if value == "" {
			value = p[s.attribute]
		}
		if _, ours := p[s.name]; ours || value == "" || s.name == "bandwidth" && len(found) == 0 {
			continue
		}
		if found == nil {
			found = Properties{}
		}
		found[s.name] = value
	}
	return p.Merged(found)
}
