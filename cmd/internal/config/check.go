package config

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// checkAll adds what is wrong between keys that are each right alone. Values that
// were refused already are zero, and zero values are passed over.
func checkAll(c Config, r *reader) {
	checkPaths(c, r)
	checkListen(c, r)
	if len(c.Actors) == 0 {
		r.add("actors", "", "must list at least one actor")
	}
	seen := twice{r: r}
	for i, a := range c.Actors {
		at := fmt.Sprintf("actors[%d]", i)
		seen.name(at+".name", "name "+a.Name, a.Name != "")
		seen.name(at+".guid", "GUID "+string(a.GUID), a.GUID != "")
		_, written := r.places[at+".keys"]
		seen.name(at+".keys", "key folder "+filepath.Clean(a.Keys), written)
		checkRefs(c, r, at, a)
	}
	for i, p := range c.Peers {
		at := fmt.Sprintf("peers[%d]", i)
		seen.name(at+".name", "name "+p.Name, p.Name != "")
		seen.name(at+".guid", "GUID "+strings.ToLower(string(p.GUID)), p.GUID != "")
	}
	checkNetworks(c, r)
	checkInventory(c, r)
}

// twice reports the second use of what must be unique in the file.
type twice struct {
	r    *reader
	seen map[string]string // what, to the path that used it first
}

func (t *twice) name(path, what string, given bool) {
	if !given {
		return
	}
	if t.seen == nil {
		t.seen = map[string]string{}
	}
	if first, ok := t.seen[what]; ok {
		t.r.add(path, "", "%s is taken by %s", what, first[:strings.LastIndexByte(first, '.')])
		return
	}
	t.seen[what] = path
}

func checkPaths(c Config, r *reader) {
	if c.Metrics != "" {
		host, port, err := net.SplitHostPort(c.Metrics)
		ip := net.ParseIP(host)
		switch n, bad := strconv.Atoi(port); {
		case err != nil || bad != nil || n < 1 || n > 65535:
			r.add("metrics", "", "%q is not of the form 127.0.0.1:9180", c.Metrics)
		case host != "localhost" && (ip == nil || !ip.IsLoopback()):
			r.add("metrics", "", "whoever reaches it may read it: give a loopback address, and let a proxy that knows people stand before it")
		}
	}
	if len(c.Admin) > 100 {
		r.add("admin", "", "is %d characters long; a Unix socket's path may have 100", len(c.Admin))
	}
	if filepath.Clean(c.Admin) == filepath.Clean(c.State) {
		r.add("admin", "", "is the state folder itself")
	}
}

// checkListen refuses to tell peers an address that means "anywhere here".
func checkListen(c Config, r *reader) {
	host, port, err := net.SplitHostPort(c.Listen.Address)
	if err != nil {
		return
	}
	_, told := r.places["listen.url"]
	ip, err := netip.ParseAddr(host)
	if !told && (host == "" || err == nil && ip.IsUnspecified()) {
		r.add("listen.address", "give listen.url", "%s tells peers no host to call", c.Listen.Address)
	}
	if !told && port == "0" {
		r.add("listen.address", "give listen.url", "port 0 tells peers no port to call")
	}
}

// loopback reports whether an address is of this machine.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// article is a role as sentences have it.
var article = map[actors.Role]string{actors.RoleBroker: "a broker", actors.RoleAuthority: "an authority"}

// checkRefs looks at what an actor says of others.
func checkRefs(c Config, r *reader, at string, a Actor) {
	if a.DefaultBroker != "" {
		c.mustBe(r, at+".default_broker", a.DefaultBroker, actors.RoleBroker)
	}
	for i, cl := range a.Claims {
		if cl.From != "" {
			c.mustBe(r, fmt.Sprintf("%s.claims[%d].from", at, i), cl.From, actors.RoleAuthority)
		}
	}
	checkBuys(c, r, at, a)
	for key, list := range map[string]map[string]int{"weights": a.Weights, "priorities": a.Priorities} {
		for name := range list {
			c.mustExist(r, at+"."+key+"."+name, name)
		}
	}
	guests := map[string]bool{}
	for i, g := range a.Guests {
		at := fmt.Sprintf("%s.guests[%d]", at, i)
		if guests[g.Slice] {
			r.add(at+".slice", "", "slice %s has a guest already", g.Slice)
		}
		guests[g.Slice] = g.Slice != ""
		switch {
		case g.Broker != "":
			c.mustBe(r, at+".broker", g.Broker, actors.RoleBroker)
		case a.DefaultBroker == "":
			r.add(at, "", "names no broker, and the manager has no default")
		}
		if s := g.Signal; s != nil && s.URL != "" && !loopback(s.URL) {
			r.add(at+".signal.url", "", "%q is not an address on this machine", s.URL)
		}
	}
	for i, q := range a.Quotas {
		if q.Client != "" {
			c.mustExist(r, fmt.Sprintf("%s.quotas[%d].client", at, i), q.Client)
		}
	}
	hosts, given := map[actors.ResourceType]int{}, map[actors.ResourceType]int{}
	spoilt := map[actors.ResourceType]bool{} // its size is not known
	var types []string
	for i, p := range a.Pools {
		if p.Type == "" {
			continue
		}
		if _, again := hosts[p.Type]; again {
			r.add(fmt.Sprintf("%s.pools[%d].type", at, i), "", "type %s has a pool already", p.Type)
		}
		hosts[p.Type] += p.size()
		spoilt[p.Type] = slices.ContainsFunc(p.Hosts, func(h Hosts) bool { return h.Name == "" && h.Pattern == "" })
		types = append(types, string(p.Type))
	}
	for i, e := range a.Exports {
		at := fmt.Sprintf("%s.exports[%d]", at, i)
		if e.To != "" {
			c.mustBe(r, at+".to", e.To, actors.RoleBroker)
		}
		if !e.Until.IsZero() && e.Until.UnixMilli() <= int64(c.Clock.Begin) {
			r.add(at+".until", "", "is not after the clock's begin")
		}
		have, known := hosts[e.Type]
		if e.Type == "" {
			continue
		}
		if !known {
			r.add(at+".type", meant(string(e.Type), types), "no pool of type %q at this authority", e.Type)
			continue
		}
		if err := policy.CheckStock(e.Properties, e.Units); err != nil {
			r.add(at+".properties", "", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		// Units may be parts of hosts; then it is the hosts that have to exist.
		n := e.Units
		if text, cut := e.Properties["hosts"]; cut {
			n, _ = strconv.Atoi(text)
		}
		if given[e.Type] += n; given[e.Type] > have && !spoilt[e.Type] {
			what := "units"
			if n != e.Units {
				what = "hosts"
			}
			r.add(at+".units", "", "exports of %s come to %d %s; the pool has %d hosts", e.Type, given[e.Type], what, have)
		}
		for _, p := range a.Pools {
			if p.Type == e.Type {
				checkSizes(r, at+".properties", e, p)
			}
		}
	}
	if a.COD != nil {
		checkCOD(c, r, at, a)
	}
}

// checkBuys refuses to buy from oneself, and two holdings of one name.
func checkBuys(c Config, r *reader, at string, a Actor) {
	seen := map[actors.ReservationID]int{}
	for i, b := range a.Buys {
		at := fmt.Sprintf("%s.buys[%d]", at, i)
		if b.From == "" || b.Type == "" {
			continue
		}
		c.mustBe(r, at+".from", b.From, actors.RoleBroker)
		if b.From == a.Name {
			r.add(at+".from", "", "%s cannot buy from itself", a.Name)
		}
		if b.Length > 0 && b.Length.Milliseconds() < 10*int64(c.Clock.Length) {
			r.add(at+".length", "", "is shorter than ten cycles of %d ms: there would be no time to renew it", c.Clock.Length)
		}
		id := c.Holding(a, b)
		if first, twice := seen[id]; twice {
			r.add(at, "give it a name", "is the same holding as buys[%d]", first)
		}
		seen[id] = i
	}
}

// checkSizes refuses to promise hosts larger than those that the pool says it has.
func checkSizes(r *reader, at string, e Export, p Pool) {
	for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
		promised, err := strconv.Atoi(e.Properties[name])
		if err != nil || actors.Properties(e.Properties).Sizes()[name] == "" {
			continue
		}
		for _, h := range p.Hosts {
			has, err := strconv.Atoi(h.Properties[name])
			if name == "memory" && h.Memory > 0 {
				has, err = h.Memory, nil
			}
			if err == nil && has < promised {
				r.add(at+"."+name, "", "promises %d, and %s has %d", promised, cmp.Or(h.Name, h.Pattern), has)
				break
			}
		}
	}
}

func (p Pool) size() (n int) {
	for _, h := range p.Hosts {
		if h.Pattern != "" {
			n += h.Count
		} else {
			n++
		}
	}
	return n
}

// mustExist reports a name that nobody has, or gives its role.
func (c Config) mustExist(r *reader, path, name string) (actors.Role, bool) {
	_, role, ok := c.Find(name)
	if !ok {
		var names []string
		for _, a := range c.Actors {
			names = append(names, a.Name)
		}
		for _, p := range c.Peers {
			names = append(names, p.Name)
		}
		r.add(path, meant(name, names), "no actor or peer is called %q", name)
	}
	return role, ok
}

func (c Config) mustBe(r *reader, path, name string, want actors.Role) {
	if role, ok := c.mustExist(r, path, name); ok && role != want && role != 0 {
		r.add(path, "", "%s is role %s, not %s", name, role, article[want])
	}
}

// checkCOD asks whether the clusters' names and numbers suffice.
func checkCOD(c Config, r *reader, at string, a Actor) {
	at += ".cod"
	if c.Directory == nil {
		r.add(at, "add a directory block", "clusters are kept in a directory and there is none")
	}
	hosts := 0
	for _, p := range a.Pools {
		hosts += p.size()
	}
	if net := a.COD.Network; net.IsValid() {
		// The first and last address, and one for the site, are nobody's.
		if free := net.Addr().BitLen() - net.Bits(); free < bits.Len(uint(hosts+2)) {
			r.add(at+".network", "", "%v is too small for %d hosts", net, hosts)
		}
		if a.COD.Block != 0 && a.COD.Block <= net.Bits() {
			r.add(at+".block", "", "blocks of /%d do not fit twice into %v", a.COD.Block, net)
		}
		if a.COD.Gateway.IsValid() && !net.Contains(a.COD.Gateway) {
			r.add(at+".gateway", "", "%v lies outside %v", a.COD.Gateway, net)
		}
	}
}

// checkNetworks refuses clusters that would give out the same address.
func checkNetworks(c Config, r *reader) {
	for i, a := range c.Actors {
		for _, b := range c.Actors[:i] {
			if a.COD != nil && b.COD != nil && a.COD.Network.Overlaps(b.COD.Network) {
				r.add(fmt.Sprintf("actors[%d].cod.network", i), "",
					"%v overlaps %v of %s", a.COD.Network, b.COD.Network, b.Name)
			}
		}
	}
}

// maxInventory bounds the hosts of one file.
const maxInventory = 100_000

// checkInventory finds hosts and hardware addresses that occur twice, in any
// pool of any authority: they would be leased twice.
func checkInventory(c Config, r *reader) {
	total := 0
	for _, a := range c.Actors {
		for _, p := range a.Pools {
			total += p.size()
		}
	}
	if total > maxInventory {
		r.add("actors", "", "the pools come to %d hosts, more than the limit of %d", total, maxInventory)
		return
	}
	macs := map[string]string{}
	for i, a := range c.Actors {
		names := map[string]string{}
		for j, p := range a.Pools {
			for k, line := range p.Hosts {
				at := fmt.Sprintf("actors[%d].pools[%d].hosts[%d]", i, j, k)
				for _, h := range line.each() {
					if first, ok := names[h.Name]; ok && h.Name != "" {
						r.add(at, "", "host %s is in %s already", h.Name, first)
						break
					}
					if first, ok := macs[h.MAC]; ok && h.MAC != "" {
						r.add(at, "", "MAC address %s is in %s already", h.MAC, first)
						break
					}
					names[h.Name], macs[h.MAC] = at, at
				}
			}
		}
	}
}
