package ldap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// Schema is the version of the entries' form that this program reads and writes.
const Schema = 2

// A step carries an actor's records, by key, from one version to the next.
type step func(all map[string][]byte) error

// migrations lead from version 1 to Schema, one step each. A version that has been
// released never changes.
//
// Version 2 has a log of batches, and the units of large leases in records of their
// own. Nothing is written anew for it: it keeps programs away that would not find them.
var migrations = []step{
	func(map[string][]byte) error { return nil },
}

// migrate brings what we hold forward. The steps are worked out first and written
// down in one batch with the new version, after a copy was made beside the actor:
// whatever fails before that moment has changed nothing, and whatever fails after it
// is finished when the actor is next opened.
func (s *actorStore) migrate(ctx context.Context, from int) error {
	p, err := look(ctx, s.repo.dir, s.home())
	if err != nil {
		return err
	}
	before := p.final()
	after := maps.Clone(before)
	for v := from; v < s.schema; v++ {
		if err := s.repo.steps[v-1](after); err != nil {
			return fmt.Errorf("actor %q: from schema version %d to %d: %w; the records are as they were", s.name, v, v+1, err)
		}
	}
	kept := s.repo.base.Child("lhName", keptName(from, s.name))
	if err := s.repo.keep(ctx, kept, from, before); err != nil {
		return fmt.Errorf("actor %q: a copy has to be made before schema version %d becomes %d: %w", s.name, from, s.schema, err)
	}
	writes := difference(before, after)
	s.number++
	s.unsure = true
	parted, err := s.commit(ctx, writes, encodeJournal(writes), replace("lhSchema", strconv.Itoa(s.schema)))
	if err != nil {
		return err
	}
	s.repo.told(s.name, from, s.schema, kept)
	if err := s.finish(ctx, writes, parted); err != nil {
		return err
	}
	s.unsure = false
	return nil
}

// difference is the batch that makes before into after.
func difference(before, after map[string][]byte) (out []store.Write) {
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[key]; !ok {
			out = append(out, store.Write{Key: key, Remove: true})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if old, ok := before[key]; !ok || !bytes.Equal(old, after[key]) {
			out = append(out, store.Write{Key: key, Data: after[key]})
		}
	}
	return out
}

// keptName is the name of the entry with an actor's records as they were. No actor
// has such a name. Renamed to the actor's, in the place of its entry, it is the
// actor as it was.
func keptName(version int, actor string) string {
	return "~schema" + strconv.Itoa(version) + "~" + nameOf(actor)
}

// keep writes records below an entry of their own, in the place of what is there:
// that is of a migration that was undone, or not finished.
func (r *Repository) keep(ctx context.Context, dn ldapschema.DN, version int, all map[string][]byte) error {
	if err := r.clear(ctx, dn); err != nil {
		return err
	}
	s := r.store("a copy", dn)
	s.schema = version
	if err := s.takeOver(ctx); err != nil || len(all) == 0 {
		return err
	}
	return s.save(ctx, difference(nil, all))
}

// clear removes an entry and all below it.
func (r *Repository) clear(ctx context.Context, dn ldapschema.DN) error {
	below, err := r.dir.Children(ctx, dn)
	if errors.Is(err, directory.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range below {
		if err := r.clear(ctx, e.DN); err != nil {
			return err
		}
	}
	return ignore(directory.ErrNotFound, r.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Delete, DN: dn}))
}
