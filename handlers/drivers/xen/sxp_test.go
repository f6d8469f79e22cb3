package xen

import (
	"strings"
	"testing"
)

func TestSXP(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"(a":                       "too soon",
		")":                        "did not begin",
		"(a 'b":                    "too soon",
		strings.Repeat("(", 65):    "deep",
		"(domain (name a)) (x)":    "tells of 2 domains",
		"":                         "tells of 0 domains",
		"(host (name a))":          "tells of 1 domains",
		"(domain (name a)) domain": "tells of 2 domains",
	} {
		if _, err := parseXM(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20s: %v", text, err)
		}
	}
	d, err := parseXM(`(domain (name 'a\'b') (uuid ABC) (memory 96.0) (vcpus -3) (domid x))`)
	if err != nil || d.name != "a'b" || d.uuid != "abc" || d.memory != 96 || d.vcpus != 0 || d.id != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

func FuzzSXP(f *testing.F) {
	f.Add("(domain (domid 4) (name 'a b') (memory 96))")
	f.Add(`("\\" ()`)
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = parseXM(text)
		_, _ = parseXL(text)
	})
}
