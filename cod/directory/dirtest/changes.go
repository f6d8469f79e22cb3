package dirtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// CodeIs says what is wrong with err when it is not of this kind, or carries
// another LDAP result code than this one.
func CodeIs(err error, code directory.Code, kind error) error {
	var e *directory.Error
	switch {
	case !errors.Is(err, kind):
		return fmt.Errorf("got %v, want %v", err, kind)
	case !errors.As(err, &e) || e.Code != code:
		return fmt.Errorf("got %v, want code %v", err, code)
	}
	return nil
}

func modifyAtomic(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	f.refuse(directory.ErrConflict, modify(h.DN,
		mod(ldapschema.ModReplace, "description", "new"),
		mod(ldapschema.ModDelete, "codState", "not this")))
	f.wantEntry(h)
	// What is wrong in between may be right in the end.
	f.apply(modify(h.DN,
		mod(ldapschema.ModDelete, "ipHostNumber"),
		mod(ldapschema.ModAdd, "ipHostNumber", "10.99.16.77")))
	f.wantEntry(h.With("ipHostNumber", "10.99.16.77"))
}

func modifyOperations(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	f.apply(modify(h.DN,
		mod(ldapschema.ModAdd, "cn", "a1-alias", "a1-other"),
		mod(ldapschema.ModDelete, "cn", "A1.SITE.TEST"),
		mod(ldapschema.ModReplace, "codState", "closing"),
		mod(ldapschema.ModReplace, "description", "one", "two"),
		mod(ldapschema.ModReplace, "serialNumber"),
		mod(ldapschema.ModIncrement, "codGeneration", "2"),
	))
	h = h.With("cn", "a1", "a1-alias", "a1-other").With("codState", "closing").
		With("description", "one", "two").With("codGeneration", "5")
	f.wantEntry(h)
	f.apply(modify(h.DN, mod(ldapschema.ModDelete, "description"), mod(ldapschema.ModIncrement, "codGeneration", "-5")))
	f.wantEntry(h.With("description").With("codGeneration", "0"))
}

func valuesAsBelieved(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	f.refuse(directory.ErrConflict, modify(h.DN, mod(ldapschema.ModDelete, "codState", "priming"), mod(ldapschema.ModAdd, "codState", "closing")))
	f.refuse(directory.ErrConflict, modify(h.DN, mod(ldapschema.ModDelete, "description")))
	f.refuse(directory.ErrConflict, modify(h.DN, mod(ldapschema.ModAdd, "cn", "a1.site.test")))
	f.apply(modify(h.DN, mod(ldapschema.ModDelete, "codState", "active"), mod(ldapschema.ModAdd, "codState", "closing")))
	f.wantEntry(h.With("codState", "closing"))
}

func matching(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	for _, c := range []struct{ attr, same string }{
		{"codState", " ACTIVE "},
		{"cn", "A1.Site.Test"},
		{"macAddress", "52:54:00:99:00:01"},
		{"codSlice", "SLICE-a"},
	} {
		f.refuse(directory.ErrConflict, modify(h.DN, mod(ldapschema.ModAdd, c.attr, c.same)))
	}
	f.apply(modify(h.DN, mod(ldapschema.ModReplace, "codLease", "R7")))
	f.refuse(directory.ErrConflict, modify(h.DN, mod(ldapschema.ModDelete, "codLease", "r7")))
}

func assertions(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	guarded := modify(h.DN, mod(ldapschema.ModIncrement, "codGeneration", "1"))
	guarded.Assert = ldapschema.EqualFilter("codGeneration", "3")
	f.apply(guarded)
	f.refuse(directory.ErrConflict, guarded)
	guarded.Assert = "(&(objectClass=device)(|(codSlice=slice*)(codNodeId>=2))(!(description=*)))"
	f.apply(guarded)
	gone := ldapschema.DeleteEntry(h.DN)
	gone.Assert = "(codState=closing)"
	f.refuse(directory.ErrConflict, gone)
	gone.Assert = "(codSlice=slice-A)"
	f.apply(gone)
	f.refuse(directory.ErrNotFound, gone)
}

func diffMakesItSo(f *fixture) {
	f.hosts()
	f.add(host("a1", 1), host("a2", 2), must(ldapschema.OrganizationalUnit(Base, "old", "")),
		must(ldapschema.OrganizationalUnit("ou=old,"+Base, "older", "")))
	have := f.list(Base)
	want := []ldapschema.Entry{
		must(ldapschema.OrganizationalUnit("ou=new,"+Base, "newer", "")),
		must(ldapschema.OrganizationalUnit(Base, "new", "")),
		have[0], must(ldapschema.OrganizationalUnit(Base, "hosts", "all of them")), host("a2", 22), host("a3", 3),
	}
	f.apply(ldapschema.Diff(have, want)...)
	if left := ldapschema.Diff(f.list(Base), want); len(left) != 0 {
		f.Errorf("still to do: %v", left)
	}
}

func mergeKeepsEdits(f *fixture) {
	f.hosts()
	base := host("a1", 1)
	f.add(base)
	// An operator moves the machine to another address and notes why.
	f.apply(modify(base.DN, mod(ldapschema.ModReplace, "ipHostNumber", "10.99.16.200"), mod(ldapschema.ModAdd, "description", "moved, Opal")))
	want := base.With("ipHostNumber", "10.99.16.9").With("codState", "closing").With("cn", "a1", "a1-new")
	c, todo, conflicts := ldapschema.Merge(base, f.read(base.DN), want)
	if !todo || len(conflicts) != 1 || conflicts[0].Attr != "ipHostNumber" {
		f.Fatalf("todo %v, conflicts %v", todo, conflicts)
	}
	f.apply(c)
	f.wantEntry(want.With("ipHostNumber", "10.99.16.200").With("description", "moved, Opal"))
}

// oneWriterWins has many writers count by read, assert and increment: no count is
// lost, and losers learn that they lost.
func oneWriterWins(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	const writers, rounds = 4, 10
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < rounds; {
				e, err := f.d.Read(f.ctx, h.DN)
				if err != nil {
					f.Error(err)
					return
				}
				n, _ := strconv.Atoi(e.Get("codGeneration"))
				c := modify(h.DN, mod(ldapschema.ModReplace, "codGeneration", strconv.Itoa(n+1)))
				c.Assert = ldapschema.EqualFilter("codGeneration", strconv.Itoa(n))
				switch err := f.d.Apply(f.ctx, c); {
				case err == nil:
					done++
				case !errors.Is(err, directory.ErrConflict):
					f.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	f.wantEntry(h.With("codGeneration", strconv.Itoa(3+writers*rounds)))
}

func cancelled(f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	if err := f.d.Apply(ctx, ldapschema.DeleteEntry(Base)); !errors.Is(err, context.Canceled) {
		f.Errorf("apply: %v", err)
	}
	if _, err := f.d.Read(ctx, Base); !errors.Is(err, context.Canceled) {
		f.Errorf("read: %v", err)
	}
	if _, err := f.d.List(ctx, Base); !errors.Is(err, context.Canceled) {
		f.Errorf("list: %v", err)
	}
	if len(f.list(Base)) != 1 {
		f.Error("the cancelled delete was carried out")
	}
}

func closed(f *fixture) {
	if err := f.d.Close(); err != nil {
		f.Fatal(err)
	}
	if _, err := f.d.Read(f.ctx, Base); !errors.Is(err, directory.ErrUnavailable) {
		f.Errorf("read: %v", err)
	}
	if err := f.d.Apply(f.ctx, ldapschema.DeleteEntry(Base)); !errors.Is(err, directory.ErrUnavailable) {
		f.Errorf("apply: %v", err)
	}
}
