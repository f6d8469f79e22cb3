package inventory

import (
	"bufio"
	"net/netip"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// LDIF reads machines from entries (RFC 2849): those of an inventory like ours, hosts
// as RFC 2307 has them, and hosts of a dhcpd that reads the directory. Two entries of
// one name are brought together where one says what the other does not. Other entries
// are noted.
func LDIF(text string) (Reading, error) {
	r, err := start(text)
	if err != nil {
		return Reading{}, err
	}
	entries, err := ldapschema.ParseLDIF(strings.NewReader(text), ldapschema.LDIFLimits{Bytes: MaxBytes, Entries: 2 * MaxHosts})
	if err != nil {
		return Reading{}, err
	}
	lines := recordLines(text)
	if len(lines) != len(entries) {
		lines = make([]int, len(entries))
	}
	var all []ldapschema.InventoryHost
	var from []int
	at := map[string]int{}
	for i, e := range entries {
		line := lines[i]
		h, ok := r.machine(line, e)
		if !ok {
			continue
		}
		n, known := at[h.Name]
		switch {
		case !known && len(all) == MaxHosts:
			return Reading{}, errHosts
		case !known:
			at[h.Name] = len(all)
			all, from = append(all, h), append(from, line)
		case all[n].MAC.IsZero() && !h.MAC.IsZero() && (!h.IP.IsValid() || h.IP == all[n].IP):
			all[n].MAC = h.MAC
		case !all[n].IP.IsValid() && h.IP.IsValid() && (h.MAC.IsZero() || h.MAC == all[n].MAC):
			all[n].IP = h.IP
		case (h.MAC.IsZero() || h.MAC == all[n].MAC) && (!h.IP.IsValid() || h.IP == all[n].IP): // says nothing new
		default:
			r.note(line, "%s is in line %d already, otherwise; not taken", h.Name, from[n])
		}
	}
	for i, h := range all {
		if err := r.add(from[i], h); err != nil {
			return Reading{}, err
		}
	}
	return r.done(), nil
}

// machine is the machine that an entry is about.
func (r *Reading) machine(line int, e ldapschema.Entry) (h ldapschema.InventoryHost, ok bool) {
	leave := func(format string, args ...any) (ldapschema.InventoryHost, bool) {
		r.note(line, "%s: "+format, append([]any{clip(string(e.DN))}, args...)...)
		return ldapschema.InventoryHost{}, false
	}
	switch {
	case e.IsA("codHost"):
		var err error
		if h, err = ldapschema.ParseInventoryHost(e); err != nil {
			return leave("%v", err)
		}
		short, aliases, ok := Name(h.Name)
		if !ok {
			return leave("%.64q is not a host name", h.Name)
		}
		h.Name, h.Aliases = short, append(h.Aliases, aliases...)
		return h, true
	case e.IsA("codNode"):
		return leave("a node of a virtual cluster, not a machine of the site")
	case e.IsA("ipHost"), e.IsA("ieee802Device"), e.IsA("dhcpHost"):
	default:
		return leave("not a machine")
	}
	_, rdn := e.DN.RDN()
	short, aliases, ok := Name(rdn)
	if !ok {
		return leave("%.64q is not a host name", rdn)
	}
	h.Name, h.Aliases = short, aliases
	if addr, err := netip.ParseAddr(e.Get("ipHostNumber")); err == nil && machineAddr(addr) {
		h.IP = addr
	}
	said := e.Get("macAddress")
	if hw := strings.Fields(e.Get("dhcpHWAddress")); len(hw) == 2 && strings.EqualFold(hw[0], "ethernet") {
		said = hw[1]
	}
	for _, s := range e.Values("dhcpStatements") {
		if f := strings.Fields(s); len(f) == 2 && strings.EqualFold(f[0], "fixed-address") {
			if addr, err := netip.ParseAddr(f[1]); err == nil && machineAddr(addr) {
				h.IP = addr
			}
		}
	}
	if said != "" {
		mac, err := Hardware(said)
		if err != nil {
			return leave("%.32q is no hardware address", said)
		}
		h.MAC = mac
	}
	h.Description, h.Serial = e.Get("description"), e.Get("serialNumber")
	return h, true
}

// recordLines are the lines in which the records of an LDIF text begin.
func recordLines(text string) (out []int) {
	sc := bufio.NewScanner(strings.NewReader(text))
	sc.Buffer(nil, MaxBytes+1)
	for line := 1; sc.Scan(); line++ {
		if len(sc.Text()) > 3 && strings.EqualFold(sc.Text()[:3], "dn:") {
			out = append(out, line)
		}
	}
	return out
}

// clip is a name short enough for a note.
func clip(s string) string {
	if len(s) > 128 {
		return s[:128] + "..."
	}
	return s
}
