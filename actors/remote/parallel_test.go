package remote_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/remote"
)

// TestAtOnce: messages of several reservations are under way at once, as many as
// Config.Parallel says and no more, and of one reservation only one is.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	const parallel = 3
	manager, broker, _ := federation(t, func(c *remote.Config) { c.Parallel = parallel })
	var mu sync.Mutex
	under, most := 0, 0
	together, release := make(chan struct{}), make(chan struct{})
	broker.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		if under++; under == parallel {
			close(together)
		}
		most = max(most, under)
		mu.Unlock()
		<-release
		next.ServeHTTP(w, r)
		mu.Lock()
		under--
		mu.Unlock()
	})
	first := ask("r1", 1)
	manager.Send(first)
	second := ask("r1", 2)
	second.RequestID = "of another kind" // so that it does not take the first one's place
	manager.Send(second)
	for _, id := range []string{"r2", "r3", "r4", "r5"} {
		manager.Send(ask(id, 1))
	}
	<-together // or the test's end
	close(release)
	for range 6 {
		if a := manager.attempt(t); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	if most != parallel {
		t.Errorf("%d were under way at once, want %d", most, parallel)
	}
	var ofOne []int
	for _, m := range broker.messages() {
		if m.Reservation == "r1" {
			ofOne = append(ofOne, m.Sequence)
		}
	}
	if len(ofOne) != 2 || ofOne[0] != 1 || ofOne[1] != 2 {
		t.Errorf("the messages of one reservation came as %v", ofOne)
	}
}

// TestOneProbe: a peer that does not answer is tried by one message at a time, and
// those that failed together count once.
func TestOneProbe(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	var mu sync.Mutex
	tries := 0
	broker.behind(func(http.ResponseWriter, *http.Request, http.Handler) {
		mu.Lock()
		tries++
		mu.Unlock()
		panic(http.ErrAbortHandler)
	})
	manager.Send(ask("r1", 1))
	manager.attempt(t)
	for _, id := range []string{"r2", "r3", "r4"} {
		manager.Send(ask(id, 1))
	}
	manager.later(t, time.Second)
	manager.attempt(t)
	mu.Lock()
	defer mu.Unlock()
	if tries != 2 {
		t.Errorf("%d tries, want one before the pause and one behind it", tries)
	}
}
