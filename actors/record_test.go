package actors_test

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"pgregory.net/rapid"
)

// TestRecordsAreJSON compares the hand-written forms with those of encoding/json.
func TestRecordsAreJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,12}`), rapid.Just(""))
		properties := rapid.MapOfN(text, text, 0, 3)
		units := make([]actors.Unit, rapid.IntRange(0, 3).Draw(t, "units"))
		for i := range units {
			u := &units[i]
			u.ID, u.Host, u.Notice = actors.UnitID(text.Draw(t, "id")), text.Draw(t, "host"), text.Draw(t, "notice")
			u.State, u.Sequence, u.Attempts = actors.UnitState(rapid.Byte().Draw(t, "state")), rapid.Int().Draw(t, "sequence"), rapid.IntRange(0, 3).Draw(t, "attempts")
			if rapid.Bool().Draw(t, "more") {
				u.Properties = properties.Draw(t, "properties")
			}
		}
		want, err := json.Marshal(units)
		if err != nil {
			t.Fatal(err)
		}
		if got := actors.UnitsOf(units...).AppendRecord(nil); string(got) != string(want) {
			t.Fatalf("%s\nwant %s", got, want)
		}
	})
	// A field that Unit.AppendRecord does not know would be lost.
	if n := reflect.TypeFor[actors.Unit]().NumField(); n != 7 {
		t.Errorf("a unit has %s fields; Unit.AppendRecord and this test know 7", strconv.Itoa(n))
	}
}
