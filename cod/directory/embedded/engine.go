package embedded

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// An engine is the directory without its protocol.
type engine struct {
	db       *bbolt.DB
	writer   *writer
	suffix   tree.Key
	suffixDN ldapschema.DN

	mu     sync.RWMutex // held for reading while a job is handed to the writer
	closed bool
}

var errClosed = errors.New("directory is closed")

func openEngine(cfg Config) (*engine, error) {
	suffix, err := tree.KeyOf(cfg.Suffix)
	if err != nil {
		return nil, err
	}
	db, err := openDB(cfg, suffix)
	if err != nil {
		return nil, err
	}
	return &engine{db: db, writer: newWriter(db, suffix, newCSNClock(db, cfg.Now)), suffix: suffix, suffixDN: cfg.Suffix}, nil
}

// close lets what was handed in be finished, and closes the file.
func (g *engine) close() error {
	g.mu.Lock()
	was := g.closed
	g.closed = true
	g.mu.Unlock()
	if was {
		return nil
	}
	g.writer.close()
	return g.db.Close()
}

// write hands a job to the writer and returns; done hears the outcome.
func (g *engine) write(j job) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		j.done(&directory.Error{Op: "write", Code: directory.Unavailable, Err: errClosed})
		return
	}
	g.writer.jobs <- j
}

// view runs fn on the tree as it is on disk now.
func (g *engine) view(op string, dn ldapschema.DN, fn func(tree.Tree, store) error) error {
	err := g.db.View(func(tx *bbolt.Tx) error {
		s := storeOf(tx)
		return fn(tree.Tree{Store: s, Suffix: g.suffix}, s)
	})
	var known *directory.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &directory.Error{Op: op, DN: dn, Code: directory.Unavailable, Err: err}
}

// The scopes of a search (RFC 4511 4.5.1.2).
const (
	scopeBase = 0
	scopeOne  = 1
	scopeSub  = 2
)

// A query is a search as the engine sees it.
type query struct {
	base   ldapschema.DN
	scope  int
	filter ldapschema.Filter
	// see makes of a stored entry what the asker may see of it.
	see func(ldapschema.Entry) ldapschema.Entry
	// family asks for hasSubordinates, which is found out and not stored.
	family bool
}

// A match is one entry that a query found.
type match struct {
	key   tree.Key
	entry ldapschema.Entry
}

// maxScan is how many entries one step of a search looks at: a transaction held
// for long would keep the file from reusing its pages.
const maxScan = 4096

// find returns up to n matches behind the key after, in the order of the tree, and
// the key to go on behind; that is "" when there is no more.
func (g *engine) find(ctx context.Context, q query, after tree.Key, n int) (found []match, next tree.Key, err error) {
	err = g.view("search", q.base, func(t tree.Tree, s store) error {
		base, _, err := t.Get("search", q.base)
		if err != nil {
			return err
		}
		scanned := 0
		look := func(key tree.Key, e ldapschema.Entry) bool {
			scanned++
			m := match{key, g.dress(s, key, e, q)}
			if q.filter.Match(m.entry) {
				found = append(found, m)
			}
			if len(found) >= n || scanned >= maxScan || ctx.Err() != nil {
				next = key
				return false
			}
			return true
		}
		lookups := plan(q.filter)
		switch {
		case q.scope == scopeBase:
			e, ok, err := s.Get(base)
			if err == nil && ok && after == "" {
				look(base, e)
				next = ""
			}
			return err
		case lookups != nil:
			return s.pick(s.candidates(lookups), base, after, q.scope, look)
		}
		return s.walk(base, after, q.scope == scopeSub, look)
	})
	if err == nil {
		err = ctx.Err()
	}
	return found, next, err
}

// pick visits those of the keys that are in scope, from the first behind after.
func (s store) pick(keys []tree.Key, base, after tree.Key, scope int, visit func(tree.Key, ldapschema.Entry) bool) error {
	from := 0
	if after != "" {
		i, there := slices.BinarySearch(keys, after)
		from = i
		if there {
			from++
		}
	}
	for _, k := range keys[from:] {
		inScope := k == base || k.Below(base)
		if scope == scopeOne {
			inScope = k != base && k.Parent() == base
		}
		if !inScope {
			continue
		}
		e, ok, err := s.Get(k)
		if err != nil {
			return err
		}
		if ok && !visit(k, e) {
			return nil
		}
	}
	return nil
}

// dress adds to an entry what is not stored with it, and takes away what the asker
// may not see.
func (g *engine) dress(s store, key tree.Key, e ldapschema.Entry, q query) ldapschema.Entry {
	e = g.dressed(e, q)
	if q.family {
		below, _ := s.HasChildren(key)
		e.Attrs = append(e.Attrs, ldapschema.Attr{Name: "hasSubordinates", Values: []string{map[bool]string{true: "TRUE", false: "FALSE"}[below]}})
	}
	return e
}

// dressed is dress as far as the entry alone tells.
func (g *engine) dressed(e ldapschema.Entry, q query) ldapschema.Entry {
	if q.see != nil {
		e = q.see(e)
	}
	e.Attrs = append(slices.Clip(e.Attrs),
		ldapschema.Attr{Name: "entryDN", Values: []string{string(e.DN)}},
		ldapschema.Attr{Name: "subschemaSubentry", Values: []string{string(subschemaDN)}})
	return e
}
