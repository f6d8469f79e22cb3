package ldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A record is what the directory says of one key.
type record struct {
	number uint64 // of the batch that wrote it
	data   []byte
	parts  int // further entries the data came from
}

// A batch is what was written together.
type batch struct {
	number uint64
	writes []store.Write
}

// A picture is all that lies below a holding, read once.
type picture struct {
	number  uint64                      // of the batch in the journal; what the log has of earlier ones is over
	log     []batch                     // the journal, if there is one, and later ones, by number
	inParts bool                        // the journal is in entries of its own
	records map[string]record           // by key
	names   map[string]struct{}         // of the entries
	parts   map[string]ldapschema.Entry // those that are parts, by name
}

// look reads everything below home.
func look(ctx context.Context, dir server, home ldapschema.DN) (p picture, err error) {
	top, err := dir.Read(ctx, home)
	if err != nil {
		return p, err
	}
	entries, err := dir.Children(ctx, home)
	if err != nil {
		return p, err
	}
	p = picture{records: make(map[string]record, len(entries)), names: make(map[string]struct{}, len(entries)), parts: map[string]ldapschema.Entry{}}
	for _, e := range entries {
		p.names[e.Get("lhName")] = struct{}{}
		if e.HasValue("objectClass", "lhPart") {
			p.parts[e.Get("lhName")] = e
		}
	}
	for _, e := range entries {
		if e.HasValue("objectClass", "lhRecord") {
			p.add(e)
		}
	}
	p.number = number(top, "lhSequence")
	data := []byte(top.Get("lhData"))
	if n := int(number(top, "lhParts")); n > 0 {
		p.inParts = true
		for i := range n {
			part, ok := p.parts[journalPart(i)]
			if !ok || number(part, "lhSequence") != p.number {
				return p, fmt.Errorf("%w: part %d of %d is missing", errJournal, i+1, n)
			}
			data = append(data, part.Get("lhData")...)
		}
	}
	if len(data) > 0 {
		if err := p.read(p.number, data); err != nil {
			return p, err
		}
	}
	for name, e := range p.parts {
		if n := number(e, "lhSequence"); strings.HasPrefix(name, logPrefix) && n > p.number {
			if err := p.read(n, []byte(e.Get("lhData"))); err != nil {
				return p, err
			}
		}
	}
	slices.SortFunc(p.log, func(a, b batch) int { return cmp.Compare(a.number, b.number) })
	return p, nil
}

// read takes in a batch of the journal or the log.
func (p *picture) read(number uint64, data []byte) error {
	writes, err := decodeJournal(data)
	p.log = append(p.log, batch{number, writes})
	return err
}

// add takes in a record's entry. What is missing of a long value is left out: a
// machine cannot read the rest, and its host sets the record aside.
func (p *picture) add(e ldapschema.Entry) {
	r := record{number: number(e, "lhSequence"), data: []byte(e.Get("lhData")), parts: int(number(e, "lhParts"))}
	for i := 1; i <= r.parts; i++ {
		part := p.parts[partName(e.Get("lhName"), i)]
		if number(part, "lhSequence") == r.number {
			r.data = append(r.data, part.Get("lhData")...)
		}
	}
	p.records[e.Get("lhKey")] = r
}

func number(e ldapschema.Entry, name string) uint64 {
	n, _ := strconv.ParseUint(e.Get(name), 10, 63) // absent is 0, and the schema admits nothing else
	return n
}

// owed is what the log says and the records do not, or may not, say yet: of each key
// the last.
func (p picture) owed() (out []store.Write) {
	for _, b := range p.log {
		for _, w := range b.writes {
			if r, ok := p.records[w.Key]; !ok || r.number <= b.number {
				out = append(out, w)
			}
		}
	}
	return slices.DeleteFunc(store.Latest(out), func(w store.Write) bool {
		_, there := p.records[w.Key]
		return w.Remove && !there
	})
}

// last is the highest number of any batch.
func (p picture) last() uint64 {
	n := p.number
	if len(p.log) > 0 {
		n = max(n, p.log[len(p.log)-1].number)
	}
	for _, r := range p.records {
		n = max(n, r.number)
	}
	return n
}

// final is the records as they are when the log has been carried out.
func (p picture) final() map[string][]byte {
	all := make(map[string][]byte, len(p.records))
	for key, r := range p.records {
		all[key] = r.data
	}
	for _, w := range p.owed() {
		if w.Remove {
			delete(all, w.Key)
		} else {
			all[w.Key] = w.Data
		}
	}
	return all
}

// Load gives out what the directory holds, in order of the keys.
func (s *actorStore) Load(ctx context.Context, each func(actors.Stored) error) error {
	if err := s.begin(ctx); err != nil {
		return problem(err)
	}
	p, err := look(ctx, s.repo.dir, s.home())
	if errors.Is(err, directory.ErrNotFound) {
		err = errors.Join(s.takeOver(ctx), err)
	}
	s.end()
	if err != nil {
		return problem(errors.Join(ctx.Err(), err))
	}
	return give(ctx, p.final(), each)
}

func give(ctx context.Context, all map[string][]byte, each func(actors.Stored) error) error {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(actors.Stored{Key: key, Data: all[key]}); err != nil {
			return err
		}
	}
	return nil
}

// maxLooks is how often Snapshot looks at an actor that does not keep still.
const maxLooks = 50

// Snapshot gives each the records of all actors, by actor and key, each actor's as
// they are at one moment, whoever holds it. It changes nothing. Because a directory
// has no snapshots it looks until two looks in a row find the same; an actor that is
// too busy for that is an error.
func (r *Repository) Snapshot(ctx context.Context, each func(actor string, rec actors.Stored) error) error {
	names, err := r.Actors(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		all, err := r.still(ctx, name)
		if err != nil {
			return problem(fmt.Errorf("actor %q: %w", name, err))
		}
		if err := give(ctx, all, func(rec actors.Stored) error { return each(name, rec) }); err != nil {
			return err
		}
	}
	return nil
}

// still is an actor's records at a moment between two equal looks.
func (r *Repository) still(ctx context.Context, name string) (map[string][]byte, error) {
	s := r.store(name, r.base.Child("lhName", nameOf(name)))
	var before *picture
	for range maxLooks {
		h, version, err := s.current(ctx)
		if err != nil {
			return nil, err
		}
		if version > s.schema {
			return nil, fmt.Errorf("%w: its schema version is %d, newer than this program's %d", store.ErrSchema, version, s.schema)
		}
		s.holding = h
		p, err := look(ctx, r.dir, s.home())
		if errors.Is(err, directory.ErrNotFound) || errors.Is(err, errJournal) {
			before = nil // somebody is at work
			continue
		}
		if err != nil {
			return nil, err
		}
		if before != nil && before.same(p) {
			return p.final(), nil
		}
		before = &p
	}
	return nil, errors.New("it changes too fast to be copied; stop it, or let its server make the copy")
}

// same says whether nothing was written between two looks: every write leaves a
// higher number, or takes an entry away.
func (p picture) same(o picture) bool {
	return p.number == o.number && len(p.log) == len(o.log) && len(p.names) == len(o.names) &&
		maps.EqualFunc(p.records, o.records, func(a, b record) bool { return a.number == b.number && len(a.data) == len(b.data) })
}
