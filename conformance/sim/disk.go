package sim

import (
	"bytes"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// disk is an actor's durable records, by key. The value is kept beside the octets
// for the judges; a restart sees the octets alone.
type disk map[string]stored

type stored struct {
	data  []byte
	value actors.Value
}

// save writes one record.
func (d disk) save(w *world, rec actors.Record) {
	if rec.Value == nil {
		delete(d, rec.Key)
		return
	}
	data, err := rec.Value.AppendRecord(nil)
	if err != nil {
		w.fail(saysWritable, "record %s: %v", rec.Key, err)
		return
	}
	w.trace.mix(data)
	if w.cfg.mutant == losesRecords && w.rnd.IntN(20) == 0 {
		return
	}
	d[rec.Key] = stored{data, rec.Value}
}

// keys lists the records in the order in which they are restored.
func (d disk) keys() []string { return slices.Sorted(maps.Keys(d)) }

// restore puts every record into a fresh machine.
func (d disk) restore(w *world, p *process, m actors.Machine) {
	for _, k := range d.keys() {
		rec := d[k]
		if err := m.Restore(actors.Stored{Key: k, Data: bytes.Clone(rec.data)}); err != nil {
			w.fail(saysReadable, "%s: record %s: %v", p.Name, k, err)
		}
	}
}
