package authority

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

func hosts(names ...string) (out []actors.Host) {
	for _, n := range names {
		out = append(out, actors.Host{Name: n, Type: "node"})
	}
	return out
}

// What is not in the inventory any more goes: at once where nobody has a unit on it,
// else with the unit, and nobody else gets it meanwhile.
func TestInventory(t *testing.T) {
	a := world(t, sample(active)) // it has units on h1 and h2 of h1 to h3
	fx := play(t, a, 12, actors.Inventory{Hosts: hosts("h1", "h4")})
	if got := free(a); got != "4  " {
		t.Errorf("free hosts %q", got)
	}
	removed := 0
	for _, r := range fx.Save {
		if r.Value == nil {
			removed++
		}
	}
	if removed != 1 || len(fx.Run)+len(fx.Send) != 0 {
		t.Fatalf("%+v", fx)
	}
	if again := play(t, a, 12, actors.Inventory{Hosts: hosts("h4", "h1")}); len(again.Save) != 0 {
		t.Errorf("said twice it saves %+v", again.Save)
	}
	a = restart(t, a)
	play(t, a, 13, from("sm", actors.OpClose, 2, nil))
	play(t, a, 14, done("u1", 2, 0))
	fx = play(t, a, 14, done("u2", 2, 0))
	if got := free(a); got != "14 " || a.hosts.hosts["h2"] != nil {
		t.Errorf("free hosts %q, h2 is %+v", got, a.hosts.hosts["h2"])
	}
	gone := false
	for _, r := range fx.Save {
		gone = gone || r.Key == hostKey("h2") && r.Value == nil
	}
	if !gone {
		t.Errorf("the record of h2 stays: %+v", fx.Save)
	}
	// A host that comes back while its unit is still there is a host again.
	a = world(t, sample(active))
	play(t, a, 12, actors.Inventory{})
	if places := a.Places(); len(places) != 2 || !places[0].Leaving {
		t.Errorf("%+v", places)
	}
	play(t, a, 12, actors.Inventory{Hosts: hosts("h1", "h2")})
	if places := a.Places(); len(places) != 2 || places[0].Leaving {
		t.Errorf("%+v", places)
	}
	if _, err := a.Step(12, actors.Inventory{Hosts: []actors.Host{{Name: "h9"}}}); actors.KindOf(err) != actors.Invalid || len(a.hosts.hosts) != 2 {
		t.Errorf("a host without type: %v", err)
	}
}

// A host that is held keeps its unit and gets no other.
func TestHeldHost(t *testing.T) {
	a := world(t, sample(active))
	held := hosts("h1", "h2", "h3")
	held[1].Held, held[2].Held = "ada: a noisy fan", "ada: a noisy fan"
	if fx := play(t, a, 12, actors.Inventory{Hosts: held}); len(fx.Run)+len(fx.Send) != 0 {
		t.Fatalf("holding a host does %+v", fx)
	}
	if got := free(a); got != "   " || a.hosts.count("node") != 1 {
		t.Errorf("free hosts %q of %d", got, a.hosts.count("node"))
	}
	a = restart(t, a)
	if places := a.Places(); places[1].Held == "" || places[1].Unit == "" {
		t.Errorf("%+v", places)
	}
	play(t, a, 13, actors.Inventory{Hosts: hosts("h1", "h2", "h3")})
	if got := free(a); got != "3  " {
		t.Errorf("free hosts %q after it was released", got)
	}
}
