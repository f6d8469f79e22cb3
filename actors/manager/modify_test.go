package manager

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// A modify carries the whole configuration and the ticket, is safe to ask twice, and
// leaves units and term alone.
func TestModify(t *testing.T) {
	r := sample(active)
	r.Config = actors.Properties{"host.prefix": "web"}
	ask := actors.Modify{Reservation: "R1", Number: 1, Subcommand: "ssh", Arguments: actors.Properties{"config.ssh.user1.login": "ada"}}
	r, sent := play(t, r, ask, ask)
	if len(sent) != 1 || sent[0].Op != actors.OpModifyLease || sent[0].To != "am" || sent[0].Sequence != 2 || sent[0].Ticket == nil ||
		sent[0].Units != 2 || sent[0].Term != term || sent[0].Properties["host.prefix"] != "web" {
		t.Fatalf("sent %+v", sent)
	}
	if m := actors.NewestModify(sent[0].Properties); m.Subcommand != "modify.ssh" || m.Arguments["config.ssh.user1.login"] != "ada" {
		t.Errorf("it travels as %+v", m)
	}
	// The answer to the redeem comes once more, late: it is no answer to this.
	if r, _ = play(t, r, lease(term, 1, "u1", "u2")); r.Status != modifying {
		t.Fatalf("an old report ended it: %v", r.Status)
	}
	r, _ = play(t, r, modifiedLease(17))
	if r.Status != active || r.Error == "" || r.Held.List()[0].State != actors.UnitActive {
		t.Fatalf("after it failed: %v %q %+v", r.Status, r.Error, r.Held)
	}
	if r, sent = play(t, r, ask); len(sent) != 0 || r.Status != active {
		t.Errorf("asked again after it was done: %v, sent %+v", r.Status, sent)
	}
	other := ask
	other.Subcommand = "restart"
	if _, _, err := Step(r, rules, 12, other); actors.KindOf(err) != actors.Stale {
		t.Errorf("another modify of the same number: %v", err)
	}
	if r, sent = play(t, r, actors.Modify{Reservation: "R1", Subcommand: "restart"}); len(sent) != 1 || r.newestModify() != 2 {
		t.Errorf("the next one: %+v", sent)
	}
}

// A modify that a site never answers does not cost the lease: it is given up just in
// time to renew.
func TestModifyHangs(t *testing.T) {
	r, _ := play(t, sample(active), actors.Modify{Reservation: "R1", Subcommand: "restart"})
	var sent []actors.Message
	for now := actors.Cycle(12); now <= 16; now++ {
		next, fx, err := Step(r, rules, now, actors.Tick{})
		if err != nil {
			t.Fatal(err)
		}
		r, sent = next, append(sent, fx.Send...)
	}
	if r.Status != extending || len(sent) == 0 || sent[len(sent)-1].Op != actors.OpExtendTicket || r.Error == "" {
		t.Errorf("%v, sent %+v, %q", r.Status, sent, r.Error)
	}
}
