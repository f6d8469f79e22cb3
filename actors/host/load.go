package host

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// asidePrefix starts the keys under which the host keeps copies of records that
// could not be read. Machines never see these keys and must not use them.
const asidePrefix = "quarantine/"

// Quarantined is a record that the machine could not read when it was restored.
// The record stays where it is, for a program that can read it; the copy stays
// when the actor later writes something else under the same key.
type Quarantined struct {
	Key  string
	Data []byte
	Err  error // why it could not be read; nil when only the copy is left
}

// load gives every record to the machine, in order.
func (h *Host) load(ctx context.Context) error {
	copies := map[string][]byte{}
	err := h.cfg.Store.Load(ctx, func(rec actors.Stored) error {
		if key, aside := strings.CutPrefix(rec.Key, asidePrefix); aside {
			copies[key] = rec.Data
			return nil
		}
		if rec.Key == reachedKey {
			h.resume(rec.Data)
			return nil
		}
		if err := guarded("restore", func() error { return h.cfg.Machine.Restore(rec) }); err != nil {
			h.cfg.Log.WithError(err).WithField("record", rec.Key).Error("a record cannot be read and is set aside")
			h.aside = append(h.aside, Quarantined{rec.Key, rec.Data, err})
		}
		return nil
	})
	if err != nil {
		return err
	}
	batch := h.fresh(copies)
	if len(copies) > 0 {
		healed, err := h.revisit(ctx, copies)
		if err != nil {
			return err
		}
		batch = append(batch, healed...)
	}
	slices.SortFunc(h.aside, func(a, b Quarantined) int { return strings.Compare(a.Key, b.Key) })
	if len(batch) == 0 {
		return nil
	}
	return h.cfg.Store.Save(ctx, batch)
}

// fresh copies the records that this start could not read and takes the copies
// that are already right out of the map.
func (h *Host) fresh(copies map[string][]byte) (batch []actors.Record) {
	for _, q := range h.aside {
		kept, found := copies[q.Key]
		delete(copies, q.Key)
		if found && bytes.Equal(kept, q.Data) || len(asidePrefix+q.Key) > store.MaxKey {
			continue
		}
		batch = append(batch, actors.Record{Key: asidePrefix + q.Key, Value: store.Raw(q.Data)})
	}
	return batch
}

// revisit looks at the copies whose record is not in the way any more. If the
// record is unchanged, a better program has read it and the copy goes; otherwise
// the copy is all that is left of it.
func (h *Host) revisit(ctx context.Context, copies map[string][]byte) (batch []actors.Record, err error) {
	err = h.cfg.Store.Load(ctx, func(rec actors.Stored) error {
		if kept, found := copies[rec.Key]; found && bytes.Equal(kept, rec.Data) {
			delete(copies, rec.Key)
			batch = append(batch, actors.Record{Key: asidePrefix + rec.Key})
		}
		return nil
	})
	for key, data := range copies {
		h.aside = append(h.aside, Quarantined{Key: key, Data: data})
	}
	return batch, err
}
