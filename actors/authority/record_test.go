package authority

import (
	"encoding/json"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"pgregory.net/rapid"
)

// TestRecord compares the durable form that is written by hand with what encoding/json
// makes of the same reservation: a field that was forgotten, or has another place or
// name there, shows.
func TestRecord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.Make[Reservation]().Draw(t, "reservation")
		r.Units = actors.UnitsOf(rapid.SliceOfN(rapid.Make[actors.Unit](), 0, 5).Draw(t, "units")...)
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.AppendRecord(nil)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%v\n%s\nwant\n%s", err, got, want)
		}
	})
}
