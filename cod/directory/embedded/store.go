package embedded

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// The buckets of the data base file.
var (
	entryBucket = []byte("entries") // tree.Key -> encoded entry
	indexBucket = []byte("index")   // see indexKey -> nothing
	metaBucket  = []byte("meta")    // metaFormat, metaSuffix, metaCSN
)

var (
	metaFormat = []byte("format")
	metaSuffix = []byte("suffix")
	metaCSN    = []byte("csn")
)

// format names the layout of the file; another is refused.
const format = "leasehold directory 1"

// openDB opens or makes the file, for this process alone.
func openDB(cfg Config, suffix tree.Key) (*bbolt.DB, error) {
	db, err := bbolt.Open(cfg.Path, 0o600, &bbolt.Options{
		Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded directory: %s: %w", cfg.Path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{entryBucket, indexBucket, metaBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(metaBucket)
		for _, m := range []struct {
			key  []byte
			want string
		}{{metaFormat, format}, {metaSuffix, string(suffix)}} {
			switch have := meta.Get(m.key); {
			case have == nil:
				if err := meta.Put(m.key, []byte(m.want)); err != nil {
					return err
				}
			case string(have) != m.want:
				return fmt.Errorf("%s is %q, not %q", m.key, have, m.want)
			}
		}
		return nil
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("embedded directory: %s: %w", cfg.Path, err)
	}
	return db, nil
}

// A store is the tree as one transaction sees it.
type store struct {
	entries, index *bbolt.Bucket
	done           *[]change // what was put and deleted; nil when nobody asks
}

func storeOf(tx *bbolt.Tx) store {
	return store{entries: tx.Bucket(entryBucket), index: tx.Bucket(indexBucket)}
}

var _ tree.Store = store{}

func (s store) Get(k tree.Key) (ldapschema.Entry, bool, error) {
	data := s.entries.Get([]byte(k))
	if data == nil {
		return ldapschema.Entry{}, false, nil
	}
	e, err := decodeEntry(data)
	return e, err == nil, err
}

func (s store) Put(k tree.Key, e ldapschema.Entry) error {
	old, _, err := s.Get(k)
	if err != nil {
		return err
	}
	if err := s.reindex(k, old, e); err != nil {
		return err
	}
	s.note(change{k, e.Get("entryUUID"), e})
	return s.entries.Put([]byte(k), encodeEntry(e))
}

func (s store) note(c change) {
	if s.done != nil {
		*s.done = append(*s.done, c)
	}
}

func (s store) Delete(k tree.Key) error {
	old, _, err := s.Get(k)
	if err != nil {
		return err
	}
	if err := s.reindex(k, old, ldapschema.Entry{}); err != nil {
		return err
	}
	s.note(change{k, old.Get("entryUUID"), ldapschema.Entry{DN: old.DN}})
	return s.entries.Delete([]byte(k))
}

func (s store) HasChildren(k tree.Key) (bool, error) {
	next, _ := s.entries.Cursor().Seek(append([]byte(k), 0))
	return next != nil && tree.Key(next).Below(k), nil
}

func (s store) Subtree(k tree.Key, visit func(tree.Key, ldapschema.Entry) bool) error {
	return s.walk(k, "", true, visit)
}

// walk visits base, or what lies below it, in key order, from the first key behind
// after. deep takes in the whole subtree, else only base's children.
func (s store) walk(base, after tree.Key, deep bool, visit func(tree.Key, ldapschema.Entry) bool) error {
	c := s.entries.Cursor()
	k, v := c.Seek([]byte(base))
	if !deep {
		k, v = c.Seek(append([]byte(base), 0))
		if base == "" {
			k, v = c.First()
		}
	}
	if after >= base && after != "" {
		k, v = c.Seek(append([]byte(after), 0))
		if !deep {
			k, v = c.Seek(append([]byte(after), 1))
		}
	}
	for k != nil {
		key := tree.Key(k)
		if key != base && !key.Below(base) {
			return nil
		}
		if !deep && key.Parent() != base {
			// A grandchild: go on behind the child that it lies below.
			child := key[:len(base)+1+bytes.IndexByte(k[len(base)+1:], 0)]
			k, v = c.Seek(append([]byte(child), 1))
			continue
		}
		e, err := decodeEntry(v)
		if err != nil {
			return fmt.Errorf("%q: %w", string(k), err)
		}
		if !visit(key, e) {
			return nil
		}
		if deep {
			k, v = c.Next()
		} else {
			k, v = c.Seek(append([]byte(key), 1))
		}
	}
	return nil
}
