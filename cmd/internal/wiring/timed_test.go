package wiring

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/cmd/internal/config"
)

// refusing is a store that saves nothing, and takes at least a millisecond for it.
type refusing struct{ store.Store }

func (refusing) Save(context.Context, []actors.Record) error {
	time.Sleep(time.Millisecond)
	return errors.New("full")
}

// TestSavesAreTimed: every save counts, the refused ones too, and what the store says of
// it reaches whoever saves.
func TestSavesAreTimed(t *testing.T) {
	t.Parallel()
	good, bad := &timed{Store: memory.New()}, &timed{Store: refusing{memory.New()}}
	for range 3 {
		if err := good.Save(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	if err := bad.Save(t.Context(), nil); err == nil || err.Error() != "full" {
		t.Errorf("the refusal is told as %v", err)
	}
	p := &Process{Actors: []*Actor{{Config: config.Actor{Name: "site"}, store: good}, {Config: config.Actor{Name: "sm"}, store: bad}}}
	var m metrics
	p.collectSaves(&m)
	page := m.b.String()
	for _, want := range []string{`leasehold_store_save_seconds_count{actor="site"} 3`, `leasehold_store_save_seconds_count{actor="sm"} 1`, `leasehold_store_save_seconds_sum{actor="site"} `, `leasehold_store_save_longest_seconds{actor="sm"} `} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing:\n%s", want, page)
		}
	}
	if _, spent, most := bad.counted(); spent < time.Millisecond || most != spent {
		t.Errorf("one save took %v, the longest %v", spent, most)
	}
}
