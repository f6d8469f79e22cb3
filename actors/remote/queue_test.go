package remote

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func msg(r string, op actors.Op, seq int) actors.Message {
	return actors.Message{Reservation: actors.ReservationID(r), Op: op, Sequence: seq}
}

// drain lists what is left, in the order in which it would go at now.
func drain(q *queue, now time.Time) []string {
	var out []string
	for {
		it, _ := q.next(now, nil)
		if it == nil {
			return out
		}
		out = append(out, fmt.Sprintf("%s/%v/%d", it.msg.Reservation, it.msg.Op, it.msg.Sequence))
		q.drop(it)
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	t.Parallel()
	q := queue{most: 10}
	for _, m := range []actors.Message{
		msg("a", actors.OpTicket, 1), msg("b", actors.OpTicket, 1), msg("a", actors.OpRelinquish, 2),
		msg("a", actors.OpTicket, 3), msg("b", actors.OpClose, 1),
	} {
		if _, ok := q.push(m, noon); !ok {
			t.Fatalf("%v refused", m)
		}
	}
	want := []string{"b/ticket/1", "a/relinquish/2", "a/ticket/3", "b/close/1"}
	if got := drain(&q, noon); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if q.live != 0 || len(q.items) != 0 || len(q.slots) != 0 {
		t.Errorf("an empty queue holds %d live, %d items, %d slots", q.live, len(q.items), len(q.slots))
	}
}

func TestQueueBackoffHoldsItsReservationOnly(t *testing.T) {
	t.Parallel()
	q := queue{most: 10}
	q.push(msg("a", actors.OpTicket, 1), noon)
	q.push(msg("a", actors.OpRelinquish, 2), noon)
	q.push(msg("b", actors.OpTicket, 1), noon)
	it, _ := q.next(noon, nil)
	it.after, it.tries = noon.Add(time.Minute), 3
	if got, want := drain(&q, noon), []string{"b/ticket/1"}; !slices.Equal(got, want) {
		t.Errorf("while a waits: %v, want %v", got, want)
	}
	if _, at := q.next(noon, nil); !at.Equal(noon.Add(time.Minute)) {
		t.Errorf("next becomes ready at %v", at)
	}
	// The same message again: nothing new is said, so the back-off stands.
	q.push(msg("a", actors.OpTicket, 1), noon.Add(time.Second))
	if again := q.slots[slot{reservation: "a", op: actors.OpTicket}]; again.tries != 3 || !again.since.Equal(noon) || !again.after.Equal(noon.Add(time.Minute)) {
		t.Errorf("a repetition starts afresh: %+v", again)
	}
	// A newer one is news.
	q.push(msg("a", actors.OpTicket, 2), noon.Add(time.Second))
	if newer := q.slots[slot{reservation: "a", op: actors.OpTicket}]; newer.tries != 0 || !newer.after.IsZero() {
		t.Errorf("a newer message inherits a back-off: %+v", newer)
	}
	if got, want := drain(&q, noon), []string{"a/relinquish/2", "a/ticket/2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestQueueBound(t *testing.T) {
	t.Parallel()
	q := queue{most: 2}
	q.push(msg("a", actors.OpTicket, 1), noon)
	q.push(msg("b", actors.OpTicket, 1), noon)
	if _, ok := q.push(msg("c", actors.OpTicket, 1), noon); ok {
		t.Error("a full queue took a third message")
	}
	if superseded, ok := q.push(msg("a", actors.OpTicket, 2), noon); !ok || !superseded {
		t.Error("a full queue refused what takes another's place")
	}
	if got, want := drain(&q, noon), []string{"b/ticket/1", "a/ticket/2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The queue against a list that does the same in the plainest way.
func TestQueueModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		q := queue{most: 5}
		type entry struct {
			m     actors.Message
			after time.Time
		}
		var model []entry
		now := noon
		for step := range 200 {
			switch rng.IntN(4) {
			case 0, 1:
				m := msg(string('a'+rune(rng.IntN(4))), actors.Op(2+rng.IntN(3)), step)
				i := slices.IndexFunc(model, func(e entry) bool { return e.m.Reservation == m.Reservation && e.m.Op == m.Op })
				want := i >= 0 || len(model) < 5
				if i >= 0 {
					model = slices.Delete(model, i, i+1)
				}
				if want {
					model = append(model, entry{m: m})
				}
				if _, ok := q.push(m, now); ok != want {
					t.Fatalf("seed %d step %d: push said %v", seed, step, ok)
				}
			case 2:
				now = now.Add(time.Duration(rng.IntN(3)) * time.Second)
			case 3:
				want := -1
				held := map[actors.ReservationID]bool{}
				for i, e := range model {
					if !held[e.m.Reservation] && !e.after.After(now) {
						want = i
						break
					}
					held[e.m.Reservation] = true
				}
				it, _ := q.next(now, nil)
				switch {
				case it == nil && want < 0:
				case it == nil || want < 0 || it.msg.Sequence != model[want].m.Sequence:
					t.Fatalf("seed %d step %d: next gave %+v, want number %d of %v", seed, step, it, want, model)
				case rng.IntN(2) == 0:
					q.drop(it)
					model = slices.Delete(model, want, want+1)
				default:
					it.after = now.Add(time.Second)
					model[want].after = it.after
				}
			}
			if q.live != len(model) || len(q.slots) != q.live || len(q.items) > 2*q.live+17 {
				t.Fatalf("seed %d step %d: live %d, slots %d, items %d, want %d", seed, step, q.live, len(q.slots), len(q.items), len(model))
			}
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := Backoff{}.complete()
	for n, want := range map[int]time.Duration{
		1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 7: 32 * time.Second, 8: time.Minute, 1 << 30: time.Minute,
	} {
		if got := b.after(n, 0); got != want {
			t.Errorf("after failure %d: %v, want %v", n, got, want)
		}
		if got := b.after(n, 0.999999); got <= want/2-time.Millisecond || got > want/2+time.Millisecond {
			t.Errorf("after failure %d with full chance: %v, want about %v", n, got, want/2)
		}
	}
	if b := (Backoff{First: time.Hour}).complete(); b.after(5, 0) != time.Hour {
		t.Errorf("a first pause above the cap: %v", b.after(5, 0))
	}
}

func BenchmarkQueueDeep(b *testing.B) {
	q := queue{most: 4096}
	for i := range 4096 {
		q.push(msg(fmt.Sprint(i), actors.OpTicket, 1), noon)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q.push(msg(fmt.Sprint(i%4096), actors.OpTicket, i), noon)
	}
}

// Answers to different queries do not overtake one another, nor hold one another up.
func TestAnswersKeepApart(t *testing.T) {
	t.Parallel()
	q := queue{most: 8}
	now := time.Now()
	for _, id := range []string{"q1", "q2", "q1"} {
		if _, ok := q.push(actors.Message{Op: actors.OpQueryResult, RequestID: id}, now); !ok {
			t.Fatal("full")
		}
	}
	if q.live != 2 {
		t.Fatalf("%d answers wait, want one to each query", q.live)
	}
	first, _ := q.next(now, nil)
	first.after = now.Add(time.Hour)
	if it, _ := q.next(now, nil); it == nil || it.msg.RequestID == first.msg.RequestID {
		t.Errorf("an answer that waits held up another: %+v", it)
	}
}
