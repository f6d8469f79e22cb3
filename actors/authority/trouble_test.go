package authority

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// A host remembers, over a restart, how often its setup failed since it last
// worked, and the policy is shown that.
func TestTrouble(t *testing.T) {
	a := world(t, sample(priming))
	fx := play(t, a, 9, done("u2", 1, 1))
	var rec actors.Record
	for _, r := range fx.Save {
		if r.Key == hostKey("h2") {
			rec = r
		}
	}
	if rec.Value == nil {
		t.Fatalf("the failure was not written down: %+v", fx.Save)
	}
	data, err := rec.Value.AppendRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := world(t)
	if err := b.Restore(actors.Stored{Key: hostKey("h2"), Data: data}); err != nil {
		t.Fatal(err)
	}
	// Told about the host again, the site still knows.
	play(t, b, 9, actors.AddHosts{Hosts: []actors.Host{{Name: "h2", Type: "node"}}})
	for _, at := range []*Actor{a, b} {
		if got, want := at.hosts.trouble("h2"), (policy.Trouble{Failures: 1, Last: 9}); got != want {
			t.Errorf("trouble %+v, want %+v", got, want)
		}
	}
	if h, news := b.hosts.tried("h2", true, 30); !news || h.Trouble != (policy.Trouble{Failures: 2, Last: 30}) {
		t.Errorf("after a second failure: %+v", h.Trouble)
	}
	if _, news := b.hosts.tried("h2", false, 31); !news || b.hosts.trouble("h2") != (policy.Trouble{}) {
		t.Errorf("after a success: %+v", b.hosts.trouble("h2"))
	}
	if _, news := b.hosts.tried("h2", false, 32); news {
		t.Error("a second success is no news")
	}
	if got := b.hosts.trouble("nowhere"); got != (policy.Trouble{}) {
		t.Errorf("a host that is not there is in trouble: %+v", got)
	}
}
