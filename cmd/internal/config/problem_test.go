package config

import (
	"fmt"
	"strings"
	"testing"
)

// good is the file the cases below spoil.
const good = `version: 1
state: state
log: {level: info}
listen: {address: 127.0.0.1:8180}
clock: {begin: 2026-01-01T00:00:00Z, cycle: 1s}
directory: {base: "dc=example,dc=org"}
actors:
- name: site1
  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001
  role: authority
  pools:
  - {type: site1.node, hosts: [{pattern: n%d, count: 4, mac: "02:00:00:00:00:01"}, {name: big}]}
  exports:
  - {to: broker1, type: site1.node, units: 4, until: 2030-01-01T00:00:00Z}
  handler: {driver: noop, setup_delay: 1s, fail_probability: 0.5}
  cod: {network: 10.1.0.0/24, domain: c.example.org, uids: 20000-29999}
- name: sm1
  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0003
  role: manager
  default_broker: broker1
peers:
- name: broker1
  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002
  role: broker
  url: https://b.example.org
  certificate: b.pem
  allow: [updateTicket]
`

// spoiled is the good file with old replaced by new, and what Parse says of it.
type spoiled struct{ old, new, want string }

func (s spoiled) text() string {
	if s.old == "" {
		return s.new
	}
	return strings.Replace(good, s.old, s.new, 1)
}

var problems = []spoiled{
	// Shape of the file.
	{"", "", "c: the file is empty; start with version: 1, or let leasehold init write one"},
	{"", "# nothing\n", "c: the file is empty; start with version: 1, or let leasehold init write one"},
	{"", "a: [", "c:1:1: not YAML: did not find expected node content"},
	{"", "a: b\n c: d\n", "c:2:1: not YAML: mapping values are not allowed in this context"},
	{"", "- 1\n", "c:1:1: must be a block of keys, not a list"},
	{"", "seven", `c:1:1: must be a block of keys, not "seven"`},
	{"", "version: 1\n---\nversion: 1\n", "c:2:1: a second document starts here; the file must hold one"},
	{"", "version: 1\nactors:\n", "c:2:8: actors: must be a list, not nothing\nc:2:8: actors: must list at least one actor"},
	{"", "version: 1\nactors: []\n<<: {state: s}\n", "c:2:9: actors: must list at least one actor\nc:3:1: a key must be a plain word"},
	{"version: 1", "version: 2", `c:1:10: version: "2" is not between 1 and 1`},
	{"version: 1\n", "", "c:1:1: version: is missing"},
	{"state: state", "sate: state", `c:2:1: sate: unknown key; did you mean "state"?`},
	{"state: state", "state: a\nstate: b", "c:3:1: state: given twice; the first is on line 2"},
	{"state: state", "state:", "c:2:7: state: is empty"},
	{"state: state", "state: [a]", "c:2:8: state: must be a single value, not a list"},
	{"state: state", `state: "a\nb"`, "c:2:8: state: holds a control character or a line break"},
	{"state: state", "state: s\nadmin: s", "c:3:8: admin: is the state folder itself"},
	{"state: state", "metrics: here", `c:2:10: metrics: "here" is not of the form 127.0.0.1:9180`},
	{"state: state", "metrics: 0.0.0.0:9180", "c:2:10: metrics: whoever reaches it may read it: give a loopback address, and let a proxy that knows people stand before it"},
	{"state: state", "admin: /" + strings.Repeat("x", 100), "c:2:8: admin: is 101 characters long; a Unix socket's path may have 100"},
	{"state: state", "flavour: x", "c:2:1: flavour: unknown key; known: version, state, log, store, listen, clock, directory, admin, metrics, actors, peers, registries"},

	// Single values.
	{"level: info", "level: inof", `c:3:14: log.level: unknown value "inof"; did you mean "info"?`},
	{"level: info", "level: loud-and-clear", `c:3:14: log.level: unknown value "loud-and-clear"; known: info, debug, warn, error`},
	{"127.0.0.1:8180", "127.0.0.1", `c:4:19: listen.address: "127.0.0.1" is not host:port`},
	{"127.0.0.1:8180", "127.0.0.1:99999", `c:4:19: listen.address: "127.0.0.1:99999" has no port number from 0 to 65535`},
	{"127.0.0.1:8180", `":8180"`, "c:4:19: listen.address: :8180 tells peers no host to call; give listen.url"},
	{"127.0.0.1:8180", `"[::]:8180"`, "c:4:19: listen.address: [::]:8180 tells peers no host to call; give listen.url"},
	{"127.0.0.1:8180", "127.0.0.1:0", "c:4:19: listen.address: port 0 tells peers no port to call; give listen.url"},
	{"2026-01-01T00:00:00Z", "2026-01-01", `c:5:16: clock.begin: "2026-01-01" is not an RFC 3339 time such as 2030-01-31T12:00:00Z`},
	{"2026-01-01T00:00:00Z", "1960-01-01T00:00:00Z", `c:5:16: clock.begin: "1960-01-01T00:00:00Z" is not between the years 1970 and 9999`},
	{"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0001Z", `c:5:16: clock.begin: "2026-01-01T00:00:00.0001Z" is finer than a millisecond`},
	{"cycle: 1s", "cycle: 1", `c:5:45: clock.cycle: "1" is not a duration such as 500ms, 10s or 2h`},
	{"cycle: 1s", "cycle: 0s", `c:5:45: clock.cycle: "0s" is shorter than 1ms`},
	{"cycle: 1s", "cycle: 1500us", `c:5:45: clock.cycle: "1500us" is finer than a millisecond`},
	{`base: "dc=example,dc=org"`, `base: "example,dc=org"`, `c:6:19: directory.base: "example,dc=org" is no name such as dc=example,dc=org: malformed distinguished name: bad attribute name at octet 0`},
	{`{base: `, `{url: "ldap://h", base: `, "c:6:12: directory.bind: is missing\nc:6:12: directory.password_file: is missing"},
	{`{base: `, `{url: "ldap://h", listen: "h:1", bind: cn=a, password_file: p, base: `, "c:6:38: directory.listen: is for an embedded directory; this one is at ldap://h"},
	{`{base: `, `{url: embeded, base: `, `c:6:18: directory.url: unknown value "embeded"; did you mean "embedded"?`},
	{`{base: `, `{url: "ldap://u:p@h", base: `, `c:6:18: directory.url: "ldap://u:p@h" holds a user name; secrets belong in files`},

	// The store. It stands on line 2 in place of the state folder.
	{"state: state", "store: {kind: bolt}", `c:2:15: store.kind: unknown value "bolt"; did you mean "bbolt"?`},
	{"state: state", "store: {kind: memory, url: x, lease: 1s}", "c:2:23: store.url: is not for a store of kind memory\nc:2:31: store.lease: is not for a store of kind memory"},
	{"state: state", "store: {kind: ldap}", "c:2:8: store.url: is missing\nc:2:8: store.base: is missing\nc:2:8: store.bind: is missing\nc:2:8: store.password_file: is missing"},
	{"state: state", `store: {kind: ldap, url: "ldap://h", base: "o=x", bind: cn=a, password_file: p, standby: true}`, "c:2:81: store.standby: is not for a store of kind ldap"},
	{"state: state", `store: {kind: postgres, url: "postgres://u:p@h/d"}`, `c:2:30: store.url: "postgres://u:p@h/d" holds a password; secrets belong in files`},
	{"state: state", `store: {kind: postgres, url: "postgres://h/d?password=p"}`, `c:2:30: store.url: "postgres://h/d?password=p" holds a password; secrets belong in files`},
	{"state: state", `store: {kind: postgres, url: "http://h/d"}`, `c:2:30: store.url: "http://h/d" is not an address such as postgres://user@host.example.org:5432/database`},
	{"state: state", `store: {kind: postgres, url: "postgres://h/d", standby: yes, lease: 1ms}`, `c:2:57: store.standby: unknown value "yes"; known: false, true
c:2:69: store.lease: "1ms" is shorter than 100ms`},
	{"state: state", `store: {knd: bbolt}`, `c:2:9: store.knd: unknown key; did you mean "kind"?`},

	// Actors.
	{"name: site1", "name: site 1", `c:8:9: actors[0].name: "site 1" is not a name: 1 to 63 letters, digits, dots, dashes and underscores`},
	{"8f0001", "8F0001", `c:9:9: actors[0].guid: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8F0001" must be in lower case: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001`},
	{"8f0001", "8f00", `c:9:9: actors[0].guid: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f00" is not a UUID such as 6ba7b810-9dad-41d1-80b4-00c04fd430c8`},
	{"8f0003", "8f0001", "c:18:9: actors[1].guid: GUID 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001 is taken by actors[0]"},
	{"8f0002", "8f0001", "c:23:9: peers[0].guid: GUID 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001 is taken by actors[0]"},
	{"name: sm1", "name: site1", "c:17:9: actors[1].name: name site1 is taken by actors[0]"},
	{"role: authority", "role: autority", `c:10:9: actors[0].role: unknown role "autority"; did you mean "authority"?`},
	{"role: manager", "role: broker", "c:20:3: actors[1].default_broker: is for role manager; this actor is role broker"},
	{"default_broker: broker1", "policy: fcfs", "c:20:3: actors[1].policy: is for role broker or authority; this actor is role manager"},
	{"  handler: {driver", "  policy: fristfit\n  handler: {driver", `c:15:11: actors[0].policy: unknown value "fristfit"; did you mean "firstfit"?`},
	{"default_broker: broker1", "default_broker: broker2", `c:20:19: actors[1].default_broker: no actor or peer is called "broker2"; did you mean "broker1"?`},
	{"default_broker: broker1", "default_broker: site1", "c:20:19: actors[1].default_broker: site1 is role authority, not a broker"},
	{"role: manager\n  default_broker: broker1", "role: broker\n  weights: {sm2: 2}", `c:20:18: actors[1].weights.sm2: no actor or peer is called "sm2"; did you mean "sm1"?`},
	{"role: manager\n  default_broker: broker1", "role: broker\n  priorities: {sm1: 0}", `c:20:21: actors[1].priorities.sm1: "0" is not between 1 and 1000000`},
	{"role: manager\n  default_broker: broker1", "role: broker\n  quotas: [{client: sm2, units: 1}]", `c:20:21: actors[1].quotas[0].client: no actor or peer is called "sm2"; did you mean "sm1"?`},
	{"role: manager\n  default_broker: broker1", "role: broker\n  quotas: [{client: sm1, each: slice, units: 1}]", "c:20:12: actors[1].quotas[0]: is for exactly one of client, slice and each"},
	{"role: manager\n  default_broker: broker1", "role: broker\n  quotas: [{slice: web}]", "c:20:12: actors[1].quotas[0].units: is missing"},
	{"role: manager\n  default_broker: broker1", "role: broker\n  renewals: last", `c:20:13: actors[1].renewals: unknown value "last"; known: first, by class`},
	{"role: manager\n  default_broker: broker1", "role: broker\n  buys: [{from: sm1, type: a, units: 1, length: 1h}]", "c:20:17: actors[1].buys[0].from: sm1 cannot buy from itself"},
	{"role: manager\n  default_broker: broker1", "role: broker\n  buys: [{from: site1, type: a, units: 0, length: 1h}]", `c:20:17: actors[1].buys[0].from: site1 is role authority, not a broker
c:20:40: actors[1].buys[0].units: "0" is not between 1 and 1000000`},
	{"role: manager\n  default_broker: broker1", "role: broker\n  buys: [{from: broker1, type: a, units: 1, length: 9s}]", "c:20:53: actors[1].buys[0].length: is shorter than ten cycles of 1000 ms: there would be no time to renew it"},
	{"role: manager\n  default_broker: broker1", "role: broker\n  buys: [{from: broker1, type: a, units: 1, length: 1h}, {from: broker1, type: a, units: 2, length: 2h}]", "c:20:58: actors[1].buys[1]: is the same holding as buys[0]; give it a name"},
	{"default_broker: broker1", "buys: []", "c:20:3: actors[1].buys: is for role broker; this actor is role manager"},
	{"default_broker: broker1", "default_broker: broker1\n  guests: [{slice: w, type: a, length: 1h}]", `c:21:12: actors[1].guests[0].signal: is missing`},
	{"default_broker: broker1", "default_broker: broker1\n  guests: [{slice: w, type: a, length: 1h, signal: {every: 1s}}]", `c:21:52: actors[1].guests[0].signal: comes from exactly one of file, command and url`},
	{"default_broker: broker1", "default_broker: broker1\n  guests: [{slice: w, type: a, length: 1h, signal: {url: 'http://192.0.2.1/'}}]", `c:21:58: actors[1].guests[0].signal.url: "http://192.0.2.1/" is not an address on this machine`},
	{"default_broker: broker1", "default_broker: broker1\n  guests: [{slice: w, type: a, length: 1h, policy: static, least: 3}]", `c:21:12: actors[1].guests[0].units: is missing
c:21:60: actors[1].guests[0].least: is for the policy adaptive`},
	{"default_broker: broker1", "default_broker: broker1\n  guests: [{slice: w, type: a, length: 1h, units: 1, least: 5, most: 4, signal: {file: f}}]", `c:21:44: actors[1].guests[0].units: is for the policy static
c:21:54: actors[1].guests[0].least: 5 is more than most, 4`},
	{"default_broker: broker1", "default_broker: broker1\n  guests: [{slice: w, type: a, length: 1h, policy: static, units: 1}, {slice: w, type: a, length: 1h, policy: static, units: 1}]", `c:21:79: actors[1].guests[1].slice: slice w has a guest already`},
	{"default_broker: broker1", "weights: {sm1: 1}", "c:20:3: actors[1].weights: is for role broker; this actor is role manager"},
	{"name: big", "name: Big!", `c:12:91: actors[0].pools[0].hosts[1].name: "Big!" is not a host name: lower-case letters, digits and dashes`},
	{"name: big", "name: n3", "c:12:84: actors[0].pools[0].hosts[1]: host n3 is in actors[0].pools[0].hosts[0] already"},
	{"name: big", `name: big, mac: "02:00:00:00:00:03"`, "c:12:84: actors[0].pools[0].hosts[1]: MAC address 02:00:00:00:00:03 is in actors[0].pools[0].hosts[0] already"},
	{"name: big", "name: big, count: 3", "c:12:96: actors[0].pools[0].hosts[1].count: goes with a pattern, not with a name"},
	{"name: big", "name: big, pattern: m%d, count: 1", "c:12:84: actors[0].pools[0].hosts[1]: has both a name and a pattern"},
	{"name: big", "name: big, memory: 2 GiB", `c:12:104: actors[0].pools[0].hosts[1].memory: "2 GiB" is not a whole number`},
	{"pattern: n%d", "pattern: n%s", `c:12:42: actors[0].pools[0].hosts[0].pattern: "n%s" is not a host name with one number in it, such as node%02d`},
	{"02:00:00:00:00:01", "ff:ff:ff:ff:ff:fe", "c:12:62: actors[0].pools[0].hosts[0].mac: ff:ff:ff:ff:ff:fe counted up 3 times runs over"},
	{"02:00:00:00:00:01", "02:00", `c:12:62: actors[0].pools[0].hosts[0].mac: "02:00" is not a MAC address such as 02:00:00:00:00:01; put it in quotes`},
	{"to: broker1", "to: sm1", "c:14:10: actors[0].exports[0].to: sm1 is role manager, not a broker"},
	{"type: site1.node, units", "type: site1.nod, units", `c:14:25: actors[0].exports[0].type: no pool of type "site1.nod" at this authority; did you mean "site1.node"?`},
	{"units: 4", "units: 6", "c:14:44: actors[0].exports[0].units: exports of site1.node come to 6 units; the pool has 5 hosts"},
	{"units: 4", "units: 0", `c:14:44: actors[0].exports[0].units: "0" is not between 1 and 1000000`},
	{"units: 4", "units: 20, properties: {cpu: \"4\", hosts: \"5\", rack: r1}", "<nil>"},
	{"units: 4", "units: 20, properties: {cpu: \"4\", hosts: \"6\"}", "c:14:44: actors[0].exports[0].units: exports of site1.node come to 6 hosts; the pool has 5 hosts"},
	{"units: 4", "units: 4, properties: {cpu: many}", `c:14:59: actors[0].exports[0].properties: property cpu is "many": it must be a whole number from 1 to 1073741824`},
	{"units: 4", "units: 4, properties: {hosts: \"5\"}", `c:14:59: actors[0].exports[0].properties: property hosts is "5": it must be a whole number from 1 to the number of units, 4`},
	{"units: 4", "units: 4, properties: {hosts: \"4\"}", `c:14:59: actors[0].exports[0].properties: property hosts is "4": it says how many hosts the units are cut from, and no size of theirs is given`},
	{"{name: big}]}\n  exports:\n  - {to: broker1, type: site1.node, units: 4", "{name: big, memory: 1024, properties: {cpu: \"2\"}}]}\n  exports:\n  - {to: broker1, type: site1.node, units: 4, properties: {cpu: \"2\", memory: \"2048\"}",
		"c:14:78: actors[0].exports[0].properties.memory: promises 2048, and big has 1024"},
	{"2030-01-01", "2025-01-01", "c:14:54: actors[0].exports[0].until: is not after the clock's begin"},
	{"driver: noop", "driver: nop", `c:15:21: actors[0].handler.driver: unknown value "nop"; did you mean "noop"?`},
	{"setup_delay", "setup_dealy", `c:15:27: actors[0].handler.setup_dealy: unknown key; did you mean "setup_delay"?`},
	{"fail_probability: 0.5", "fail_probability: 1.5", `c:15:62: actors[0].handler.fail_probability: "1.5" is not a number from 0 to 1`},
	{"10.1.0.0/24", "10.1.0.9/24", `c:16:18: actors[0].cod.network: "10.1.0.9/24" has bits beyond its prefix; did you mean 10.1.0.0/24?`},
	{"10.1.0.0/24", "10.1.0.0/30", "c:16:18: actors[0].cod.network: 10.1.0.0/30 is too small for 5 hosts"},
	{"10.1.0.0/24", "10.1.0.0/29", "<nil>"},
	{"count: 4, mac: \"02:00:00:00:00:01\"}, {name: big}]}\n  exports:\n  - {to: broker1, type: site1.node, units: 4, until: 2030-01-01T00:00:00Z}\n  handler: {driver: noop, setup_delay: 1s, fail_probability: 0.5}\n  cod: {network: 10.1.0.0/24",
		"count: 5}, {name: big}]}\n  cod: {network: 10.1.0.0/29", "c:13:18: actors[0].cod.network: 10.1.0.0/29 is too small for 6 hosts"},
	{"role: manager\n  default_broker: broker1", "role: authority\n  cod: {network: 10.1.0.128/25, domain: d.example.org, uids: 1000-1000}",
		"c:20:18: actors[1].cod.network: 10.1.0.128/25 overlaps 10.1.0.0/24 of site1"},
	{"c.example.org", "c_example", `c:16:39: actors[0].cod.domain: "c_example" is not a lower-case domain such as cluster.example.org`},
	{"20000-29999", "20000-29999, block: 24, gateway: 10.2.0.1, next_server: x, homes: {server: y}", `c:16:80: actors[0].cod.block: blocks of /24 do not fit twice into 10.1.0.0/24
c:16:93: actors[0].cod.gateway: 10.2.0.1 lies outside 10.1.0.0/24
c:16:116: actors[0].cod.next_server: "x" is not an IPv4 address such as 10.1.0.1
c:16:126: actors[0].cod.homes.path: is missing`},
	{"20000-29999", "20000-29999, boot_file_uefi: core.efi", "c:16:89: actors[0].cod.boot_file_uefi: stands beside boot_file, which is for all when it is alone"},
	{"20000-29999", "29999-20000", `c:16:60: actors[0].cod.uids: "29999-20000" must start at 1000 or above and not end before it starts`},
	{`directory: {base: "dc=example,dc=org"}` + "\n", "", "c:15:8: actors[0].cod: clusters are kept in a directory and there is none; add a directory block"},

	// Peers.
	{"https://b.example.org", "b.example.org", `c:25:8: peers[0].url: "b.example.org" is not an absolute address such as http://host.example.org:8180/`},
	{"https://b.example.org", "ftp://b.example.org", `c:25:8: peers[0].url: "ftp://b.example.org" has scheme ftp; it must be http or https`},
	{"certificate: b.pem", "certificat: b.pem", "c:22:3: peers[0].certificate: is missing\nc:26:3: peers[0].certificat: unknown key; did you mean \"certificate\"?"},
	{"certificate: b.pem", "certificate: b.pem\n  profile: lax", `c:27:12: peers[0].profile: unknown value "lax"; known: strict, legacy, legacy-strong`},
	{"certificate: b.pem", "certificate: b.pem\nregistries:\n- url: http://r/\n  fingerprint: ab\n  learn: [king]", "c:28:8: registries[0].url: \"http://r/\" has scheme http; it must be https\nc:29:16: registries[0].fingerprint: \"ab\" is no fingerprint: want 32 pairs of hexadecimal digits for SHA-256, or 16 for MD5\nc:30:11: registries[0].learn[0]: unknown role \"king\"; known: manager, broker, authority\nc:31:3: registries[0].allow: unknown key; known: url, fingerprint, every, profile, learn"},
	{"certificate: b.pem", "certificate: b.pem\n  protocol: rest", `c:27:13: peers[0].protocol: unknown value "rest"; known: soap, xmlrpc`},
	{"certificate: b.pem", "certificate: b.pem\n  protocol: xmlrpc\n  profile: legacy\n  mtom: true", "c:29:3: peers[0].mtom: is for protocol soap, and this peer's is xmlrpc"},
	{"certificate: b.pem", "certificate: []", "c:26:16: peers[0].certificate: must name at least one file"},
	{"certificate: b.pem", "certificate: [b.pem, c.pem, b.pem]", `c:26:31: peers[0].certificate[2]: "b.pem" is there twice`},
	{"8f0002\n", "8F0002\n", `c:23:9: peers[0].guid: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8F0002" must be in lower case: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002`},
	{"8f0002\n", "8F0002\n  any_case_guid: true\n", "c:24:3: peers[0].any_case_guid: is for the legacy profiles, not for strict"},
	{"8f0002\n", "8F0003\n  any_case_guid: true\n  profile: legacy\n", "c:23:9: peers[0].guid: GUID 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0003 is taken by actors[1]"},
	{"8f0002\n", "8f00\n  any_case_guid: true\n  profile: legacy\n", `c:23:9: peers[0].guid: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f00" is not a UUID such as 46AEA103-1185-4E69-8AFA-53194582F5A9`},
	{"certificate: b.pem", "certificate: b.pem\n  signatures: [rsa-sha1, hmac-sha1]\n  digests: []\n  min_rsa_bits: 1024\n  tokens: [sky]\n  mutual: maybe\n  mtom: true", `c:27:3: peers[0].signatures: profile strict does not take signatures rsa-sha1
c:27:26: peers[0].signatures[1]: unknown signature "hmac-sha1"; did you mean "rsa-sha1"?
c:28:12: peers[0].digests: must list at least one digest
c:29:3: peers[0].min_rsa_bits: profile strict takes no RSA keys of less than 2048 bits
c:30:12: peers[0].tokens[0]: unknown token "sky"; did you mean "ski"?
c:31:11: peers[0].mutual: unknown value "maybe"; known: false, true
c:32:3: peers[0].mtom: is for the legacy profiles, not for strict`},
	{"certificate: b.pem", "certificate: b.pem\n  profile: legacy\n  mutual: true\n  expired_until: soon", `c:28:3: peers[0].mutual: only profile legacy-strong can be mutual
c:29:18: peers[0].expired_until: "soon" is not an RFC 3339 time such as 2030-01-31T12:00:00Z`},
	{"[updateTicket]", "[updateTikcet]", `c:27:11: peers[0].allow[0]: unknown operation "updateTikcet"; did you mean "updateTicket"?`},
}

func TestGood(t *testing.T) {
	t.Parallel()
	if _, err := Parse("c", []byte(good)); err != nil {
		t.Fatal(err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range problems {
		t.Run(fmt.Sprintf("%.20s to %.30s", tt.old, tt.new), func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(good, tt.old) {
				t.Fatalf("%q is not in the good file", tt.old)
			}
			_, err := Parse("c", []byte(tt.text()))
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestAllAtOnce: one run reports every slip, in the order of the file.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Parse("c", []byte(`version: 1
sate: x
clock: {cycle: soon}
actors:
- {name: a, guid: 7, role: manger, default_broker: zed}
peers: 3
`))
	want := `c:2:1: sate: unknown key; did you mean "state"?
c:3:16: clock.cycle: "soon" is not a duration such as 500ms, 10s or 2h
c:5:19: actors[0].guid: "7" is not a UUID such as 6ba7b810-9dad-41d1-80b4-00c04fd430c8
c:5:28: actors[0].role: unknown role "manger"; did you mean "manager"?
c:5:52: actors[0].default_broker: no actor or peer is called "zed"; known: a
c:6:8: peers: must be a list, not "3"`
	if got := fmt.Sprint(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	const head = "version: 1\nactors:\n- {name: b, guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001, role: authority, pools: "
	tests := []struct{ name, text, want string }{
		{"bytes", strings.Repeat("#", MaxBytes+1), "c: the file has 1048577 bytes, more than the limit of 1048576"},
		{"aliases", head + "[{type: t0, hosts: &h [" + strings.Repeat("{name: x},", 3000) + "]}" +
			strings.Repeat(", {type: t, hosts: *h}", 40) + "]}\n", "more than 100000 keys and values, aliases counted each time"},
		{"a loop of aliases", "version: 1\nactors: &a [*a]\n", "must be a block of keys"},
		{"depth", "version: 1\nactors: " + strings.Repeat("[", 10_001), "exceeded max depth"},
		{"hosts in a line", head + "[{type: t, hosts: [{pattern: n%d, count: 100001}]}]}\n", `"100001" is not between 1 and 100000`},
		{"hosts in all", head + "[{type: t, hosts: [" + strings.Repeat("{pattern: n%d, count: 10000},", 11) + "]}]}\n", "the pools come to 110000 hosts, more than the limit of 100000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse("c", []byte(tt.text))
			for _, a := range c.Actors {
				n := 0
				for _, p := range a.Pools {
					n += len(p.Hosts)
				}
				if n > MaxNodes/2 {
					t.Errorf("%d lines of inventory were read all the same", n)
				}
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %.500v, want %q in it", err, tt.want)
			}
			if ps, _ := err.(Problems); len(ps) > maxProblems {
				t.Errorf("%d problems reported, more than %d", len(ps), maxProblems)
			}
		})
	}
}
