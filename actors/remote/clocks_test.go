package remote_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/remote"
)

// TestClocks: a peer's clock is measured by what it signs into its answers and its
// requests, whatever its server writes above them, and moves nothing.
func TestClocks(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 90 * time.Second, -90 * time.Second} {
		offsets := map[string]*clock.Offsets{}
		var warned []string
		manager, broker, _ := federation(t, func(c *remote.Config) {
			c.Clocks = clock.NewOffsets(time.Second, func(_ string, o clock.Offset) { warned = append(warned, c.Location.Name+": "+o.String()) })
			offsets[c.Location.Name] = c.Clocks
		})
		// The broker's clock is another one, and its HTTP server lies.
		broker.clock = clock.NewManual(start.Add(ahead))
		heard := clock.NewOffsets(time.Second, nil)
		e, err := endpoint.New(endpoint.Config{Self: broker.id, Location: broker.location(), Role: broker.role, Registry: broker.registry,
			Clock: broker.clock, Clocks: heard, Ask: newTaker(broker)})
		if err != nil {
			t.Fatal(err)
		}
		if ahead > 0 {
			// An endpoint takes nothing that was dated before it was made, by its own clock.
			manager.clock.Advance(ahead + time.Second)
			broker.clock.Advance(ahead + time.Second)
		}
		broker.endpoint = e
		broker.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
			next.ServeHTTP(w, r)
		})
		manager.Send(ask("r1", 1))
		if a := manager.attempt(t); a.Err != nil {
			t.Fatalf("%v ahead: %v", ahead, a.Err)
		}
		o, known := offsets["manager"].Of(brokerGUID, manager.clock.Now())
		if !known || o.Low > ahead || o.High < ahead || o.High-o.Low > 2*time.Millisecond {
			t.Errorf("%v ahead is measured as %v, %v", ahead, o, known)
		}
		if (len(warned) == 1) != (ahead != 0) {
			t.Errorf("%v ahead: people are told %q", ahead, warned)
		}
		if got := broker.messages(); len(got) != 1 || got[0].Term != term {
			t.Errorf("%v ahead: the broker took %+v", ahead, got)
		}
		// One side alone: how long a request was under way nobody knows.
		if o, known := heard.Of(managerGUID, broker.clock.Now()); known {
			t.Errorf("by a request alone the broker knows %v", o)
		}
	}
}
