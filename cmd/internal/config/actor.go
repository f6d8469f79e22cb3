package config

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// role reads one of the three roles.
func (v value) role() actors.Role {
	roles := []actors.Role{actors.RoleManager, actors.RoleBroker, actors.RoleAuthority}
	s := v.text("")
	var names []string
	for _, r := range roles {
		if s == r.String() {
			return r
		}
		names = append(names, r.String())
	}
	if s != "" {
		v.r.add(v.path, meant(s, names), "unknown role %q", s)
	}
	return 0
}

// only asks for a key that belongs to certain roles, and reports it elsewhere.
func (o *object) only(role actors.Role, key string, for_ ...actors.Role) value {
	v := o.get(key)
	if role == 0 || !o.has(key) {
		return v
	}
	var names []string
	for _, r := range for_ {
		if r == role {
			return v
		}
		names = append(names, r.String())
	}
	o.r.addAt(o.keyAt[key], v.path, "", "is for role %s; this actor is role %s", strings.Join(names, " or "), role)
	return value{r: o.r, path: v.path}
}

// policies is the names of the packages below actors/policy that serve a role,
// its default first. Package wiring has the packages themselves.
var policies = map[actors.Role][]string{
	actors.RoleBroker:    {"fcfs", "bestfit", "edf", "evenload", "manual", "priority", "propshare", "worstfit"},
	actors.RoleAuthority: {"firstfit", "match", "quarantine"},
}

func readActor(v value) Actor {
	o := v.object()
	defer o.done()
	a := Actor{
		Name: o.need("name").name(),
		GUID: o.need("guid").guid(),
		Role: o.need("role").role(),
	}
	a.Keys = o.get("keys").text(filepath.Join("keys", a.Name))
	policy := o.only(a.Role, "policy", actors.RoleBroker, actors.RoleAuthority)
	if known := policies[a.Role]; len(known) > 0 {
		a.Policy = policy.word(known[0], known[1:]...)
	}
	a.Weights = readNumbers(o.only(a.Role, "weights", actors.RoleBroker))
	a.Priorities = readNumbers(o.only(a.Role, "priorities", actors.RoleBroker))
	o.only(a.Role, "quotas", actors.RoleBroker).list(func(_ int, v value) {
		a.Quotas = append(a.Quotas, readQuota(v))
	})
	a.Balance = o.only(a.Role, "balance", actors.RoleBroker).flag()
	if v := o.only(a.Role, "renewals", actors.RoleBroker); v.given() {
		a.Renewals = v.word("first", "by class")
	}
	a.Advance = o.only(a.Role, "advance", actors.RoleBroker).number(0, 0, 1_000_000)
	a.RedeemWithin = o.only(a.Role, "redeem_within", actors.RoleBroker).duration(0, time.Millisecond)
	a.Handler = readHandler(o.only(a.Role, "handler", actors.RoleManager, actors.RoleAuthority))
	a.DefaultBroker = o.only(a.Role, "default_broker", actors.RoleManager).name()
	o.only(a.Role, "guests", actors.RoleManager).list(func(_ int, v value) {
		a.Guests = append(a.Guests, readGuest(v))
	})
	o.only(a.Role, "sources", actors.RoleBroker).list(func(_ int, v value) {
		if file := v.text(""); file != "" {
			a.Sources = append(a.Sources, file)
		}
	})
	o.only(a.Role, "claims", actors.RoleBroker).list(func(_ int, v value) {
		a.Claims = append(a.Claims, readClaim(v))
	})
	o.only(a.Role, "buys", actors.RoleBroker).list(func(_ int, v value) {
		a.Buys = append(a.Buys, readBuy(v))
	})
	o.only(a.Role, "pools", actors.RoleAuthority).list(func(_ int, v value) {
		a.Pools = append(a.Pools, readPool(v))
	})
	o.only(a.Role, "exports", actors.RoleAuthority).list(func(_ int, v value) {
		a.Exports = append(a.Exports, readExport(v))
	})
	a.COD = readCOD(o.only(a.Role, "cod", actors.RoleAuthority))
	return a
}

// readNumbers reads a number for each of some actors.
func readNumbers(v value) map[string]int {
	o := v.object()
	defer o.done()
	var out map[string]int
	for _, name := range o.keys {
		if out == nil {
			out = map[string]int{}
		}
		out[name] = o.get(name).number(0, 1, 1_000_000)
	}
	return out
}

func readHandler(v value) *Handler {
	o := v.object()
	if !o.given() {
		return nil
	}
	defer o.done()
	o.need("driver")
	file, results := o.get("script"), o.get("results")
	h := &Handler{
		Driver:          o.get("driver").word("noop", Drivers...),
		Here:            o.get("here").flag(),
		SetupDelay:      o.get("setup_delay").duration(0, 0),
		TeardownDelay:   o.get("teardown_delay").duration(0, 0),
		CallLimit:       o.get("call_limit").duration(0, time.Second),
		FailFirst:       o.get("fail_first").number(0, 0, 1_000_000),
		FailProbability: o.get("fail_probability").fraction(),
		FailAlways:      o.get("fail_always").word("", "setup", "teardown", "both"),
		Journal:         o.get("journal").text(""),
		Tool:            o.get("tool").word("", "xl", "xm"),
	}
	h.Settings = o.get("settings").texted()
	machines := o.get("machines")
	machines.list(func(_ int, v value) {
		m := readMachine(v)
		if slices.ContainsFunc(h.Machines, func(o Machine) bool { return o.Name == m.Name }) {
			v.bad("is the second machine named %q", m.Name)
		}
		h.Machines = append(h.Machines, m)
	})
	switch {
	case h.Driver == "xen" && len(h.Machines) == 0:
		machines.bad("is needed: the control domains that xen speaks to")
	case slices.Contains(homeless, h.Driver) && len(h.Machines) > 0:
		machines.bad("is for a driver that works on machines; %s does not", h.Driver)
	case !slices.Contains(homeless, h.Driver) && h.Driver != "script" && len(h.Machines) == 0 && !h.Here:
		machines.bad("is needed: where %s works, or here: true for this machine", h.Driver)
	}
	if h.Driver != "xen" && h.Tool != "" {
		o.get("tool").bad("is for the driver xen; this one is %s", h.Driver)
	}
	if h.Driver == "script" {
		o.need("script")
		h.Script, h.Results = file.text(""), results.text("")
		return h
	}
	for _, v := range []value{file, results} {
		if v.given() {
			v.bad("is for the driver script; this one is %s", h.Driver)
		}
	}
	return h
}

// Drivers are the drivers of the program besides noop, by the names that configurations
// use. Package wiring has the drivers themselves.
var Drivers = []string{"delay", "exec", "fail", "file", "image", "ldapvalue", "lvm", "mount", "nfsexport", "script", "snmp", "sshkeys", "stage",
	"systemd", "template", "useradd", "xen", "zfs"}

// homeless are drivers that work on no machine of the unit's.
var homeless = []string{"noop", "delay", "fail", "ldapvalue", "snmp"}

func readMachine(v value) Machine {
	o := v.object()
	defer o.done()
	m := Machine{
		Name: o.need("name").label(), Forced: o.get("forced").flag(), Sudo: o.get("sudo").flag(), Migrate: o.get("migrate_to").text(""),
		Agent: o.get("agent").url("", "http", "https"),
	}
	if o.has("agent") {
		m.Certificate, m.Identity = o.need("certificate").text(""), o.need("identity").text("")
	}
	if !o.has("agent") || o.has("address") {
		m.Address, m.User, m.Key, m.HostKeys = o.need("address").hostPort(""), o.get("user").text("root"), o.need("key").text(""), o.need("host_keys").text("")
	}
	if m.Sudo && (m.Forced || m.Address == "") {
		o.get("sudo").bad("is for machines that are reached over SSH, without a forced command")
	}
	if host, _, err := net.SplitHostPort(m.Address); err == nil && m.Migrate == "" {
		m.Migrate = host
	}
	return m
}

func readPool(v value) Pool {
	o := v.object()
	defer o.done()
	p := Pool{Type: o.need("type").resourceType()}
	o.need("hosts").list(func(_ int, v value) { p.Hosts = append(p.Hosts, readHosts(v)) })
	return p
}

func readHosts(v value) Hosts {
	o := v.object()
	defer o.done()
	h := Hosts{
		Name:    o.get("name").label(),
		Pattern: o.get("pattern").pattern(),
		MAC:     o.get("mac").mac(),
		Memory:  o.get("memory").number(0, 1, 1<<30),
	}
	h.Properties = o.get("properties").texted()
	switch {
	case !o.given():
	case o.has("pattern") && o.has("name"):
		o.bad("has both a name and a pattern")
		o.get("first")
		o.get("count")
	case o.has("pattern"):
		h.First = o.get("first").number(1, 0, 1_000_000)
		h.Count = o.need("count").number(0, 1, maxInventory)
		if _, fits := macPlus(h.MAC, h.Count-1); !fits {
			o.r.add(join(o.path, "mac"), "", "%s counted up %d times runs over", h.MAC, h.Count-1)
			h.MAC = ""
		}
	default:
		o.need("name")
		for _, key := range []string{"first", "count"} {
			if o.get(key); o.has(key) {
				o.r.addAt(o.keyAt[key], join(o.path, key), "", "goes with a pattern, not with a name")
			}
		}
	}
	return h
}

// texted is named texts, nil if there are none.
func (v value) texted() (out map[string]string) {
	o := v.object()
	for _, key := range o.keys {
		if out == nil {
			out = map[string]string{}
		}
		out[key] = o.get(key).text("")
	}
	return out
}

// label is the name of a host: one DNS label.
func (v value) label() string {
	return parsed(v, "", func(s string) (string, error) {
		if !labelForm.MatchString(s) {
			return "", fmt.Errorf("is not a host name: lower-case letters, digits and dashes")
		}
		return s, nil
	})
}

var patternForm = regexp.MustCompile(`^[a-z0-9-]{0,40}%(0[1-9])?d[a-z0-9-]{0,12}$`)

// pattern is a host name with one %d or %0Nd where the number goes.
func (v value) pattern() string {
	return parsed(v, "", func(s string) (string, error) {
		if !patternForm.MatchString(s) || !labelForm.MatchString(fmt.Sprintf(s, 1)) {
			return "", fmt.Errorf("is not a host name with one number in it, such as node%%02d")
		}
		return s, nil
	})
}

func readExport(v value) Export {
	o := v.object()
	defer o.done()
	return Export{
		To:      o.need("to").name(),
		Type:    o.need("type").resourceType(),
		Units:   o.need("units").number(0, 1, 1_000_000),
		Until:   o.need("until").instant(time.Time{}),
		Tickets: o.get("tickets").word("", "sha256", "sharp"), Properties: o.get("properties").texted(),
	}
}

func readClaim(v value) Claim {
	o := v.object()
	defer o.done()
	return Claim{From: o.need("from").name(), Reservation: actors.ReservationID(o.need("reservation").text(""))}
}

func readBuy(v value) Buy {
	o := v.object()
	defer o.done()
	b := Buy{
		From:   o.need("from").name(),
		Type:   o.need("type").resourceType(),
		Units:  o.need("units").number(0, 1, 1_000_000),
		Length: o.need("length").duration(0, time.Millisecond),
		Renew:  o.get("renew").word("true", "false") == "true",
		Name:   actors.ReservationID(o.get("name").text("")),
	}
	b.Request = o.get("request").texted()
	return b
}
