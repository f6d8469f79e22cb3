package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// withHandler is the full configuration with another handler at its site.
func withHandler(t *testing.T, handler string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^    handler: \{driver: noop, setup_delay.*$`)
	if !line.Match(data) {
		t.Fatal("full.yaml has no such handler")
	}
	return line.ReplaceAllLiteral(data, []byte("    handler:\n"+handler))
}

// TestMachines: the machines that a driver works on, read and written.
func TestMachines(t *testing.T) {
	t.Parallel()
	c, err := Parse("x.yaml", withHandler(t, `      driver: xen
      tool: xm
      machines:
        - {name: dom0a, address: "10.99.0.2:22", key: keys/dom0, host_keys: keys/dom0a.pub, forced: true}
        - {name: dom0b, address: "10.99.0.3:2222", user: admin, key: keys/dom0, host_keys: keys/dom0b.pub, sudo: true, migrate_to: 192.0.2.3}
        - {name: node1, agent: "http://10.99.0.4:6/xmlrpc", certificate: agents/node1.pem, identity: keys/agents}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Machine{
		{Name: "dom0a", Address: "10.99.0.2:22", User: "root", Key: "keys/dom0", HostKeys: "keys/dom0a.pub", Forced: true, Migrate: "10.99.0.2"},
		{Name: "dom0b", Address: "10.99.0.3:2222", User: "admin", Key: "keys/dom0", HostKeys: "keys/dom0b.pub", Sudo: true, Migrate: "192.0.2.3"},
		{Name: "node1", Agent: "http://10.99.0.4:6/xmlrpc", Certificate: "agents/node1.pem", Identity: "keys/agents"},
	}
	if got := c.Actors[0].Handler; got.Driver != "xen" || got.Tool != "xm" || !reflect.DeepEqual(got.Machines, want) {
		t.Errorf("read as %+v", got)
	}
	again, err := Parse("written.yaml", c.YAML())
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%v, read back as %+v", err, again.Actors[0].Handler)
	}
	for text, says := range map[string]string{
		"      driver: noop\n      tool: xl\n": "for the driver xen",
		"      driver: xen\n      tool: virsh\n      machines: [{name: a, address: \"h:1\", key: k, host_keys: p}]\n": "unknown value",
		"      driver: xen\n": "the control domains that xen speaks to",
		"      driver: noop\n      machines: [{name: a, address: \"h:1\", key: k, host_keys: p}]\n":                                                   "noop does not",
		"      driver: exec\n      machines: [{name: a, agent: \"http://h:6\"}]\n":                                                                    "certificate: is missing",
		"      driver: xen\n      machines: [{name: a, address: \"h:1\", key: k, host_keys: p, forced: true, sudo: true}]\n":                          "machines[0].sudo",
		"      driver: exec\n      machines: [{name: a}]\n":                                                                                           "address: is missing",
		"      driver: xen\n      machines: [{name: a, address: nowhere, key: k, host_keys: p}]\n":                                                    "machines[0].address",
		"      driver: xen\n      machines: [{name: a, address: \"h:1\", key: k}]\n":                                                                  "host_keys",
		"      driver: xen\n      machines: [{name: a, address: \"h:1\", key: k, host_keys: p}, {name: a, address: \"h:2\", key: k, host_keys: p}]\n": "second machine",
	} {
		if _, err := Parse("x.yaml", withHandler(t, text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

// TestScripts: a handler that is an action script, read and written, and its problems.
func TestScripts(t *testing.T) {
	t.Parallel()
	c, err := Parse("x.yaml", withHandler(t, "      driver: script\n      script: web.yaml\n      results: kept\n      here: true\n      settings: {exec.setup: \"a b\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Actors[0].Handler; !reflect.DeepEqual(*got, Handler{Driver: "script", Script: "web.yaml", Results: "kept", Here: true, Settings: map[string]string{"exec.setup": "a b"}}) {
		t.Errorf("read as %+v", got)
	}
	again, err := Parse("written.yaml", c.YAML())
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%v, read back as %+v", err, again.Actors[0].Handler)
	}
	for text, says := range map[string]string{
		"      driver: script\n":                "handler.script: is missing",
		"      driver: noop\n      script: x\n": "is for the driver script",
		"      driver: useradd\n":               "where useradd works, or here: true",
		"      driver: scirpt\n":                "did you mean \"script\"?",
	} {
		if _, err := Parse("x.yaml", withHandler(t, text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	file := t.TempDir() + "/s.yaml"
	if err := os.WriteFile(file, []byte("version: 1\nactions:\n  setup: [{runn: x}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &reader{file: "x.yaml", places: map[string]place{}}
	checkScript(r, "actors[0].handler.script", file)
	checkScript(r, "actors[0].handler.script", file+".none")
	if text := r.problems.Error(); !strings.Contains(text, "s.yaml:3: a step has no key") || !strings.Contains(text, "no such file") {
		t.Error(text)
	}
}
