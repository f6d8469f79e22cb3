package calendar_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"pgregory.net/rapid"
)

func ExampleNew_hosts() {
	big, small := calendar.Vector{8, 16}, calendar.Vector{4, 32}
	c := calendar.New(10, actors.NewTerm(1, 100), big, small)
	size := calendar.Vector{3, 4}
	fmt.Println(c.Take("a", calendar.Hold{From: 10, To: 19, Units: 2, Host: 1, Size: size}))
	fmt.Println(c.Take("b", calendar.Hold{From: 15, To: 30, Units: 1, Host: 1, Size: size}))
	fmt.Println(c.Take("b", calendar.Hold{From: 15, To: 30, Units: 1, Host: 2, Size: size}))
	fmt.Println(c.Room(1, 10, 30), "|", c.Room(2, 10, 30), "|", c.Free(10, 30))
	fmt.Println(c.Next(15))
	for s := range c.Spans(1, 100) {
		fmt.Println(s.From, s.To, s.Used)
	}
	// Output:
	// <nil>
	// calendar: 1 units of cpu=3 memory=4 asked, host 1 has cpu=2 memory=8 over 15..30
	// <nil>
	// cpu=2 memory=8 | cpu=1 memory=28 | 7
	// 20 true
	// 1 9 0
	// 10 14 2
	// 15 19 3
	// 20 30 1
	// 31 100 0
}

// TestNaiveHosts compares calendars with hosts with sums made instant by
// instant, and sees that a sketch shares nothing that changes.
func TestNaiveHosts(t *testing.T) {
	const days = 16
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.IntRange(0, 6)
		vector := rapid.Custom(func(t *rapid.T) calendar.Vector {
			return calendar.Vector{amount.Draw(t, "cpu"), amount.Draw(t, "memory")}
		})
		sizes := rapid.SliceOfN(vector, 1, 3).Draw(t, "hosts")
		capacity := rapid.IntRange(1, 9).Draw(t, "capacity")
		c := calendar.New(capacity, actors.NewTerm(1, days), sizes...)
		held := map[actors.ReservationID][]calendar.Hold{}
		used := func(host int, at actors.Millis) (units int, v calendar.Vector) {
			for _, hs := range held {
				for _, h := range hs {
					if h.From <= at && at <= h.To {
						units += h.Units
						if h.Host == host {
							v = v.Plus(h.Units, h.Size)
						}
					}
				}
			}
			return units, v
		}
		room := func(host int, from, to actors.Millis) calendar.Vector {
			least := sizes[host-1]
			for at := from; at <= to; at++ {
				_, v := used(host, at)
				least = least.Least(sizes[host-1].Plus(-1, v))
			}
			return least
		}
		free := func(from, to actors.Millis) int {
			least := capacity
			for at := from; at <= to; at++ {
				units, _ := used(0, at)
				least = min(least, capacity-units)
			}
			return least
		}
		when := rapid.Map(rapid.IntRange(1, days), func(n int) actors.Millis { return actors.Millis(n) })
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			id := rapid.SampledFrom([]actors.ReservationID{"a", "b", "c"}).Draw(t, "id")
			h := calendar.Hold{From: when.Draw(t, "from"), Units: rapid.IntRange(1, 4).Draw(t, "units"),
				Host: rapid.IntRange(0, len(sizes)).Draw(t, "host"), Size: vector.Draw(t, "size")}
			h.To = max(h.From, when.Draw(t, "to"))
			before := c.Sketch()
			was, roomWas := slices.Collect(before.Spans(1, days)), before.Room(1, h.From, h.To)
			if rapid.IntRange(0, 3).Draw(t, "release") == 0 {
				c.Release(id)
				delete(held, id)
			} else {
				fits := h.Units <= free(h.From, h.To)
				if h.Host > 0 && h.Size != (calendar.Vector{}) {
					fits = fits && (calendar.Vector{}).Plus(h.Units, h.Size).Fits(room(h.Host, h.From, h.To))
				}
				if err := c.Take(id, h); (err == nil) != fits {
					t.Fatalf("Take(%s, %+v) = %v, want fits=%v", id, h, err, fits)
				}
				if fits {
					held[id] = append(held[id], h)
				}
			}
			if now := slices.Collect(before.Spans(1, days)); !slices.Equal(now, was) {
				t.Fatalf("a sketch changed with its original: %v, was %v", now, was)
			}
			if now := before.Room(1, h.From, h.To); now != roomWas {
				t.Fatalf("a sketch's host changed with its original: %v, was %v", now, roomWas)
			}
			for n := range sizes {
				if got, want := c.Room(n+1, h.From, h.To), room(n+1, h.From, h.To); got != want {
					t.Fatalf("Room(%d, %d, %d) = %v, want %v", n+1, h.From, h.To, got, want)
				}
			}
			at := actors.Millis(1)
			for s := range c.Spans(1, days) {
				for ; at <= s.To; at++ {
					if units, _ := used(0, at); s.From > at || units != s.Used {
						t.Fatalf("at %d %d units are held, the span %+v says otherwise", at, units, s)
					}
				}
			}
			if at != days+1 {
				t.Fatalf("the spans end before %d", at)
			}
		}
	})
}

// Holds without an end and starts beside them must not run over.
func TestForever(t *testing.T) {
	c := calendar.New(2, actors.NewTerm(1, actors.Forever))
	if err := c.Take("a", calendar.Hold{From: 10, To: actors.Forever, Units: 2}); err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Find(5, 5, actors.Forever, 1); !ok || got != 5 {
		t.Errorf("Find before = %d, %v", got, ok)
	}
	if got, ok := c.Find(6, 5, actors.Forever, 1); ok {
		t.Errorf("Find found %d in what is held for ever", got)
	}
	if got := c.Free(1, actors.Forever); got != 0 {
		t.Errorf("%d units free for ever", got)
	}
	c.Release("a")
	if got := c.Free(1, actors.Forever); got != 2 {
		t.Errorf("%d units free when all was released", got)
	}
}

// BenchmarkCalendar asks a calendar with ten thousand holds.
func BenchmarkCalendar(b *testing.B) {
	const holds = 10_000
	c := calendar.New(64, actors.NewTerm(1, 100*holds))
	name := func(i int) actors.ReservationID { return actors.ReservationID(fmt.Sprint(i)) }
	hold := func(i int) calendar.Hold {
		from := actors.Millis(1 + i*7919%holds*90)
		return calendar.Hold{From: from, To: from + 2000, Units: 1 + i%2}
	}
	for i := range holds {
		if err := c.Take(name(i), hold(i)); err != nil {
			b.Fatal(err)
		}
	}
	ids := make([]actors.ReservationID, holds)
	for i := range ids {
		ids[i] = name(i)
	}
	b.Run("take and release", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i = (i + 1) % holds
			c.Release(ids[i])
			if err := c.Take(ids[i], hold(i)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sketch, ask and take", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i++
			from := actors.Millis(1 + i*7919%holds*90)
			s := c.Sketch()
			if s.Free(from, from+90_000) > 0 {
				_ = s.Take("x", calendar.Hold{From: from, To: from + 1000, Units: 1})
			}
		}
	})
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i++
			c.Find(actors.Millis(1+i*7919%holds*90), 1000, actors.Forever, 40)
		}
	})
}
