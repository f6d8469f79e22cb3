package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const webScript = `version: 1
doc: A web server.
variables:
  user: {from: config.user, default: web}
  token: {from: config.token, secret: true}
actions:
  setup:
    - {unless: ["false"], run: [echo, useradd, "${user}"]}
    - {shell: 'echo "$T"; printf 7', env: {T: "${token}"}, save: {unit.code: code}}
  modify.break:
    - {fail: no, code: 17}
`

// The words of the command: check, plan, run, and what is told of each.
func TestHandler(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "web.yaml")
	if err := os.WriteFile(file, []byte(webScript), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("version: 1\nactions:\n  setpu: [{rnu: [x]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want []string // in what is printed, on either stream
		not  string
	}{
		{[]string{"handler", "list"}, 0, []string{"script", "xen", "noop"}, ""},
		{[]string{"handler", "show", "xen"}, 0, []string{"unit.hostname (required)"}, ""},
		{[]string{"handler", "show", file}, 0, []string{"A web server.", "config.user (web)", "actions: setup, modify.break"}, ""},
		{[]string{"handler", "show", "nothing"}, 2, []string{"there are the drivers: script"}, ""},
		{[]string{"handler", "test", file}, 0, []string{"nothing is wrong"}, ""},
		{[]string{"handler", "test", bad}, 2, []string{bad + `:3: a step has no key "rnu"; did you mean "run"?`, `did you mean "setup"?`}, ""},
		{[]string{"handler", "test", file, "--action", "setup", "--property", "config.token=sesame", "--dry-run"}, 0, []string{"unless: false", "echo useradd web", "T='***'"}, "sesame"},
		{[]string{"handler", "test", file, "--action", "setup", "--property", "config.token=sesame", "--here"}, 0, []string{"8: run echo useradd ${user}: useradd web", ": ***", "unit.code  0"}, "sesame"},
		{[]string{"handler", "test", file, "--action", "setup", "--here"}, 1, []string{"there is no token"}, ""},
		{[]string{"handler", "test", file, "--action", "setup"}, 1, []string{"no machine to run commands on"}, ""},
		{[]string{"handler", "test", file, "--action", "modify.break", "--here"}, 1, []string{"code    17", "fail no: no"}, ""},
		{[]string{"handler", "test", file, "--action", "probe"}, 2, []string{"it has: setup, modify.break"}, ""},
		{[]string{"handler", "test", file, "--action", "setup", "--property", "x"}, 2, []string{"NAME=VALUE"}, ""},
	} {
		code, out, errs := call(t, c.args...)
		all := out + errs
		for _, w := range c.want {
			if !strings.Contains(all, w) {
				t.Errorf("%v: no %q in\n%s", c.args, w, all)
			}
		}
		if code != c.code || c.not != "" && strings.Contains(all, c.not) {
			t.Errorf("%v: code %d, want %d\n%s", c.args, code, c.code, all)
		}
	}
	_, out, _ := call(t, "handler", "test", file, "--json", "--action", "setup", "--property", "config.token=x", "--here")
	var v tried
	if err := json.Unmarshal([]byte(out), &v); err != nil || len(v.Lines) != 3 || v.Properties["unit.code"] != "0" {
		t.Errorf("%v: %s", err, out)
	}
}

// A file for Ant becomes a script that can be tested, and what is not in it is told.
func TestHandlerImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, to := dir+"/h.xml", dir+"/h.yaml"
	if err := os.WriteFile(file, []byte("<project>\n<target name='join'>\n<echo message='hello ${unit.id}'/>\n<replace file='x'/>\n</target></project>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := call(t, "handler", "import", file, "-o", to); code != 9 || out != "" || !strings.Contains(errs, "h.xml:4: not taken over: the task replace") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if code, out, errs := call(t, "handler", "test", to, "--action", "join", "--here"); code != 1 || !strings.Contains(errs, "hello test") || !strings.Contains(errs, "line 4 of the Ant file could not be imported") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if code, _, errs := call(t, "handler", "import", to); code != 2 {
		t.Errorf("%d %q", code, errs)
	}
	var v importedScript
	if code, out, _ := call(t, "handler", "import", file, "--json"); code != 9 || json.Unmarshal([]byte(out), &v) != nil || len(v.Notes) != 1 || !v.Notes[0].Lost || !strings.Contains(v.Script, "hello") {
		t.Errorf("%d %s", code, out)
	}
}
