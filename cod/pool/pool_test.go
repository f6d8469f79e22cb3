package pool

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/bestfit"
	"github.com/leasehold/leasehold/actors/policy/worstfit"
)

func v(cpu, memory int) calendar.Vector { return calendar.Vector{cpu, memory} }

// three is a pool of three hosts of different sizes.
func three(t *testing.T) *Pool {
	t.Helper()
	p := New(nil)
	for name, size := range map[string]calendar.Vector{"a": v(400, 1000), "b": v(200, 2000), "c": v(800, 500)} {
		must(t, p.Set(name, Serving, size))
	}
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlace: a unit goes where every dimension has room for it, as the policy says,
// and keeps its place when it is asked for again.
func TestPlace(t *testing.T) {
	t.Parallel()
	p := three(t)
	for _, c := range []struct {
		name string
		size calendar.Vector
		at   string
	}{
		{"u1", v(100, 900), "a"}, {"u2", v(100, 200), "b"}, {"u3", v(150, 100), "a"}, {"u4", v(400, 400), "c"},
		{"u1", v(100, 900), "a"}, {"u5", v(100, 1900), ""}, {"u6", v(100, 1800), "b"}, {"u7", v(1, 600), ""},
	} {
		at, why := p.Place(c.name, c.size)
		if at != c.at || (at == "") != (why != "") {
			t.Errorf("%s is placed on %q: %s", c.name, at, why)
		}
	}
	if _, why := p.Place("u8", v(1, 1000)); !strings.Contains(why, "none of 3 hosts has room for cpu=1 memory=1000") {
		t.Error(why)
	}
	p.Release("u6")
	if at, _ := p.Place("u7", v(1, 600)); at != "b" {
		t.Errorf("after another left, it is placed on %q", at)
	}
}

// TestPolicies: the packings of the brokers' policies choose differently.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p  *Pool
		at string
	}{"first": {New(nil), "a"}, "best": {New(bestfit.Tight), "b"}, "worst": {New(worstfit.Spread), "c"}} {
		for host, size := range map[string]calendar.Vector{"a": v(400, 1000), "b": v(200, 1000), "c": v(800, 1000)} {
			must(t, c.p.Set(host, Serving, size))
		}
		if at, why := c.p.Place("u", v(100, 100)); at != c.at {
			t.Errorf("%s fit: %q %s", name, at, why)
		}
	}
}

// TestResize: in place where there is room, elsewhere where there is not, and not at
// all where there is none; a move counts on both hosts until it is over.
func TestResize(t *testing.T) {
	t.Parallel()
	p := three(t)
	p.Place("u1", v(100, 500))
	p.Place("u2", v(100, 400))
	if to, why := p.Resize("u1", v(300, 600)); to != "" || why != "" || p.Size("u1") != v(300, 600) {
		t.Errorf("%q %q", to, why)
	}
	to, why := p.Resize("u2", v(100, 1500))
	if to != "b" || why != "" {
		t.Fatalf("%q %q", to, why)
	}
	if at, why := p.Place("u3", v(10, 600)); at != "" { // a has 400 left until u2 is gone, and b 500
		t.Errorf("while it moves, its room at both ends is given away: %q %s", at, why)
	}
	if _, why := p.Resize("u2", v(1, 1)); !strings.Contains(why, "on its way") {
		t.Error(why)
	}
	p.Arrived("u2", true)
	if at, to := p.Where("u2"); at != "b" || to != "" {
		t.Errorf("%q %q", at, to)
	}
	if at, _ := p.Place("u3", v(10, 400)); at != "a" {
		t.Errorf("where it was is room again: %q", at)
	}
	if to, why := p.Resize("u2", v(1, 5000)); to != "" || !strings.Contains(why, "none of 2 hosts") || p.Size("u2") != v(100, 1500) {
		t.Errorf("%q %q", to, why)
	}
}

// TestConversion: a machine joins, is drained one unit at a time, and is not let go
// before it is empty.
func TestConversion(t *testing.T) {
	t.Parallel()
	p := three(t)
	must(t, p.Set("d", Converting, calendar.Vector{}))
	if at, _ := p.Place("u1", v(100, 3000)); at != "" {
		t.Errorf("placed on %q, which is not ready", at)
	}
	must(t, p.Set("d", Serving, v(1000, 4000)))
	for name, size := range map[string]calendar.Vector{"u1": v(100, 3000), "u2": v(100, 400), "u3": v(100, 100)} {
		p.Take(name, size, "d")
	}
	if err := p.Set("d", Reverting, calendar.Vector{}); err == nil {
		t.Fatal("a host in service is taken back")
	}
	must(t, p.Set("d", Draining, calendar.Vector{}))
	if at, _ := p.Place("u4", v(100, 1)); at == "d" {
		t.Error("placed on a draining host")
	}
	name, to, _ := p.Next("d")
	if name != "u2" && name != "u3" || to == "" { // u1 fits nowhere
		t.Fatalf("%q to %q", name, to)
	}
	if n, _, _ := p.Next("d"); n != "" {
		t.Errorf("a second one moves at the same time: %q", n)
	}
	p.Arrived(name, false)
	again, _, _ := p.Next("d")
	p.Arrived(again, true)
	other, _, _ := p.Next("d")
	p.Arrived(other, true)
	if n, _, why := p.Next("d"); n != "" || !strings.Contains(why, "1 units have nowhere to go") {
		t.Errorf("%q %q", n, why)
	}
	if err := p.Set("d", Reverting, calendar.Vector{}); err == nil || !strings.Contains(err.Error(), "d has 1 units") {
		t.Errorf("taken back with a unit on it: %v", err)
	}
	p.Release("u1")
	if !p.Empty("d") {
		t.Error("it is not empty")
	}
	must(t, p.Set("d", Reverting, calendar.Vector{}))
	must(t, p.Set("d", Away, calendar.Vector{}))
	if len(p.Hosts()) != 3 {
		t.Errorf("%+v", p.Hosts())
	}
	if err := p.Set("e", Draining, calendar.Vector{}); err == nil {
		t.Error("a machine that is no host is drained")
	}
	if err := p.Set("e", Serving, calendar.Vector{}); err == nil {
		t.Error("a host without a size")
	}
}

// TestNeverTooMuch: whatever happens in whatever order, what was placed fits, and a
// move that is over leaves nothing behind.
func TestNeverTooMuch(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := New([]func([]calendar.Vector, calendar.Vector, int) []policy.Sliver{nil, bestfit.Tight, worstfit.Spread}[seed%3])
		size := func(most int) calendar.Vector { return v(1+r.IntN(most), 1+r.IntN(most)) }
		for range 300 {
			u, h := fmt.Sprint("u", r.IntN(20)), fmt.Sprint("h", r.IntN(5))
			switch r.IntN(9) {
			case 0, 1:
				p.Place(u, size(30))
			case 2:
				p.Resize(u, size(40))
			case 3:
				p.Move(u, h)
			case 4, 5:
				p.Arrived(u, r.IntN(2) == 0)
			case 6:
				p.Release(u)
			case 7:
				// A host is given its size once: one that shrinks under its units is no promise.
				s := calendar.Vector{}
				if p.State(h) == Away {
					s = size(100)
				}
				_ = p.Set(h, State(r.IntN(6)), s)
			case 8:
				p.Next(h)
			}
			for _, h := range p.Hosts() {
				if !(calendar.Vector{}).Fits(h.Room) {
					t.Fatalf("seed %d: %+v", seed, h)
				}
				sum := calendar.Vector{}
				for _, n := range h.Units {
					at, to := p.Where(n)
					if at != h.Name && to != h.Name {
						t.Fatalf("seed %d: %s counts on %s and is on %s", seed, n, h.Name, at)
					}
					if to == h.Name {
						sum = sum.Plus(1, p.units[n].next)
					} else {
						sum = sum.Plus(1, p.Size(n))
					}
				}
				if sum.Plus(1, h.Room) != h.Size {
					t.Fatalf("seed %d: %+v adds up to %v", seed, h, sum)
				}
				if (h.State == Away.String() || h.State == Reverting.String()) && len(h.Units) > 0 {
					t.Fatalf("seed %d: %+v", seed, h)
				}
			}
		}
	}
}

// TestLife compares the picture of the table with the one that is kept.
func TestLife(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/life.mmd")
	if err != nil || string(want) != Life() {
		t.Errorf("%v; the table draws\n%s", err, Life())
	}
}
