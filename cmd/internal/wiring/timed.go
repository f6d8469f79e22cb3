package wiring

import (
	"context"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// timed is a store that counts how long its saves take.
type timed struct {
	store.Store

	mu    sync.Mutex
	saves int
	spent time.Duration
	most  time.Duration // the longest of them
}

// Save saves, and counts; one that fails has taken its time too.
func (t *timed) Save(ctx context.Context, batch []actors.Record) error {
	began := time.Now()
	err := t.Store.Save(ctx, batch)
	took := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saves++
	t.spent += took
	t.most = max(t.most, took)
	return err
}

// counted is the number of saves, how long they took together, and the longest.
func (t *timed) counted() (saves int, spent, most time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.saves, t.spent, t.most
}

// collectSaves writes down how long the actors' stores took.
func (p *Process) collectSaves(m *metrics) {
	m.family("leasehold_store_save_seconds", "summary", "How long an actor's store took to save what a step made, failures included.")
	for _, a := range p.Actors {
		saves, spent, _ := a.store.counted()
		m.sample("_sum", spent.Seconds(), labels{"actor", a.Config.Name})
		m.sample("_count", float64(saves), labels{"actor", a.Config.Name})
	}
	m.family("leasehold_store_save_longest_seconds", "gauge", "How long the longest save of an actor took since the process began.")
	for _, a := range p.Actors {
		_, _, most := a.store.counted()
		m.sample("", most.Seconds(), labels{"actor", a.Config.Name})
	}
}
