package wiring

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/ldapschema"
)

// counted is a stock whose authority has n hosts, and what it is told.
func counted(n int) (*stock, *[]actors.Event) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	var told []actors.Event
	return &stock{base: "ou=hosts,dc=x", act: &Actor{log: log}, entries: map[string]ldapschema.Entry{},
		site:  func() site.Snapshot { return site.Snapshot{Ready: true} },
		pools: []actors.Host{{Name: "p1", Type: "node"}, {Name: "p2", Type: "disk"}},
		tell:  func(_ context.Context, ev actors.Event) error { told = append(told, ev); return nil },
		known: func(context.Context) (out []actors.Place, err error) {
			for i := range n {
				out = append(out, actors.Place{Host: fmt.Sprint("h", i), Type: "node"})
			}
			return out, nil
		}}, &told
}

func machineEntry(t *testing.T, name, typ string) ldapschema.Entry {
	t.Helper()
	e, err := ldapschema.InventoryEntry("ou=hosts,dc=x", ldapschema.InventoryHost{Name: name, Type: typ, Memory: 512})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A directory that suddenly shows little takes no machine away, unless that is allowed;
// what it shows is added all the same.
func TestStockOfASilentDirectory(t *testing.T) {
	t.Parallel()
	for share, want := range map[int]string{0: "actors.AddHosts", 100: "actors.Inventory"} {
		s, told := counted(40)
		s.share = share
		s.Take(directory.Event{Kind: directory.Present, ID: "1", Entry: machineEntry(t, "h1", "node")})
		s.Flush(t.Context())
		if len(*told) != 1 || fmt.Sprintf("%T", (*told)[0]) != want || s.Settled() != (share == 100) {
			t.Errorf("%d percent: %T, settled %v", share, *told, s.Settled())
		}
	}
	// A few may always go: a small site's operators mean what they do.
	s, told := counted(3)
	s.CompareAll()
	s.Flush(t.Context())
	if len(*told) != 1 || fmt.Sprintf("%T", (*told)[0]) != "actors.Inventory" {
		t.Errorf("%T", *told)
	}
}

// The directory says what machines of a type there are as soon as it has one; an entry
// that somebody made nonsense of is a machine that is held.
func TestStockHosts(t *testing.T) {
	t.Parallel()
	s, _ := counted(0)
	names := func() string {
		var out []string
		for _, h := range s.hosts() {
			if h.Held != "" {
				h.Name += "(held)"
			}
			out = append(out, h.Name)
		}
		return strings.Join(out, " ")
	}
	if got := names(); got != "p1 p2" {
		t.Errorf("with an empty directory: %s", got)
	}
	bad := machineEntry(t, "h2", "node").With("macAddress", "nonsense")
	below := machineEntry(t, "h3", "node")
	below.DN = "cn=h3,ou=more,ou=hosts,dc=x"
	for i, e := range []ldapschema.Entry{machineEntry(t, "h1", "node"), bad, below} {
		s.Take(directory.Event{Kind: directory.Present, ID: fmt.Sprint(i), Entry: e})
	}
	if got := names(); got != "h1 h2(held) p2" {
		t.Errorf("with machines of one type: %s", got)
	}
	if h := s.hosts()[0]; h.Properties["memory"] != "512" {
		t.Errorf("%+v", h)
	}
	s.Take(directory.Event{Kind: directory.Gone, ID: "0"})
	s.Take(directory.Event{Kind: directory.Present, ID: "1", Entry: bad.With("objectClass", "device")})
	if got := names(); got != "p1 p2" {
		t.Errorf("when they are gone: %s", got)
	}
}

// unwatched is a directory whose server does not tell what changes in it.
type unwatched struct{ directory.Directory }

func (unwatched) Watch(context.Context, ldapschema.DN, string, func(directory.Event) error) error {
	return &directory.Error{Op: "watch", Code: directory.UnavailableCriticalExt}
}

func TestPolled(t *testing.T) {
	t.Parallel()
	dir, err := memdir.New("dc=x")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	top, err := ldapschema.New("dc=x", "organization", "dcObject").Set("o", "x").Build()
	ou, err2 := ldapschema.OrganizationalUnit("dc=x", "hosts", "")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	h1 := machineEntry(t, "h1", "node")
	for _, e := range []ldapschema.Entry{top, ou, h1} {
		if err := dir.Apply(ctx, ldapschema.AddEntry(e)); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	err = polled{unwatched{dir}, time.Millisecond}.Watch(ctx, "dc=x", stockFilter, func(ev directory.Event) error {
		seen = append(seen, fmt.Sprint(ev.Kind, " ", ev.Entry.DN))
		switch n := len(seen); {
		case n == 2: // everything was told: now it changes
			return dir.Apply(ctx, ldapschema.DeleteEntry(h1.DN))
		case ev.Kind == directory.Gone:
			cancel()
		}
		return nil
	})
	if got := strings.Join(seen[:min(3, len(seen))], ", "); got != "present cn=h1,"+string(cod.InventoryDN("dc=x"))+", refreshed , gone cn=h1,ou=hosts,dc=x" || ctx.Err() == nil {
		t.Errorf("%s, %v", got, err)
	}
}
