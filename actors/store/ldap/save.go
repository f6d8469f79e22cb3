package ldap

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// Save keeps the batch.
func (s *actorStore) Save(ctx context.Context, batch []actors.Record) error {
	select {
	case <-s.closed:
		return store.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	writes, err := store.Encode(batch)
	if err != nil || len(writes) == 0 {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return problem(err)
	}
	defer s.end()
	err = s.save(ctx, store.Latest(writes))
	if errors.Is(err, directory.ErrNotFound) {
		// The holding has gone: see whose it is. If it is still ours, an entry was
		// removed behind our back, and now we know.
		if taken := s.takeOver(ctx); taken != nil {
			return problem(errors.Join(taken, ctx.Err()))
		}
		err = s.save(ctx, store.Latest(writes))
	}
	return problem(errors.Join(err, ctx.Err()))
}

// save writes one batch. Whatever fails leaves us unsure of what the directory
// holds and of what may still happen to it.
func (s *actorStore) save(ctx context.Context, writes []store.Write) error {
	s.number++
	if s.direct(writes) {
		s.unsure = true
		err := s.carryOut(ctx, writes[0])
		s.unsure = err != nil
		s.later = slices.DeleteFunc(s.later, func(w store.Write) bool { return w.Key == writes[0].Key })
		return err
	}
	s.unsure = true
	data := encodeJournal(writes)
	if l := s.repo.limits; s.pages < l.pages && len(data) <= min(l.page, l.log-s.logged) {
		err := s.put(ctx, logName(s.pages), "lhPart", attr("lhSequence", strconv.FormatUint(s.number, 10)), attr("lhData", string(data)))
		if err != nil {
			return err
		}
		s.pages++
		s.logged += len(data)
		s.keep(writes)
		s.unsure = false
		return nil
	}
	if err := s.finish(ctx, s.later, false); err != nil {
		return err
	}
	parted, err := s.commit(ctx, writes, data)
	if err != nil {
		return err
	}
	s.keep(writes)
	if !parted {
		s.unsure = false
		return nil
	}
	// The batch is kept, whatever becomes of the rest: what is not finished now is when
	// the actor is taken over, by ourselves or another.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.repo.timeout)
	defer cancel()
	if s.finish(ctx, writes, parted) == nil {
		s.later, s.unsure = nil, false
	}
	return nil
}

// keep notes a batch that is in the log, to be carried out later. What is removed and
// has no entry needs nothing.
func (s *actorStore) keep(writes []store.Write) {
	for _, w := range writes {
		s.journal[w.Key] = !w.Remove
	}
	all := store.Latest(slices.Concat(s.later, writes))
	s.later = slices.DeleteFunc(all, func(w store.Write) bool { return w.Remove && !s.has(nameOf(w.Key)) })
}

// direct says whether a batch can do without the log: one write to one entry that is
// there, which the log as it stands must not undo at the next load. What has no entry
// yet may never need one.
func (s *actorStore) direct(writes []store.Write) bool {
	w := writes[0]
	return len(writes) == 1 && len(w.Data) <= s.repo.limits.part && s.long[w.Key] == 0 && s.has(nameOf(w.Key)) && (!w.Remove || !s.journal[w.Key])
}

// commit makes the batch the journal, and begins the log anew with it: the moment at
// which it is kept. All that the log said before has been carried out. More changes of
// the holding's entry are part of it.
func (s *actorStore) commit(ctx context.Context, writes []store.Write, data []byte, more ...ldapschema.Mod) (parted bool, err error) {
	number := strconv.FormatUint(s.number, 10)
	mods := append([]ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "lhSequence", Values: []string{number}}}, more...)
	if len(data) <= s.repo.limits.journal {
		mods = append(mods, replace("lhData", string(data)), replace("lhParts", ""))
	} else {
		pieces := cut(data, s.repo.limits.part)
		for i, piece := range pieces {
			if err := s.put(ctx, journalPart(i), "lhPart", attr("lhSequence", number), attr("lhData", string(piece))); err != nil {
				return true, err
			}
		}
		mods = append(mods, replace("lhData", ""), replace("lhParts", strconv.Itoa(len(pieces))))
		parted = true
	}
	if err := s.repo.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: s.home(), Mods: mods}); err != nil {
		return parted, err
	}
	s.pages, s.logged, s.later, s.journal = 0, 0, nil, map[string]bool{}
	for _, w := range writes {
		s.journal[w.Key] = !w.Remove
	}
	return parted, nil
}

// replace sets an attribute; an empty value removes it.
func replace(name, value string) ldapschema.Mod {
	m := ldapschema.Mod{Op: ldapschema.ModReplace, Attr: name}
	if value != "" {
		m.Values = []string{value}
	}
	return m
}

// cut divides data into pieces of at most size octets; there is always one.
func cut(data []byte, size int) (out [][]byte) {
	for len(data) > size {
		out = append(out, data[:size])
		data = data[size:]
	}
	return append(out, data)
}

// finish writes the records of the journal, several at once, and puts away a
// journal that lies in parts.
func (s *actorStore) finish(ctx context.Context, writes []store.Write, parted bool) error {
	todo := make(chan store.Write, len(writes))
	for _, w := range writes {
		todo <- w
	}
	close(todo)
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range min(len(writes), s.repo.limits.writers) {
		all.Go(func() {
			for w := range todo {
				if err := s.carryOut(ctx, w); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	all.Wait()
	if failed != nil || !parted {
		return failed
	}
	if err := s.repo.dir.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: s.home(), Mods: []ldapschema.Mod{replace("lhParts", "")}}); err != nil {
		return err
	}
	s.journal = map[string]bool{}
	for i := 0; s.has(journalPart(i)); i++ {
		if err := s.drop(ctx, journalPart(i)); err != nil {
			return err
		}
	}
	return nil
}
