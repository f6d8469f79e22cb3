package emulate_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors/emulate"
	"github.com/leasehold/leasehold/actors/policy"
)

func TestPlan(t *testing.T) {
	const requests = `
requests:
  - {units: 1, start: 1h, length: 1h}
  - {name: all, manager: web, broker: broker, units: 20, start: 1h, length: 1h}
  - {name: later, units: 20, start: 1h, length: 1h, request: {deferrable: "true"}}
  - {name: more, units: 21, length: 1h}
  - {name: other, type: disk, units: 1, length: 1h}
`
	wishes, err := emulate.ParseWishes("r.yaml", []byte(requests))
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, "day.yaml")
	got, err := emulate.Plan(s, policies, s.Length/2, wishes)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []policy.Outcome{policy.Granted, policy.Smaller, policy.Queued, policy.Impossible, policy.Impossible} {
		if got[i].Outcome != want {
			t.Errorf("%s: %+v, want %s", wishes[i].Name, got[i], want)
		}
	}
	for _, tt := range []struct{ old, new, want string }{
		{"manager: web", "manager: wbe", `no manager "wbe"`},
		{"broker: broker", "broker: brk", `no broker "brk"`},
		{"units: 21", "units: 0", "more: 0 units"},
		{"start: 1h, length: 1h}", "start: 1h}", "length is missing"},
		{"requests", "request", "not found"},
		{requests, "requests: []", "0 requests"},
		{requests, "", "empty"},
	} {
		wishes, err := emulate.ParseWishes("r.yaml", []byte(strings.Replace(requests, tt.old, tt.new, 1)))
		if err == nil {
			_, err = emulate.Plan(s, policies, s.Length/2, wishes)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q for %q: %v, want %q", tt.new, tt.old, err, tt.want)
		}
	}
}

// FuzzWishes: what is read has been checked.
func FuzzWishes(f *testing.F) {
	f.Add([]byte("requests:\n  - {units: 2, start: 1h, length: 1d12h, request: {elastic: \"true\"}}\n"))
	f.Add([]byte("requests: [{name: x, manager: m, broker: b, type: t, units: 1, length: 1w}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		wishes, err := emulate.ParseWishes("fuzz", data)
		for _, w := range wishes {
			if err == nil && (w.Units < 1 || w.Length <= 0 || w.Name == "") {
				t.Fatalf("%+v", w)
			}
		}
	})
}
