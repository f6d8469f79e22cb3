package ldap

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/ldapschema"
)

// settle learns what lies below a holding that has just become ours, carries out
// what its journal still owes, and removes parts that belong to nothing.
func (s *actorStore) settle(ctx context.Context) error {
	p, err := look(ctx, s.repo.dir, s.home())
	if err != nil {
		return err
	}
	s.names, s.long, s.journal, s.later, s.pages, s.logged = p.names, map[string]int{}, map[string]bool{}, nil, 0, 0
	for key, r := range p.records {
		if r.parts > 0 {
			s.long[key] = r.parts
		}
	}
	s.number = p.last()
	if err := s.finish(ctx, p.unsaid(), p.inParts); err != nil {
		return err
	}
	// What the log said is in the records. It is over before its pages go, one by one:
	// without what came behind it a page would be wrong.
	if len(p.log) > 0 {
		over := []ldapschema.Mod{replace("lhSequence", strconv.FormatUint(s.number, 10)), replace("lhData", "")}
		if err := s.repo.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: s.home(), Mods: over}); err != nil {
			return err
		}
	}
	if err := s.tidy(ctx, p); err != nil {
		return err
	}
	s.unsure = false
	return nil
}

// unsaid is what is owed and the records do not say.
func (p picture) unsaid() []store.Write {
	return slices.DeleteFunc(p.owed(), func(w store.Write) bool {
		r, ok := p.records[w.Key]
		return ok && !w.Remove && bytes.Equal(r.data, w.Data)
	})
}

// tidy drops the parts of values that have become shorter or gone, and of batches
// that were never kept.
func (s *actorStore) tidy(ctx context.Context, p picture) error {
	if len(p.parts) == 0 {
		return nil
	}
	wanted := map[string]bool{}
	for key, n := range s.long {
		for i := range n {
			wanted[partName(nameOf(key), i+1)] = true
		}
	}
	for name := range p.parts {
		if !wanted[name] && s.has(name) {
			if err := s.drop(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// carryOut makes the entries of one key say what w says. It may be repeated.
func (s *actorStore) carryOut(ctx context.Context, w store.Write) error {
	name, had := nameOf(w.Key), s.parts(w.Key)
	var pieces [][]byte
	if w.Remove {
		if err := s.drop(ctx, name); err != nil {
			return err
		}
	} else {
		pieces = cut(w.Data, s.repo.limits.part)
		number, more := strconv.FormatUint(s.number, 10), ""
		for i, piece := range pieces[1:] {
			if err := s.put(ctx, partName(name, i+1), "lhPart", attr("lhSequence", number), attr("lhData", string(piece))); err != nil {
				return err
			}
			more = strconv.Itoa(i + 1)
		}
		err := s.put(ctx, name, "lhRecord", attr("lhKey", w.Key), attr("lhSequence", number), attr("lhData", string(pieces[0])), attr("lhParts", more))
		if err != nil {
			return err
		}
	}
	has := max(len(pieces)-1, 0)
	for i := has; i < had; i++ {
		if err := s.drop(ctx, partName(name, i+1)); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.long, w.Key); has > 0 {
		s.long[w.Key] = has
	}
	return nil
}

func (s *actorStore) parts(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.long[key]
}

func (s *actorStore) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.names[name]
	return ok
}

// put makes an entry have these attributes, of one value each; an empty one is
// left out.
func (s *actorStore) put(ctx context.Context, name, class string, attrs ...ldapschema.Attr) error {
	dn := s.home().Child("lhName", name)
	if s.has(name) {
		c := ldapschema.Change{Kind: ldapschema.Modify, DN: dn}
		for _, a := range attrs {
			if a.Name != "lhKey" { // it never changes
				c.Mods = append(c.Mods, replace(a.Name, a.Values[0]))
			}
		}
		return s.repo.dir.Apply(ctx, c)
	}
	var given []ldapschema.Attr
	for _, a := range attrs {
		if a.Values[0] != "" {
			given = append(given, a)
		}
	}
	if err := s.add(ctx, dn, class, given...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = struct{}{}
	return nil
}

// drop removes an entry if it is there.
func (s *actorStore) drop(ctx context.Context, name string) error {
	if !s.has(name) {
		return nil
	}
	if err := s.repo.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Delete, DN: s.home().Child("lhName", name)}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
	return nil
}
