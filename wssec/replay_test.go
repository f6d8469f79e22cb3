package wssec_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec"
)

func TestReplay(t *testing.T) {
	t.Parallel()
	v, err := open(request(t), atSite())
	if err != nil {
		t.Fatal(err)
	}
	r := wssec.NewReplay(100, time.Hour)
	if r.Seen(v.ReplayKey(), v.Created()) {
		t.Error("seen before the first time")
	}
	if !r.Seen(v.ReplayKey(), v.Created()) {
		t.Error("not seen the second time")
	}
	if r.Seen("another", v.Created()) {
		t.Error("another message taken for this one")
	}
}

// Nothing is ever let in twice, whatever the order of times and however small
// the cache; and the cache keeps its bound.
func TestReplayNeverForgets(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		limit := 1 + rng.IntN(50)
		r := wssec.NewReplay(limit, time.Duration(1+rng.IntN(100))*time.Second)
		admitted := map[int]bool{}
		at := func(k int) time.Time { return now.Add(time.Duration(k*7919%300) * time.Second) }
		for range 5000 {
			k := rng.IntN(400)
			if !r.Seen(fmt.Sprint(k), at(k)) {
				if admitted[k] {
					t.Fatalf("seed %d: %d admitted twice", seed, k)
				}
				admitted[k] = true
			}
			if r.Len() > limit {
				t.Fatalf("seed %d: %d remembered, at most %d allowed", seed, r.Len(), limit)
			}
		}
	}
}

// A cache that is full still admits new messages, at the cost of old ones.
func TestReplayFull(t *testing.T) {
	t.Parallel()
	r := wssec.NewReplay(3, time.Hour)
	for i := range 10 {
		if r.Seen(fmt.Sprint(i), now.Add(time.Duration(i)*time.Second)) {
			t.Errorf("message %d refused", i)
		}
	}
	if !r.Seen("late", now.Add(6*time.Second)) {
		t.Error("a message as old as one forgotten was admitted")
	}
	if r.Seen("in time", now.Add(8*time.Second)) {
		t.Error("a message younger than all forgotten was refused")
	}
}

// What is older than the window is forgotten, and refused ever after.
func TestReplayWindow(t *testing.T) {
	t.Parallel()
	r := wssec.NewReplay(1000, time.Minute)
	r.Seen("a", now)
	r.Seen("b", now.Add(2*time.Minute))
	if r.Len() != 1 || !r.Seen("a", now) {
		t.Errorf("%d remembered", r.Len())
	}
}

func TestReplayConcurrent(t *testing.T) {
	t.Parallel()
	r := wssec.NewReplay(1000, time.Hour)
	var mu sync.Mutex
	admitted := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 500 {
				key := fmt.Sprint(i)
				if !r.Seen(key, now) {
					mu.Lock()
					admitted[key]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for key, n := range admitted {
		if n != 1 {
			t.Errorf("%s admitted %d times", key, n)
		}
	}
	if len(admitted) != 500 {
		t.Errorf("%d admitted", len(admitted))
	}
}

func BenchmarkReplay(b *testing.B) {
	r := wssec.NewReplay(100_000, time.Hour)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		r.Seen(fmt.Sprint(i), now.Add(time.Duration(i)*time.Millisecond))
	}
}
