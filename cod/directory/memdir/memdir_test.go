package memdir_test

import (
	"context"
	"errors"
	"testing"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/ldapschema"
)

func open(t *testing.T) *memdir.Dir {
	t.Helper()
	d, err := memdir.New(dirtest.Base)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSuite(t *testing.T) {
	t.Parallel()
	dirtest.Run(t, func(t *testing.T) directory.Directory { return open(t) })
}

func TestWatchSuite(t *testing.T) {
	t.Parallel()
	dirtest.RunWatch(t, func(t *testing.T) dirtest.Watched { return open(t) })
}

// TestWatchMemory: events name their writers, and cutting the line ends a watch.
func TestWatchMemory(t *testing.T) {
	t.Parallel()
	d := open(t)
	base, err := ldapschema.Base(dirtest.Base, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.As("cn=ada").Apply(t.Context(), ldapschema.AddEntry(base)); err != nil {
		t.Fatal(err)
	}
	err = d.Watch(t.Context(), dirtest.Base, "", func(ev directory.Event) error {
		if ev.Kind == directory.Present && ev.Writer != "cn=ada" {
			t.Errorf("written by %q", ev.Writer)
		}
		if ev.Kind == directory.Refreshed {
			d.Cut()
		}
		return nil
	})
	if !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("a cut line ends the watch with %v", err)
	}
}

// TestLostCalls: a lost request changes nothing, a lost answer hides a change, and
// both read as "unavailable" to the caller.
func TestLostCalls(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	base, err := ldapschema.Base(dirtest.Base, "test")
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("wire cut")
	d := open(t)
	d.Before = func(memdir.Call) error { return boom }
	err = d.Apply(ctx, ldapschema.AddEntry(base))
	if !errors.Is(err, directory.ErrUnavailable) || !errors.Is(err, boom) {
		t.Fatalf("lost request: %v", err)
	}
	var ops []string
	d.Before = func(c memdir.Call) error { ops = append(ops, c.Op); return nil }
	d.After = func(memdir.Call) error { return boom }
	if err = d.Apply(ctx, ldapschema.AddEntry(base)); !errors.Is(err, directory.ErrUnavailable) {
		t.Fatalf("lost answer: %v", err)
	}
	d.After = nil
	if err = d.Apply(ctx, ldapschema.AddEntry(base)); !errors.Is(err, directory.ErrExists) {
		t.Fatalf("repeated: %v", err)
	}
	if _, err = d.Read(ctx, base.DN); err != nil {
		t.Fatal(err)
	}
	if want := []string{"add", "add", "read"}; len(ops) != 3 || ops[2] != want[2] {
		t.Errorf("calls seen: %v", ops)
	}
}
