package cod_test

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
)

// TestUnwilling: a directory that can be read and not written is asked less and less
// often, although every read in between succeeds; and nodes say what it said.
func TestUnwilling(t *testing.T) {
	t.Parallel()
	m, err := cod.New(siteConfig())
	if err != nil {
		t.Fatal(err)
	}
	m.Load(nil)
	var pauses []actors.Millis
	now := actors.Millis(1_000_000)
	fx := m.Step(now, cod.Do{Action: actors.Action{Reservation: "r", Slice: actors.Slice{ID: "s", Name: "s"}, Type: "node", Verb: actors.Setup,
		Sequence: 1, Term: actors.NewTerm(1, 9_000_000), Unit: actors.Unit{ID: "u1", Host: "h1", State: actors.UnitPriming, Sequence: 1},
		Properties: actors.Properties{handlers.ParamHost: "h1"}}})
	for len(pauses) < 9 {
		switch {
		case len(fx.Write) == 1:
			fx = m.Step(now, cod.Written{Token: fx.Write[0].Token, Outcome: cod.Unavailable, Note: "53: operation restricted"})
		case len(fx.Read) == 1:
			fx = m.Step(now, cod.Found{Token: fx.Read[0].Token, Outcome: cod.Missing})
		case fx.Wake != actors.Forever:
			pauses = append(pauses, fx.Wake-now)
			now = fx.Wake
			fx = m.Step(now, cod.Tick{})
		default:
			t.Fatalf("it asks for nothing: %+v", fx)
		}
	}
	for i, p := range pauses[1:] {
		if p < min(2*pauses[i], 30_000) {
			t.Errorf("the pauses are %v", pauses)
			break
		}
	}
	v := m.View()
	said := ""
	for _, n := range v.Waiting {
		said += n.Waiting
	}
	if !strings.Contains(said, "operation restricted") {
		t.Errorf("the node waits for %q", said)
	}
}
