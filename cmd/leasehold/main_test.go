package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain makes the folder of serverDir.
func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if serverDir, err = os.MkdirTemp("", "leasehold-server-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(serverDir)
	os.Exit(code)
}

// serverDir is where the tests of servers have their program.
var serverDir string

// call runs a command line in this process.
func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var o, e bytes.Buffer
	code = run(ctx, args, streams{&o, &e})
	return code, o.String(), e.String()
}

func TestWrongUsage(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"leas list", 2, "did you mean lease?"},
		{"lease lst", 2, "did you mean list?"},
		{"demo --nodes 0", 2, "--nodes from 1 to 200"},
		{"demo --term 1s", 2, "takes 20 cycles"},
		{"demo --bogus", 2, "unknown flag"},
		{"demo now", 2, "takes no arguments"},
		{"demo --directory ldap://127.0.0.1:1", 1, "not of the form"},
		{"lease show", 2, "exactly one reservation"},
		{"lease request --slice s", 2, "--slice and --type"},
		{"lease request --slice s --type t", 2, "--length or --end"},
		{"lease list --socket " + dir + "/none", 7, "none"},
		{"serve --config " + dir + "/none.yaml", 1, "none.yaml"},
		{"init " + dir + " --role king", 2, "there is no role"},
		{"init " + dir + " --nodes -3", 2, "--nodes from 1"},
	} {
		code, _, errs := call(t, strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("leasehold %s: exit %d, said %q; want %d and %q", tt.args, code, errs, tt.code, tt.says)
		}
	}
}

func TestInitAndCheck(t *testing.T) {
	dir := t.TempDir()
	if code, out, errs := call(t, "init", dir, "--nodes", "3"); code != 0 || !strings.Contains(out, "leasehold serve") {
		t.Fatalf("init: %d %q %q", code, out, errs)
	}
	if code, _, errs := call(t, "init", dir); code == 0 || !strings.Contains(errs, "exist") {
		t.Errorf("init again: %d %q", code, errs)
	}
	path := dir + "/leasehold.yaml"
	if code, out, errs := call(t, "config", "check", path); code != 0 || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("check: %d %q %q", code, out, errs)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(strings.Replace(string(good), "exports:", "exprots:", 1), "version: 1", "version: 7", 1)
	if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := call(t, "config", "check", path, "--json")
	var problems []map[string]any
	if err := json.Unmarshal([]byte(out), &problems); err != nil || code != 2 || len(problems) < 2 {
		t.Errorf("check of a broken file: %d %q %v", code, out, err)
	}
	if code, _, errs := call(t, "serve", "--config", path); code != 2 || !strings.Contains(errs, "exports") {
		t.Errorf("serve with a broken file: %d %q", code, errs)
	}
}

func TestManAndCompletion(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := call(t, "man", dir); code != 0 {
		t.Fatalf("man: %d %q", code, errs)
	}
	page, err := os.ReadFile(dir + "/leasehold-lease-request.1")
	if err != nil || !strings.Contains(string(page), "length") {
		t.Errorf("manual page: %v\n%s", err, page)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, out, errs := call(t, "completion", shell); code != 0 || !strings.Contains(out, "leasehold") {
			t.Errorf("completion %s: %d %q", shell, code, errs)
		}
	}
	if code, out, _ := call(t, "version", "--json"); code != 0 || !strings.Contains(out, `"version"`) {
		t.Errorf("version: %d %q", code, out)
	}
}
