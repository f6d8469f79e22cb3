package embedded

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// drawTree fills the server with a random small tree and returns its keys.
func drawTree(t *rapid.T, s *Server) []tree.Key {
	d := s.Local("cn=root")
	names := []ldapschema.DN{"dc=test"}
	for range rapid.IntRange(0, 15).Draw(t, "entries") {
		dn := rapid.SampledFrom(names).Draw(t, "under").Child("cn", rapid.SampledFrom([]string{"a", "a b", "a-b", "b", "z,z"}).Draw(t, "name"))
		e, err := ldapschema.New(dn, "device").Set("cn", rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y"}), 0, 2).Draw(t, "cn")...).Build()
		if err != nil {
			t.Fatal(err)
		}
		if dn.Depth() < 4 && d.Apply(t.Context(), ldapschema.AddEntry(e)) == nil {
			names = append(names, dn)
		}
	}
	var keys []tree.Key
	for _, dn := range names {
		k, err := tree.KeyOf(dn)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func clear(t *rapid.T, s *Server) {
	entries, err := s.Local("").List(t.Context(), "dc=test")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(entries[1:]) {
		if err := s.Local("").Apply(t.Context(), ldapschema.DeleteEntry(e.DN)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWalk compares every walk, from every place on, with a look at all keys.
func TestWalk(t *testing.T) {
	t.Parallel()
	srv := testServer(t, func(c *Config) { c.Listen = "" })
	srv.engine.db.NoSync = true
	rapid.Check(t, func(t *rapid.T) {
		clear(t, srv)
		keys := drawTree(t, srv)
		base := rapid.SampledFrom(append(keys, "")).Draw(t, "base")
		after := rapid.SampledFrom(append(keys, "")).Draw(t, "after")
		deep := rapid.Bool().Draw(t, "deep")
		if after != "" && after != base && !after.Below(base) || !deep && after != "" && after.Parent() != base {
			return // not a place where such a walk can have stopped
		}
		var want, got []tree.Key
		for _, k := range keys {
			in := k == base || k.Below(base)
			if !deep {
				in = k != base && k.Parent() == base
			}
			if in && (after == "" || k > after) {
				want = append(want, k)
			}
		}
		err := srv.engine.view("test", "", func(_ tree.Tree, s store) error {
			return s.walk(base, after, deep, func(k tree.Key, _ ldapschema.Entry) bool {
				got = append(got, k)
				return true
			})
		})
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("base %q after %q deep %v in %q: %v\ngot  %q\nwant %q", base, after, deep, keys, err, got, want)
		}
	})
}

// TestIndexIsExact: whatever was added, changed, moved and removed, the index says
// what the entries say, and nothing else.
func TestIndexIsExact(t *testing.T) {
	t.Parallel()
	srv := testServer(t, func(c *Config) { c.Listen = "" })
	srv.engine.db.NoSync = true
	rapid.Check(t, func(t *rapid.T) {
		keys := drawTree(t, srv)
		for range 6 {
			dn := ldapschema.DN("cn=gone,dc=test")
			if len(keys) > 1 {
				dn = nameOf(t, srv, rapid.SampledFrom(keys[1:]).Draw(t, "entry"))
			}
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				attr := rapid.SampledFrom([]string{"cn", "description"}).Draw(t, "attr")
				srv.Local("").Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: []ldapschema.Mod{
					{Op: ldapschema.ModOp(rapid.IntRange(0, 2).Draw(t, "op")), Attr: attr, Values: []string{rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "value")}},
				}}) // a refused change has to leave the index alone as well
			case 1:
				srv.Local("").Apply(t.Context(), ldapschema.DeleteEntry(dn))
			case 2:
				done := make(chan error)
				srv.engine.write(job{do: func(tr tree.Tree) error { return tr.Rename(dn, "cn=renamed", true, nil, nil) }, done: func(err error) { done <- err }})
				<-done
			}
		}
		want, got := map[string]bool{}, map[string]bool{}
		err := srv.engine.db.View(func(tx *bbolt.Tx) error {
			if err := tx.Bucket(indexBucket).ForEach(func(k, _ []byte) error { got[string(k)] = true; return nil }); err != nil {
				return err
			}
			return tx.Bucket(entryBucket).ForEach(func(k, v []byte) error {
				e, err := decodeEntry(v)
				for _, name := range indexed {
					a, _ := ldapschema.AttributeNamed(name)
					for _, value := range e.Values(name) {
						want[string(append(indexPrefix(a, value), k...))] = true
					}
				}
				return err
			})
		})
		if err != nil || !maps.Equal(want, got) {
			t.Fatalf("%v: index %q, entries %q", err, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		clear(t, srv)
	})
}

func nameOf(t *rapid.T, s *Server, k tree.Key) ldapschema.DN {
	dn := ldapschema.DN("cn=gone,dc=test")
	err := s.engine.view("test", "", func(_ tree.Tree, st store) error {
		e, ok, err := st.Get(k)
		if ok {
			dn = e.DN
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dn
}

// TestDamagedEntry: an entry that cannot be read fails the call that needs it, and
// says which it is.
func TestDamagedEntry(t *testing.T) {
	t.Parallel()
	s := testServer(t, func(c *Config) { c.Listen = "" })
	err := s.engine.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(entryBucket).Put([]byte("dc=test\x00cn=damaged"), []byte("\x01nonsense"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Local("").Read(t.Context(), "dc=test"); err != nil {
		t.Errorf("a sound entry: %v", err)
	}
	if _, err := s.Local("").List(t.Context(), "dc=test"); err == nil || !bytes.Contains(fmt.Append(nil, err), []byte("cn=damaged")) {
		t.Errorf("list: %v", err)
	}
}
