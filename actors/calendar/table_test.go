package calendar_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"pgregory.net/rapid"
)

// draw fills a calendar with random holds and says what it took.
func draw(t *rapid.T, c *calendar.Calendar, shift actors.Millis) map[actors.ReservationID][]calendar.Hold {
	held := map[actors.ReservationID][]calendar.Hold{}
	for i := range rapid.IntRange(0, 12).Draw(t, "holds") {
		from := rapid.IntRange(1, 40).Draw(t, "from")
		h := calendar.Hold{From: actors.Millis(from) + shift, To: actors.Millis(from+rapid.IntRange(0, 20).Draw(t, "for")) + shift,
			Units: rapid.IntRange(1, 4).Draw(t, "units")}
		id := actors.ReservationID(fmt.Sprint("r", i%5))
		if c.Take(id, h) == nil {
			held[id] = append(held[id], h)
		}
	}
	return held
}

// TestTable: what is shown adds up at every instant: held and free are all there is,
// stretches leave no gap, and bookings are what is held.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := calendar.New(rapid.IntRange(1, 9).Draw(t, "capacity"), actors.NewTerm(1, 60))
		held := draw(t, c, 0)
		from := actors.Millis(rapid.IntRange(1, 60).Draw(t, "from"))
		to := from + actors.Millis(rapid.IntRange(0, 70).Draw(t, "long"))
		table := c.Show(calendar.Table{Name: "x"}, from, to)
		for _, id := range []actors.ReservationID{"r0", "r1", "r2", "r3", "r4"} {
			table.Book(calendar.Booking{Reservation: id}, held[id], from, to)
		}
		table.Sort()
		at := from
		for _, s := range table.Spans {
			if s.From != at || s.To < s.From {
				t.Fatalf("a stretch from %d to %d, the last one ended before %d", s.From, s.To, at)
			}
			for ; at <= s.To; at++ {
				booked := 0
				for _, b := range table.Bookings {
					if b.From <= at && at <= b.To {
						booked += b.Units
					}
				}
				if free := c.Free(at, at); s.Used+free != table.Units || booked != s.Used {
					t.Fatalf("at %d %d are held, %d booked and %d free of %d", at, s.Used, booked, free, table.Units)
				}
			}
		}
		if last := min(to, 60); at != last+1 && from <= 60 {
			t.Fatalf("shown until %d, asked until %d", at-1, last)
		}
	})
}

// TestShift: the same calendar at another time gives the same answers at that time.
func TestShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const by = 1_700_000_000_000
		capacity := rapid.IntRange(1, 9).Draw(t, "capacity")
		a, b := calendar.New(capacity, actors.NewTerm(1, 60)), calendar.New(capacity, actors.NewTerm(1+by, 60+by))
		for _, hs := range draw(t, a, 0) {
			for _, h := range hs {
				h.From, h.To = h.From+by, h.To+by
				if err := b.Take("x", h); err != nil {
					t.Fatal(err)
				}
			}
		}
		for from := actors.Millis(1); from <= 60; from++ {
			length, units := actors.Millis(rapid.IntRange(1, 20).Draw(t, "length")), rapid.IntRange(1, 9).Draw(t, "units")
			if x, y := a.Free(from, from+length), b.Free(from+by, from+length+by); x != y {
				t.Fatalf("%d free, %d when everything is later", x, y)
			}
			x, found := a.Find(from, length, 60, units)
			y, foundLater := b.Find(from+by, length, 60+by, units)
			if found != foundLater || found && x+by != y {
				t.Fatalf("found %d %v, and later %d %v", x, found, y, foundLater)
			}
		}
	})
}

// TestClone: a clone is its own: neither notices what is taken from the other, and
// each can give back what both held.
func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := calendar.New(9, actors.NewTerm(1, 60))
		held := draw(t, a, 0)
		b := a.Clone()
		before := a.Free(1, 60)
		for id := range held {
			if !b.Release(id) {
				t.Fatalf("the clone does not know that %s holds something", id)
			}
		}
		if b.Free(1, 60) != 9 || a.Free(1, 60) != before {
			t.Fatalf("after everything was given back %d are free in the clone, %d in the original, which had %d", b.Free(1, 60), a.Free(1, 60), before)
		}
		_ = a.Take("new", calendar.Hold{From: 5, To: 9, Units: 1})
		if b.Free(5, 9) != 9 || len(b.Holds("new")) != 0 {
			t.Fatal("the clone noticed what the original took")
		}
	})
}
