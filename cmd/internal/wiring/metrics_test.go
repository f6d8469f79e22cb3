package wiring

import (
	"maps"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
)

// TestOldest: of each kind of operation the age of the one that began first counts; what
// rests has no age, and a clock that was set back makes none negative.
func TestOldest(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	of := func(actor, pending string, age time.Duration) manage.Reservation {
		return manage.Reservation{Actor: manage.Party{Name: actor}, Pending: pending, Since: now.Add(-age)}
	}
	got := oldest([]manage.Reservation{of("site", "Priming", 3*time.Second), of("site", "Priming", 90*time.Second), of("site", "None", time.Hour),
		of("sm", "Redeeming", 1500*time.Millisecond), of("sm", "Closing", -time.Minute), {Actor: manage.Party{Name: "sm"}, Pending: "Redeeming"}}, now)
	if want := map[string]int{"site\x00Priming": 90, "sm\x00Redeeming": 1, "sm\x00Closing": 0}; !maps.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}
