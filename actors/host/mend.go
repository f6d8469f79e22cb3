package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// Quarantined lists the records that were set aside at this start and before, in
// order of their keys. They stay until somebody restores or drops them. The slice
// must not be changed.
func (h *Host) Quarantined() []Quarantined {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.aside
}

// Restore puts a record that was set aside back into the running actor: data, or if
// that is nil the record as it was, which may be readable now that another one is
// there. What the actor owes because of it is carried out as after a restart. A
// record that still cannot be read stays where it is; the error, of kind Invalid,
// says why. It is Stale when the actor has written another record under the key
// since.
func (h *Host) Restore(ctx context.Context, key string, data []byte) error {
	return h.mend(ctx, "host.restore", key, func(now actors.Cycle, q Quarantined) (actors.Effects, error) {
		if q.Err == nil {
			return actors.Effects{}, h.about("host.restore", actors.Stale, key, errors.New("the actor has written another record of this name since; this one can only be dropped"))
		}
		if data == nil {
			data = q.Data
		}
		if len(data) > store.MaxValue {
			return actors.Effects{}, h.about("host.restore", actors.Invalid, key, fmt.Errorf("%d octets are more than the limit of %d", len(data), store.MaxValue))
		}
		if err := guarded("restore", func() error { return h.cfg.Machine.Restore(actors.Stored{Key: key, Data: data}) }); err != nil {
			return actors.Effects{}, h.about("host.restore", actors.Invalid, key, err)
		}
		var fx actors.Effects
		if err := guarded("recover", func() error { fx = h.cfg.Machine.Recover(now); return nil }); err != nil {
			return actors.Effects{}, h.about("host.restore", actors.Other, key, err)
		}
		fx.Save = slices.Concat([]actors.Record{{Key: key, Value: store.Raw(data)}}, uncopied(key), fx.Save)
		h.cfg.Log.WithField("record", key).Warn("an operator restored a record that had been set aside")
		return fx, nil
	})
}

// Drop throws a record away that was set aside. A machine that spared what the
// record was about (actors.Sparer) is told.
func (h *Host) Drop(ctx context.Context, key string) error {
	return h.mend(ctx, "host.drop", key, func(now actors.Cycle, q Quarantined) (actors.Effects, error) {
		fx := actors.Effects{Wake: h.wake}
		if s, ok := h.cfg.Machine.(actors.Sparer); ok {
			if err := guarded("let go", func() error { fx = s.LetGo(now, key); return nil }); err != nil {
				return actors.Effects{}, h.about("host.drop", actors.Other, key, err)
			}
		}
		fx.Save = append(fx.Save, uncopied(key)...)
		if q.Err != nil { // nobody has written anything else under its name
			fx.Save = append(fx.Save, actors.Record{Key: key})
		}
		h.cfg.Log.WithField("record", key).Warn("an operator dropped a record that had been set aside")
		return fx, nil
	})
}

// uncopied removes the copy of a record, if its key was short enough for one.
func uncopied(key string) []actors.Record {
	if len(asidePrefix+key) > store.MaxKey {
		return nil
	}
	return []actors.Record{{Key: asidePrefix + key}}
}

// mend does something about a record that was set aside, between two steps, and
// takes it off the list when that is durable.
func (h *Host) mend(ctx context.Context, op, key string, do func(actors.Cycle, Quarantined) (actors.Effects, error)) error {
	work := func(now actors.Cycle) (actors.Effects, error) {
		all := h.Quarantined()
		i := slices.IndexFunc(all, func(q Quarantined) bool { return q.Key == key })
		if i < 0 {
			return actors.Effects{}, h.about(op, actors.NotFound, key, errors.New("no record of this name is set aside"))
		}
		fx, err := do(now, all[i])
		if err == nil {
			h.mu.Lock()
			h.aside = slices.Delete(slices.Clone(all), i, i+1)
			h.mu.Unlock()
		}
		return fx, err
	}
	return h.put(ctx, op, &item{mend: work, answer: make(chan error, 1)})
}

func (h *Host) about(op string, kind actors.Kind, key string, cause error) error {
	return &actors.Error{Op: op, Actor: h.cfg.Self.ID, Kind: kind, Err: fmt.Errorf("record %q: %w", key, cause)}
}

// overwritten notes which records that were set aside are now only there as copies.
func (h *Host) overwritten(batch []actors.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.aside) == 0 {
		return
	}
	for _, rec := range batch {
		i := slices.IndexFunc(h.aside, func(q Quarantined) bool { return q.Key == rec.Key && q.Err != nil })
		if i >= 0 {
			h.aside = slices.Clone(h.aside)
			h.aside[i].Err = nil
		}
	}
}
