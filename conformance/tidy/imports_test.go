package tidy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// policy says who may import whom inside the module, and which module from
// elsewhere after a plus sign. After an exclamation mark stand exceptions to
// purity. Tests may import what they like.
//
// Everything on the right of a line has its own line above, so reading order is
// the proof that there is no cycle. A star stands for one folder name, three
// dots for everything above. A line nobody needs, or a permission nobody uses, is
// a finding: the text is the map.
const policy = `
[pure] Same input, same output: no clock, chance, I/O, logging or goroutine.
wire:
wire/xmltree:
wire/plist:             wire
wire/soap:              wire wire/xmltree
wire/wsdl:              wire wire/soap + etree
wire/xmlrpc:            wire wire/xmltree
wire/xmlrpc/leasing:    wire wire/xmlrpc
wire/nodeagent:         wire wire/xmlrpc wire/xmltree
wssec/c14n:             wire/xmltree
wssec/dsig:             wire/xmltree wssec/c14n + sha1cd
wssec:                  wire wire/xmlrpc wire/xmltree wssec/c14n wssec/dsig ! sync
wssec/ticket/xstream:   wire/xmltree
wssec/ticket:           wire/xmltree wssec/ticket/xstream ! sync
ldapschema:
handlers/run:
handlers/run/posix:     handlers/run
handlers:               handlers/run
actors:
actors/check:           actors
actors/fsm:
actors/agenda:          actors
actors/calendar:        actors
actors/ledger:          actors actors/calendar
actors/pace:            actors
actors/policy:          actors actors/calendar
actors/policy/desk:     actors actors/calendar actors/policy
actors/policy/fcfs:     actors/policy actors/policy/desk
actors/policy/match:    actors actors/calendar actors/policy
actors/policy/supply:   actors actors/policy
actors/policy/*:        actors actors/calendar actors/policy actors/policy/desk actors/policy/fcfs actors/policy/match actors/policy/supply
actors/manager:         actors actors/agenda actors/check actors/fsm actors/policy
actors/broker:          actors actors/agenda actors/check actors/calendar actors/fsm actors/ledger actors/policy
actors/authority:       actors actors/agenda actors/check actors/calendar actors/fsm actors/ledger actors/pace actors/policy
actors/translate:       actors actors/check wire wire/plist wssec/ticket
actors/evidence:        actors actors/ledger actors/translate wssec/ticket
actors/emulate:         actors actors/authority actors/broker actors/manager actors/policy + yaml
handlers/script:        actors/check handlers/run + yaml
handlers/script/ant:    handlers/script
handlers/nodeagent/pack:
cod/pool:               actors/calendar actors/fsm actors/policy/desk
cod:                    actors actors/calendar actors/fsm actors/policy actors/policy/desk cod/pool handlers ldapschema
cod/guest:              ldapschema
cod/daemons:            cod cod/guest ldapschema
cod/dns/zones:          ldapschema + dns
cod/boot/loader:        ldapschema
cod/exports/table:      ldapschema
cod/inventory:          ldapschema

[world] Each touches one thing outside the process.
wire/xmlrpc/client:     wire wire/xmlrpc + xmlrpc
wire/xmlrpc/server:     wire wire/xmlrpc
wssec/keys:             wssec
handlers/run/sshrun:    handlers/run + crypto
handlers/run/agentrun:  handlers/run wire/nodeagent wire/xmlrpc wire/xmlrpc/client wssec wssec/keys
handlers/run/*:         handlers/run
handlers/nodeagent:     handlers/nodeagent/pack handlers/run wire/nodeagent wire/xmltree wssec/keys
handlers/nodeagent/serve: handlers/nodeagent wire/nodeagent wire/soap wire/xmlrpc wire/xmlrpc/server wire/xmltree wssec
handlers/drivers/scripted: handlers handlers/run handlers/script
handlers/drivers/exec:  handlers handlers/run handlers/script
handlers/drivers/file:  handlers handlers/run handlers/run/posix handlers/script
handlers/drivers/ldapvalue: handlers handlers/run + go-ldap
handlers/drivers/snmp:  handlers handlers/run + gosnmp
handlers/drivers/stage: handlers handlers/run handlers/run/posix + crypto
handlers/drivers/*:     handlers handlers/run handlers/run/posix
actors/clock:           actors
actors/heap:
actors/signal:          actors actors/clock + logrus
handlers/lane:          actors actors/clock handlers handlers/run
actors/registry:        actors wssec wssec/ticket
actors/store:           actors
actors/store/memory:    actors actors/store
actors/store/bbolt:     actors actors/store + bbolt
actors/store/postgres:  actors actors/store + pgx
actors/registrar:       actors actors/clock wire wire/xmlrpc wire/xmlrpc/leasing wire/xmlrpc/server wssec + bbolt logrus
actors/registrar/member: actors actors/registrar actors/registry wire/xmlrpc wire/xmlrpc/client wssec wssec/keys
actors/host:            actors actors/clock actors/store + logrus
actors/remote:          actors actors/clock actors/registry actors/translate wire wire/soap wire/xmlrpc wire/xmlrpc/client wire/xmlrpc/leasing wire/xmltree wssec wssec/keys wssec/ticket + logrus
actors/endpoint:        actors actors/clock actors/registry actors/translate wire wire/soap wire/wsdl wire/xmlrpc wire/xmlrpc/leasing wire/xmlrpc/server wire/xmltree wssec wssec/keys wssec/ticket + logrus
actors/manage:          actors actors/calendar actors/check actors/clock actors/evidence actors/host actors/policy + logrus
cod/directory:          ldapschema
cod/directory/tree:     cod/directory ldapschema
cod/directory/memdir:   cod/directory cod/directory/tree ldapschema
cod/directory/ldapdir:  cod/directory ldapschema + asn1-ber go-ldap
actors/store/ldap:      actors actors/store cod/directory cod/directory/ldapdir ldapschema
cod/directory/embedded: cod/directory cod/directory/tree ldapschema + asn1-ber bbolt logrus
cod/feed:               cod/directory ldapschema + logrus
cod/dns:                cod/directory cod/dns/zones cod/feed + dns logrus
cod/dhcp:               ldapschema + dhcp
cod/exports:            cod/directory cod/exports/table cod/feed ldapschema
cod/boot:               cod/boot/loader cod/directory cod/feed ldapschema + logrus
cod/upkeep:             cod cod/boot/loader cod/directory cod/inventory ldapschema
cod/site:               actors actors/clock cod cod/directory cod/feed handlers handlers/run ldapschema + logrus

[suites] What every implementation of an interface passes, and what tests start.
actors/policy/policytest: actors actors/calendar actors/policy + rapid
actors/store/storetest: actors actors/store
actors/store/postgres/takeovers: actors actors/store actors/store/postgres actors/store/storetest
cod/directory/dirtest:  cod/directory ldapschema
handlers/drivertest:    handlers handlers/run
conformance/setup:      ldapschema + crypto go-ldap gosnmp pgx sys

[seeded] Judges that play worlds from seeds: pure but for the generator, and for playing several at once.
conformance/sim:        ... ! sync

[judges] They may see everything below, and nothing sees them.
conformance/peers:
conformance/rpcpeers:
conformance/scale:      actors actors/authority actors/broker actors/clock actors/endpoint actors/host actors/manager actors/policy/* actors/registry actors/remote actors/store actors/store/memory actors/translate wssec/keys wssec/ticket + logrus
conformance/site:
conformance/tidy:
conformance/timeline:
conformance/xen:

[programs]
cmd/internal/config:    actors actors/check actors/policy actors/registrar actors/registrar/member handlers/script ldapschema wire/xmlrpc/leasing wssec wssec/keys + yaml
cmd/internal/group:     actors/check actors/manage + yaml
cmd/internal/inspect:   wire/soap wire/xmltree wssec/c14n + sha1cd
cmd/internal/starter:   ... + uuid
cmd/internal/wiring:    ... + crypto logrus uuid
cmd/internal/demo:      ... + logrus
cmd/leasehold:          ... + cobra logrus systemd uuid
cmd/leasehold-nodeagent: handlers/nodeagent handlers/nodeagent/serve
`

// elsewhere is the short names of modules that policy uses.
var elsewhere = map[string]string{
	"asn1-ber":  "github.com/go-asn1-ber/asn1-ber",
	"bbolt":     "go.etcd.io/bbolt",
	"dhcp":      "github.com/insomniacslk/dhcp",
	"dns":       "github.com/miekg/dns",
	"crypto":    "golang.org/x/crypto",
	"cobra":     "github.com/spf13/cobra",
	"etree":     "github.com/beevik/etree",
	"go-ldap":   "github.com/go-ldap/ldap/v3",
	"gosnmp":    "github.com/gosnmp/gosnmp",
	"goxmldsig": "github.com/russellhaering/goxmldsig",
	"logrus":    "github.com/sirupsen/logrus",
	"pgx":       "github.com/jackc/pgx/v5",
	"rapid":     "pgregory.net/rapid",
	"sys":       "golang.org/x/sys",
	"systemd":   "github.com/coreos/go-systemd/v22",
	"sha1cd":    "github.com/pjbgf/sha1cd",
	"uuid":      "github.com/google/uuid",
	"xmlrpc":    "github.com/kolo/xmlrpc",
	"yaml":      "go.yaml.in/yaml/v3",
}

// rule is one line of a policy.
type rule struct {
	section string // the word in brackets above it
	dir     string // may hold stars
	line    int
	above   []*rule         // all lines above, when it may import them
	allowed []string        // folders, and after them short names with a plus sign before
	used    map[string]bool // those somebody needs
	except  []string        // standard packages it may import though pure
	found   bool            // some package is this one
}

// parsePolicy reads a policy and checks its order.
func parsePolicy(text string) (rules []*rule, bad []finding) {
	section := ""
	for n, line := range strings.Split(text, "\n") {
		complain := func(format string, args ...any) {
			bad = append(bad, finding{"policy", n + 1, fmt.Sprintf(format, args...)})
		}
		if line == "" {
			continue
		}
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "["), "]"); ok && line[0] == '[' {
			section = name
			continue
		}
		dir, list, ok := strings.Cut(line, ":")
		if !ok {
			complain("%q is neither a rule nor a heading", line)
			continue
		}
		r := &rule{section: section, dir: strings.TrimSpace(dir), line: n + 1, used: map[string]bool{}}
		if slices.ContainsFunc(rules, func(o *rule) bool { return o.dir == r.dir }) {
			complain("%s has two lines", r.dir)
		}
		list, except, _ := strings.Cut(list, "!")
		r.except = strings.Fields(except)
		own, other, _ := strings.Cut(list, "+")
		for _, d := range strings.Fields(own) {
			if d == "..." {
				r.above = slices.Clone(rules)
				continue
			}
			if !slices.ContainsFunc(rules, func(o *rule) bool { return o.dir == d }) {
				complain("%s: %s has no line above", r.dir, d)
			}
			r.allowed = append(r.allowed, d)
		}
		for _, m := range strings.Fields(other) {
			if elsewhere[m] == "" {
				complain("%s: %s is not the short name of a module", r.dir, m)
			}
			r.allowed = append(r.allowed, "+"+m)
		}
		rules = append(rules, r)
	}
	return rules, bad
}

// ruleFor is the line that speaks of a folder: its own, or one with a star.
func ruleFor(rules []*rule, dir string) *rule {
	for _, starred := range []bool{false, true} {
		for _, r := range rules {
			if ok, _ := path.Match(r.dir, dir); ok && strings.Contains(r.dir, "*") == starred {
				return r
			}
		}
	}
	return nil
}

// permits finds the permission of r that covers an import, and uses it up.
func (r *rule) permits(what string, own bool) bool {
	if own && r.above != nil && ruleFor(r.above, what) != nil {
		return true
	}
	for _, a := range r.allowed {
		mod, foreign := strings.CutPrefix(a, "+")
		ok := false
		switch {
		case own && !foreign:
			ok, _ = path.Match(a, what)
		case !own && foreign:
			ok = what == elsewhere[mod] || strings.HasPrefix(what, elsewhere[mod]+"/")
		}
		if ok {
			r.used[a] = true
			return true
		}
	}
	return false
}

func importPolicy(r *repo, text string) []finding {
	rules, out := parsePolicy(text)
	for _, p := range r.packages {
		rule := ruleFor(rules, p.dir)
		if rule == nil {
			out = append(out, finding{p.dir, 0, "package has no line in the policy"})
			continue
		}
		rule.found = true
		for _, f := range p.code() {
			for _, spec := range f.ast.Imports {
				what, own := importOf(spec)
				if !own && !strings.Contains(strings.Split(what, "/")[0], ".") {
					continue // the standard library
				}
				if !rule.permits(what, own) {
					out = append(out, f.find(spec.Pos(), "the policy does not let %s import %s", p.dir, what))
				}
			}
		}
	}
	for _, rule := range rules {
		if !rule.found {
			out = append(out, finding{"policy", rule.line, rule.dir + " is no package"})
			continue
		}
		for _, a := range rule.allowed {
			if !rule.used[a] {
				out = append(out, finding{"policy", rule.line, fmt.Sprintf("%s does not import %s", rule.dir, strings.TrimPrefix(a, "+"))})
			}
		}
	}
	return out
}

func TestImportPolicyBites(t *testing.T) {
	t.Parallel()
	with := func(policy string) func(*repo) []finding {
		return func(r *repo) []finding { return importPolicy(r, policy) }
	}
	const mod = `"` + module + `/`
	in := tree{
		"wire/w.go":            "package wire\nimport \"os\"\n",
		"actors/a.go":          "package actors\nimport " + mod + "wire\"\n",
		"actors/a_test.go":     "package actors\nimport " + mod + "cod\"\n",
		"actors/store/db/d.go": "package db\nimport (\n\"go.etcd.io/bbolt\"\n\"example.org/x\"\n)\n",
		"cod/c.go":             "package cod\nimport " + mod + "actors/store/db\"\n",
	}
	bites(t, with("[pure]\nwire:\nactors: wire\nactors/store/*: + bbolt\n[world]\ncod: actors/store/*\n"), in,
		"actors/store/db/d.go:4: the policy does not let actors/store/db import example.org/x")
	bites(t, with("[pure]\nactors: wire\nwire:\nactors/store/*: + bbolt yaml\nold: wire + nobody\ncod: actors/store/* wire\nwire:\n?\n"), in,
		"actors/store/db/d.go:4: the policy does not let actors/store/db import example.org/x",
		"policy:2: actors: wire has no line above",
		"policy:4: actors/store/* does not import yaml",
		"policy:5: old: nobody is not the short name of a module",
		"policy:5: old is no package",
		"policy:6: cod does not import wire",
		"policy:7: wire has two lines",
		"policy:7: wire is no package",
		`policy:8: "?" is neither a rule nor a heading`)
	bites(t, with("wire:\nactors/store/*: + bbolt\nactors: ...\ncod: ...\n"), in,
		"actors/store/db/d.go:4: the policy does not let actors/store/db import example.org/x")
	bites(t, with("wire:\ncod: ...\nactors/store/*: + bbolt\nactors: ...\n"), in,
		"actors/store/db/d.go:4: the policy does not let actors/store/db import example.org/x",
		"cod/c.go:2: the policy does not let cod import actors/store/db")
	bites(t, with("wire:\nactors: wire\nactors/store/*: + bbolt\ncod: wire\n"), in,
		"actors/store/db/d.go:4: the policy does not let actors/store/db import example.org/x",
		"cod/c.go:2: the policy does not let cod import actors/store/db",
		"policy:4: cod does not import wire")
	bites(t, with("wire:\nactors:\nactors/store/db: + bbolt\n"), in,
		"actors/a.go:2: the policy does not let actors import wire",
		"actors/store/db/d.go:4: the policy does not let actors/store/db import example.org/x",
		"cod: package has no line in the policy")
}
