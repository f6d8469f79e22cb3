package inventory

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// Files reads a hosts file (hosts(5)) and an ethers file (ethers(5)); either may be
// empty. A machine is what either names; the two are brought together by name, or
// by the address that an ethers file gives in its place. Line numbers are those of the
// hosts file, and notes about the other say so.
func Files(hosts, ethers string) (Reading, error) {
	r, err := start(hosts + ethers)
	if err != nil {
		return Reading{}, err
	}
	var all []ldapschema.InventoryHost
	var lines []int
	at := map[string]int{} // index in all, by every name
	byAddr := map[netip.Addr]int{}
	for i, fields := range fieldsOf(hosts) {
		line := i + 1
		if len(fields) == 0 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		switch {
		case err != nil:
			r.note(line, "%.64q is no address", fields[0])
			continue
		case len(fields) < 2:
			r.note(line, "an address without a name")
			continue
		case !machineAddr(addr):
			r.note(line, "%s is no machine's own address", addr)
			continue
		}
		h := ldapschema.InventoryHost{IP: addr}
		for _, f := range fields[1:] {
			short, aliases, ok := Name(f)
			switch {
			case !ok:
				r.note(line, "%.64q is not a host name", f)
				continue
			case h.Name == "":
				h.Name = short
			case short != h.Name:
				aliases = append(aliases, strings.ToLower(strings.TrimSuffix(f, ".")))
			}
			for _, a := range aliases {
				if !slices.Contains(h.Aliases, a) {
					h.Aliases = append(h.Aliases, a)
				}
			}
		}
		if h.Name == "" {
			continue
		}
		if other, ok := at[h.Name]; ok {
			r.note(line, "%s has an address in line %d already; left out", h.Name, lines[other])
			continue
		}
		for _, n := range append([]string{h.Name}, h.Aliases...) {
			if _, ok := at[n]; !ok {
				at[n] = len(all)
			}
		}
		byAddr[addr] = len(all)
		if len(all) == MaxHosts {
			return Reading{}, errHosts
		}
		all, lines = append(all, h), append(lines, line)
	}
	for i, fields := range fieldsOf(ethers) {
		line := i + 1
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			r.note(0, "ethers, line %d: not a hardware address and a name", line)
			continue
		}
		mac, err := Hardware(fields[0])
		if err != nil {
			r.note(0, "ethers, line %d: %.32q is no hardware address", line, fields[0])
			continue
		}
		n, ok := -1, false
		if addr, err := netip.ParseAddr(fields[1]); err == nil {
			if n, ok = byAddr[addr]; !ok {
				r.note(0, "ethers, line %d: the hosts file has no name for %s", line, addr)
				continue
			}
		}
		short, aliases, named := Name(fields[1])
		if !ok && !named {
			r.note(0, "ethers, line %d: %.64q is not a host name", line, fields[1])
			continue
		}
		if !ok {
			if n, ok = at[strings.ToLower(strings.TrimSuffix(fields[1], "."))]; !ok {
				n, ok = at[short]
			}
		}
		if !ok {
			if len(all) == MaxHosts {
				return Reading{}, errHosts
			}
			n, at[short] = len(all), len(all)
			all, lines = append(all, ldapschema.InventoryHost{Name: short, Aliases: aliases}), append(lines, 0)
		}
		if !all[n].MAC.IsZero() {
			r.note(0, "ethers, line %d: %s has a hardware address already; left out", line, all[n].Name)
			continue
		}
		all[n].MAC = mac
	}
	for i, h := range all {
		if h.MAC.IsZero() {
			r.note(lines[i], "%s: no hardware address: it can be leased, but not booted over the network", h.Name)
		}
		if err := r.add(lines[i], h); err != nil {
			return Reading{}, err
		}
	}
	return r.done(), nil
}

// fieldsOf is the fields of each line of a text, comments left out.
func fieldsOf(text string) [][]string {
	var out [][]string
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		out = append(out, strings.Fields(line))
	}
	return out
}
