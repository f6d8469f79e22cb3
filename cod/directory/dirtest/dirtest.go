package dirtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// Base is the topmost name of every directory under test.
const Base ldapschema.DN = "dc=site,dc=test"

// Run puts one kind of directory to the test. open returns an empty directory whose
// suffix is [Base]; each call a fresh one. The suite closes what it opened.
func Run(t *testing.T, open func(t *testing.T) directory.Directory) {
	for _, c := range []struct {
		name string
		run  func(*fixture)
	}{
		{"entries come back as written", comeBack},
		{"a name is part of its entry", namedByItself},
		{"a parent must exist", parentMustExist},
		{"what exists is not added", existsIsNotAdded},
		{"what has children stays", childrenKeepParents},
		{"the schema is enforced", schemaEnforced},
		{"modify is all or nothing", modifyAtomic},
		{"modify adds, deletes, replaces and increments", modifyOperations},
		{"values are named as believed", valuesAsBelieved},
		{"values match by their own rules", matching},
		{"assertions guard writes", assertions},
		{"list is the subtree, parents first", listSubtree},
		{"many entries are listed whole", listMany},
		{"names cannot be injected", hostileNames},
		{"a diff makes it so", diffMakesItSo},
		{"a merge keeps operators' edits", mergeKeepsEdits},
		{"one writer of many wins", oneWriterWins},
		{"a cancelled call fails", cancelled},
		{"a closed directory is unavailable", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := open(t)
			t.Cleanup(func() { d.Close() })
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
			t.Cleanup(cancel)
			f := &fixture{t, d, ctx}
			f.add(must(ldapschema.Base(Base, "test")))
			c.run(f)
		})
	}
}

// A fixture is a directory under test and short ways to use it.
type fixture struct {
	*testing.T
	d   directory.Directory
	ctx context.Context
}

// must unwraps what a builder returns: a mistake in it is a mistake of the suite.
func must(e ldapschema.Entry, err error) ldapschema.Entry {
	if err != nil {
		panic(err)
	}
	return e
}

func (f *fixture) add(entries ...ldapschema.Entry) {
	f.Helper()
	for _, e := range entries {
		f.apply(ldapschema.AddEntry(e))
	}
}

func (f *fixture) apply(cs ...ldapschema.Change) {
	f.Helper()
	for _, c := range cs {
		if err := f.d.Apply(f.ctx, c); err != nil {
			f.Fatalf("%v: %v", c, err)
		}
	}
}

// refuse requires a change to fail with this kind, and to change nothing.
func (f *fixture) refuse(kind error, c ldapschema.Change) {
	f.Helper()
	before := f.list(Base)
	err := f.d.Apply(f.ctx, c)
	if !errors.Is(err, kind) {
		f.Fatalf("%v: got %v, want %v", c, err, kind)
	}
	var e *directory.Error
	if !errors.As(err, &e) {
		f.Errorf("%v: %T is not a directory error", c, err)
	}
	after := f.list(Base)
	if ldapschema.LDIF(before) != ldapschema.LDIF(after) {
		f.Fatalf("%v was refused but changed\n%s\ninto\n%s", c, ldapschema.LDIF(before), ldapschema.LDIF(after))
	}
}

func (f *fixture) read(dn ldapschema.DN) ldapschema.Entry {
	f.Helper()
	e, err := f.d.Read(f.ctx, dn)
	if err != nil {
		f.Fatal(err)
	}
	return e
}

func (f *fixture) list(base ldapschema.DN) []ldapschema.Entry {
	f.Helper()
	es, err := f.d.List(f.ctx, base)
	if err != nil {
		f.Fatal(err)
	}
	return es
}

func (f *fixture) wantEntry(want ldapschema.Entry) {
	f.Helper()
	if got := f.read(want.DN); !got.Equal(want) {
		f.Fatalf("got\n%s\nwant\n%s", got.LDIF(), want.LDIF())
	}
}

func modify(dn ldapschema.DN, mods ...ldapschema.Mod) ldapschema.Change {
	return ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: mods}
}

func mod(op ldapschema.ModOp, attr string, values ...string) ldapschema.Mod {
	return ldapschema.Mod{Op: op, Attr: attr, Values: values}
}
