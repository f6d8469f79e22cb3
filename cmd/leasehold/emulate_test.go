package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEmulateAndPlan(t *testing.T) {
	dir := t.TempDir()
	csv, page := filepath.Join(dir, "s.csv"), filepath.Join(dir, "r.html")
	code, out, errs := call(t, "emulate", "rivals", "--csv", csv, "--html", page)
	if code != 0 || !strings.Contains(out, "batch") || !strings.Contains(errs, "events") {
		t.Fatalf("emulate: %d\n%s%s", code, out, errs)
	}
	if data, err := os.ReadFile(csv); err != nil || strings.Count(string(data), "\n") != 1+48*4 {
		t.Errorf("samples: %v, %d lines", err, strings.Count(string(data), "\n"))
	}
	if data, err := os.ReadFile(page); err != nil || strings.Count(string(data), "<svg") != 4 || strings.Contains(string(data), "http") {
		t.Errorf("report: %v, %d charts", err, strings.Count(string(data), "<svg"))
	}
	code, out, _ = call(t, "emulate", "day", "--json")
	var sums struct {
		Managers []struct{ RMSE float64 }
	}
	if err := json.Unmarshal([]byte(out), &sums); err != nil || code != 0 || len(sums.Managers) != 1 || sums.Managers[0].RMSE == 0 {
		t.Errorf("emulate --json: %d, %v\n%s", code, err, out)
	}

	request := filepath.Join(dir, "request.yaml")
	if err := os.WriteFile(request, []byte("requests:\n  - {name: mine, units: 99, length: 1h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := call(t, "plan", "--scenario", "day", "--after", "12h", "-f", request); code != 0 || !strings.Contains(out, "only 20 exist") {
		t.Errorf("plan: %d\n%s%s", code, out, errs)
	}
	broken := filepath.Join(dir, "broken.yaml")
	if err := os.WriteFile(broken, []byte("sights: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"emulate month2", 2, "there are: day"},
		{"emulate " + broken, 2, "sights"},
		{"emulate " + dir + "/none.yaml", 1, "none.yaml"},
		{"plan --scenario day -f " + broken, 2, "sights"},
		{"plan --scenario day --after 2d -f " + request, 2, "later than the end"},
		{"plan --scenario day", 2, "file"},
	} {
		code, _, errs := call(t, strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("leasehold %s: exit %d, said %q; want %d and %q", tt.args, code, errs, tt.code, tt.says)
		}
	}
}
