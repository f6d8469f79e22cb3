package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/manager"
)

// disk is an actor's durable records, by key. The value is kept beside the octets
// for the judges; a restart sees the octets alone.
type disk map[string]stored

type stored struct {
	data  []byte
	value actors.Value
}

// save makes records durable, all or none, and goes on with then. A disk that refuses
// is asked again after a pause, as actors/host does, and nothing else happens in the
// process meanwhile: nobody is answered or told what may yet be lost.
func (p *process) save(records []actors.Record, try int, then func()) {
	w := p.w
	full, trouble := p.full > w.now, w.chance(w.faults.Store)
	if len(records) > 0 && (full || trouble || w.cfg.script.refuses(p)) {
		w.counts.Unsaved++
		w.trace.add(w.now, "%s cannot save", p.Name)
		if trouble && !full && w.rnd.IntN(2) == 0 { // it could, and does not know
			p.write(records)
		}
		p.saving = true
		p.later(min(actors.Millis(1_000)<<min(try-1, 5), 30_000), func() {
			p.saving = false
			p.save(records, try+1, then)
		})
		return
	}
	p.write(records)
	then()
}

func (p *process) write(records []actors.Record) {
	records = plain(records)
	for _, rec := range records {
		p.disk.save(p.w, rec)
	}
	p.w.saved(p, records)
}

// plain is records for the judges, who look at reservations: of those that machines only
// point to it has copies.
func plain(records []actors.Record) []actors.Record {
	out := slices.Clone(records)
	for i := range out {
		switch v := out[i].Value.(type) {
		case *manager.Reservation:
			out[i].Value = *v
		case *authority.Reservation:
			out[i].Value = *v
		}
	}
	return out
}

// fillDisk lets somebody's disk refuse everything for a while.
func (w *world) fillDisk() {
	p := w.procs[w.rnd.IntN(len(w.procs))]
	p.full = w.now + 1_000 + w.upTo(15_000)
	w.trace.add(w.now, "the disk of %s is full until %.3f", p.Name, seconds(p.full))
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

// reachedKey is the record in which a process keeps how far its time has come, as
// actors/host does. Machines never see it.
const reachedKey = "clock/reached"

// reached is the cycle that steps were given last, and the one that had its Tick last.
type reached struct{ now, ticked actors.Cycle }

// AppendRecord writes it down (actors.Value).
func (r reached) AppendRecord(dst []byte) ([]byte, error) {
	return fmt.Appendf(dst, "%d %d", r.now, r.ticked), nil
}

// mark adds to what is saved how far time has come, if that has changed.
func (p *process) mark(records []actors.Record) []actors.Record {
	r := reached{p.reached, p.ticked}
	if len(records) == 0 || p.marked == r {
		return records
	}
	p.marked = r
	return append(records, actors.Record{Key: reachedKey, Value: r})
}

// resume takes up time where the life before left it: a clock that was set back in
// between holds the actor at the cycle it had reached. Where operators want the clock
// to count all the same ([Config.SetBack]), it may be in an earlier cycle again.
func (p *process) resume() {
	p.reached, p.ticked, p.marked = 0, -1, nil
	r, ok := p.disk[reachedKey].value.(reached)
	switch {
	case !ok:
		return
	case p.w.cfg.SetBack && p.w.cycles().Start(r.now) > p.local():
		p.durable = reached{ticked: -1}
		return
	}
	p.reached, p.ticked, p.marked = r.now, r.ticked, r
}

// keys lists the records in the order in which they are restored.
func (d disk) keys() []string { return slices.Sorted(maps.Keys(d)) }

// restore puts every record into a fresh machine.
func (d disk) restore(w *world, p *process, m actors.Machine) {
	for _, k := range d.keys() {
		if k == reachedKey {
			continue
		}
		rec := d[k]
		if err := m.Restore(actors.Stored{Key: k, Data: bytes.Clone(rec.data)}); err != nil {
			w.fail(saysReadable, "%s: record %s: %v", p.Name, k, err)
		}
	}
}
