package config

import (
	"os"
	"strings"
	"testing"
)

// TestVirtual: what is wrong with where virtual machines are placed, and with how leases
// end, is said.
func TestVirtual(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for from, c := range map[string]struct{ to, says string }{
		"policy: bestfit": {"policy: best", "unknown value"},
		"leased: {cpu: 800, memory: 4096, bandwidth: 1000000}": {"leased: {}", "the size of a node that becomes a host"},
		"- {name: dom0a, size: {cpu: 400, memory: 2048}}":      {"- {name: dom0a, size: {}}", "a size of nothing"},
		"size: {cpu: 400, memory: 2048}}":                      {"size: {cpu: 400}}\n          - {name: dom0a, size: {cpu: 1}}", "second host"},
		"unit: {cpu: 100, memory: 256}":                        {"unit: {cpu: much}", "whole number"},
		"then: suspend":                                        {"then: sleep", "unknown value"},
		", secret_file: secrets/guests}":                       {"}", "secret"},
		"most: 72h":                                            {"most: 1h", "less than grace"},
		"warn: 10m":                                            {"warn: soon", "warn"},
	} {
		if !strings.Contains(string(data), from) {
			t.Fatalf("full.yaml has no %s", from)
		}
		if _, err := Parse("x.yaml", []byte(strings.Replace(string(data), from, c.to, 1))); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.to, err, c.says)
		}
	}
}
