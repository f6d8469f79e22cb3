package config

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// YAML writes c as a file for people: every block under a comment that says what
// it is for. Parse reads the same Config from it, provided c came from Parse; a
// Config made by hand must obey Parse's rules and may leave out what has a default.
func (c Config) YAML() []byte {
	var w writer
	w.head("Configuration of leasehold serve. Relative paths start from this file's folder.",
		"leasehold config check says everything that is wrong with it, with line and column.")
	w.line(0, "version: %d", Version)
	w.head("The folder of what this process keeps, and the socket of the operator commands.")
	w.optional(0, "state", c.State)
	w.optional(0, "admin", c.Admin)
	if c.Metrics != "" {
		w.head("Where monitoring reads counts, as OpenMetrics text at /metrics.")
		w.optional(0, "metrics", c.Metrics)
	}
	w.store(c.Store)
	w.head("level: debug, info, warn or error. format: text or json.")
	w.line(0, "log: {level: %s, format: %s}", cmp.Or(c.Log.Level, "info"), cmp.Or(c.Log.Format, "text"))
	w.head("The address this process binds, and the one its peers are told to call.")
	w.line(0, "listen:")
	w.line(1, "address: %s", quote(cmp.Or(c.Listen.Address, defaultAddress)))
	w.optional(1, "url", c.Listen.URL)
	w.head("Leases are counted in cycles. All actors of a federation should agree on these two.")
	w.line(0, "clock:")
	w.line(1, "begin: %s", instant(time.UnixMilli(int64(c.Clock.Begin))))
	w.line(1, "cycle: %s", time.Duration(cmp.Or(c.Clock.Length, 1000))*time.Millisecond)
	if c.Ticks == TicksExternal {
		w.line(1, "ticks: external # operators move the clock: leasehold clock tick")
	}
	if c.Directory != nil {
		w.directory(*c.Directory)
	}
	w.head("The actors of this process. guid is who an actor is; keys is the folder of its key.")
	w.line(0, "actors:")
	for i, a := range c.Actors {
		if i > 0 {
			w.WriteByte('\n')
		}
		w.actor(a)
	}
	w.head("Actors elsewhere that ours may speak with. The key in the certificate is pinned.",
		"leasehold peer add writes them, and its help says what can be set of each.")
	if len(c.Peers) == 0 {
		w.line(0, "peers: []")
	} else {
		w.line(0, "peers:")
	}
	for _, p := range c.Peers {
		w.peer(p)
	}
	w.memberships(c.Registries)
	return []byte(w.String())
}

type writer struct{ strings.Builder }

func (w *writer) line(depth int, format string, args ...any) {
	w.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// head starts a block with its comment.
func (w *writer) head(lines ...string) {
	if w.Len() > 0 {
		w.WriteByte('\n')
	}
	for _, l := range lines {
		w.line(0, "# %s", l)
	}
}

func (w *writer) directory(d Directory) {
	w.head("Where clusters are kept: embedded, or an LDAP server at ldap:// or ldaps://.")
	w.line(0, "directory:")
	w.line(1, "url: %s", quote(cmp.Or(d.URL, "embedded")))
	w.optional(1, "listen", d.Listen)
	w.line(1, "base: %s", quote(string(d.Base)))
	w.optional(1, "bind", string(d.Bind))
	w.optional(1, "password_file", d.PasswordFile)
}

func (w *writer) optional(depth int, key, val string) {
	if val != "" {
		w.line(depth, "%s: %s", key, quote(val))
	}
}

func (w *writer) numbers(depth int, key string, of map[string]int) {
	if len(of) > 0 {
		w.line(depth, "%s:", key)
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		w.line(depth+1, "%s: %d", quote(name), of[name])
	}
}

func (w *writer) actor(a Actor) {
	w.line(1, "- name: %s", quote(a.Name))
	w.line(2, "guid: %s", quote(string(a.GUID)))
	w.line(2, "role: %s", a.Role)
	w.optional(2, "keys", a.Keys)
	w.optional(2, "policy", a.Policy)
	w.numbers(2, "weights", a.Weights)
	w.numbers(2, "priorities", a.Priorities)
	if a.Balance {
		w.line(2, "balance: true")
	}
	w.optional(2, "renewals", a.Renewals)
	if a.Advance > 0 {
		w.line(2, "advance: %d # cycles before the start; not sooner", a.Advance)
	}
	if a.RedeemWithin > 0 {
		w.line(2, "redeem_within: %s # of a ticket's start; later it flows back", a.RedeemWithin)
	}
	if len(a.Quotas) > 0 {
		w.line(2, "quotas: # what clients and slices may hold at any one instant")
		for _, q := range a.Quotas {
			w.quota(q)
		}
	}
	w.optional(2, "default_broker", a.DefaultBroker)
	if len(a.Guests) > 0 {
		w.line(2, "guests: # whom it leases for by itself")
		for _, g := range a.Guests {
			w.guest(g)
		}
	}
	if len(a.Sources) > 0 {
		w.line(2, "sources: # tickets it sells from")
		for _, s := range a.Sources {
			w.line(3, "- %s", quote(s))
		}
	}
	if len(a.Claims) > 0 {
		w.line(2, "claims: # exports to be fetched from sites")
		for _, c := range a.Claims {
			w.line(3, "- {from: %s, reservation: %s}", quote(c.From), quote(string(c.Reservation)))
		}
	}
	if len(a.Buys) > 0 {
		w.line(2, "buys: # what it buys from other brokers, to sell on")
		for _, b := range a.Buys {
			w.buy(b)
		}
	}
	if len(a.Pools) > 0 {
		w.line(2, "pools: # what there is to lease")
		for _, p := range a.Pools {
			w.pool(p)
		}
	}
	if len(a.Exports) > 0 {
		w.line(2, "exports: # what brokers may sell, and until when")
		for _, e := range a.Exports {
			tickets := ""
			if e.Tickets != "" {
				tickets = ", tickets: " + e.Tickets
			}
			if len(e.Properties) > 0 {
				tickets += ", properties: " + flow(e.Properties)
			}
			w.line(3, "- {to: %s, type: %s, units: %d, until: %s%s}",
				quote(e.To), quote(string(e.Type)), e.Units, instant(e.Until), tickets)
		}
	}
	if a.COD != nil {
		w.line(2, "cod: # addresses, names and account numbers of the nodes in its clusters")
		w.cod(*a.COD)
	}
	if a.Handler != nil {
		w.handler(*a.Handler)
	}
}

func (w *writer) buy(b Buy) {
	fields := []string{"from: " + quote(b.From), "type: " + quote(string(b.Type)), fmt.Sprintf("units: %d", b.Units),
		fmt.Sprintf("length: %s", b.Length), fmt.Sprintf("renew: %t", b.Renew)}
	if b.Name != "" {
		fields = append(fields, "name: "+quote(string(b.Name)))
	}
	if len(b.Request) > 0 {
		fields = append(fields, "request: "+flow(b.Request))
	}
	w.line(3, "- {%s}", strings.Join(fields, ", "))
}

// flow is properties on one line.
func flow(p map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		out = append(out, quote(k)+": "+quote(p[k]))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func (w *writer) pool(p Pool) {
	w.line(3, "- type: %s", quote(string(p.Type)))
	if len(p.Hosts) == 0 {
		w.line(4, "hosts: []")
		return
	}
	w.line(4, "hosts:")
	for _, h := range p.Hosts {
		fields := []string{"name: " + quote(h.Name)}
		if h.Pattern != "" {
			fields = []string{
				"pattern: " + quote(h.Pattern),
				fmt.Sprintf("first: %d", h.First),
				fmt.Sprintf("count: %d", h.Count),
			}
		}
		if h.MAC != "" {
			fields = append(fields, "mac: "+quote(h.MAC))
		}
		if h.Memory > 0 {
			fields = append(fields, fmt.Sprintf("memory: %d", h.Memory))
		}
		if len(h.Properties) > 0 {
			fields = append(fields, "properties: "+flow(h.Properties))
		}
		w.line(5, "- {%s}", strings.Join(fields, ", "))
	}
}

func (w *writer) handler(h Handler) {
	w.line(2, "handler: # what makes a unit usable, and undoes it")
	w.line(3, "driver: %s", h.Driver)
	if h.SetupDelay > 0 {
		w.line(3, "setup_delay: %s", h.SetupDelay)
	}
	if h.TeardownDelay > 0 {
		w.line(3, "teardown_delay: %s", h.TeardownDelay)
	}
	if h.CallLimit > 0 {
		w.line(3, "call_limit: %s", h.CallLimit)
	}
	if h.FailFirst > 0 {
		w.line(3, "fail_first: %d", h.FailFirst)
	}
	if h.FailProbability > 0 {
		w.line(3, "fail_probability: %s", strconv.FormatFloat(h.FailProbability, 'g', -1, 64))
	}
	w.optional(3, "fail_always", h.FailAlways)
	w.optional(3, "journal", h.Journal)
	w.optional(3, "tool", h.Tool)
	w.optional(3, "script", h.Script)
	w.optional(3, "results", h.Results)
	if len(h.Settings) > 0 {
		w.line(3, "settings: %s", flow(h.Settings))
	}
	if h.Here {
		w.line(3, "here: true # units whose machine is not listed are worked on from this one")
	}
	if len(h.Machines) == 0 {
		return
	}
	w.line(3, "machines: # where it works; a unit's host names one, or its property machine does")
	for _, m := range h.Machines {
		w.line(4, "- name: %s", quote(m.Name))
		if m.Address != "" {
			w.line(5, "address: %s", quote(m.Address))
			w.line(5, "user: %s", quote(m.User))
			w.line(5, "key: %s", quote(m.Key))
			w.line(5, "host_keys: %s", quote(m.HostKeys))
		}
		w.optional(5, "agent", m.Agent)
		w.optional(5, "certificate", m.Certificate)
		w.optional(5, "identity", m.Identity)
		w.line(5, "forced: %t", m.Forced)
		if m.Sudo {
			w.line(5, "sudo: true")
		}
		w.optional(5, "migrate_to", m.Migrate)
	}
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }

// plain words are what every YAML reader takes for the same string.
var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./=@-]*(:[A-Za-z0-9_./=@-]+)*$`)

// words that YAML 1.1 or 1.2 readers take for something else.
var special = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`)

// quote writes s so that it is read back as that string.
func quote(s string) string {
	if isUUID(s) || plain.MatchString(s) && !special.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
