package ldap

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/storetest"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// inFixture is what testdata/schema1.ldif has of the actor "site". Its process died
// while it wrote the last batch, which only the journal has.
var inFixture = map[string]string{"host/node01": `{"name":"node01"}`, "reservation/4f0c": "", "k": "2", "reservation/\xff\x00": "octets",
	"long": strings.Repeat("abcdefghijklmnopqrstuvwxyz", 6)[:150]}

// fixture puts into a directory what the program of schema version 1 left.
func fixture(t *testing.T, dir server) {
	t.Helper()
	f, err := os.Open("testdata/schema1.ldif")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries, err := ldapschema.ParseLDIF(f, ldapschema.LDIFLimits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := dir.Apply(t.Context(), ldapschema.AddEntry(e)); err != nil {
			t.Fatalf("%s: %v", e.DN, err)
		}
	}
}

// read opens the actor "site" with some steps and is what it has.
func read(t *testing.T, dir server, name string, steps ...step) (map[string]string, error) {
	t.Helper()
	r := repository(dir)
	r.steps = steps
	s, err := r.Actor(t.Context(), name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return storetest.All(t, s), nil
}

// Steps of two future versions, and what they make of the fixture.
func second(all map[string][]byte) error {
	delete(all, "k")
	all["new"] = []byte(strings.Repeat("n", 100))
	return nil
}

func third(all map[string][]byte) error {
	all["long"] = []byte("short")
	return nil
}

func migrated() map[string]string {
	want := maps.Clone(inFixture)
	delete(want, "k")
	want["new"], want["long"] = strings.Repeat("n", 100), "short"
	return want
}

// TestMigrate opens on a real OpenLDAP what the program of version 1 left, carries
// it forward, keeps a copy of it, and refuses what is newer.
func TestMigrate(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	dir, err := ldapdir.Open(ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	fixture(t, dir)
	if got, err := read(t, dir, "site"); err != nil || !maps.Equal(got, inFixture) {
		t.Fatalf("as it was left: %q, %v", got, err)
	}
	bad := func(map[string][]byte) error { return errors.New("no form for this") }
	if _, err := read(t, dir, "site", second, bad); err == nil || !strings.Contains(err.Error(), "from schema version 2 to 3: no form for this; the records are as they were") {
		t.Errorf("a step that fails: %v", err)
	}
	if got, err := read(t, dir, "site"); err != nil || !maps.Equal(got, inFixture) {
		t.Fatalf("after a step that failed: %q, %v", got, err)
	}
	var told []string
	r := repository(dir)
	r.steps = []step{second, third}
	r.told = func(actor string, from, to int, kept ldapschema.DN) {
		told = append(told, fmt.Sprint(actor, from, to, kept))
	}
	opened, err := r.Actor(t.Context(), "site")
	if err != nil {
		t.Fatal(err)
	}
	if got := storetest.All(t, opened); !maps.Equal(got, migrated()) {
		t.Errorf("migrated to %q", got)
	}
	if err := opened.Save(t.Context(), []actors.Record{storetest.Record("k", "3"), storetest.Record("l", "3")}); err != nil {
		t.Error(err)
	}
	opened.Close()
	const kept = "lhName=~schema1~site,ou=records,dc=test"
	if want := "site1 3" + kept; len(told) != 1 || told[0] != want {
		t.Errorf("told %q, want %q", told, want)
	}
	want := migrated()
	want["k"], want["l"] = "3", "3"
	if got, err := read(t, dir, "site", second, third); err != nil || !maps.Equal(got, want) {
		t.Errorf("the next time: %q, %v", got, err)
	}

	// An older program changes nothing, not even whose it is.
	before, err := dir.Children(t.Context(), "lhName=site,ou=records,dc=test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, dir, "site", second); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), `of actor "site" is 3, newer than this program's 2`) {
		t.Errorf("an older program: %v", err)
	}
	old := repository(dir)
	if err := old.Snapshot(t.Context(), func(string, actors.Stored) error { return nil }); !errors.Is(err, store.ErrSchema) {
		t.Errorf("a snapshot by an older program: %v", err)
	}
	if after, err := dir.Children(t.Context(), "lhName=site,ou=records,dc=test"); err != nil || len(after) != 1 || after[0].DN != before[0].DN {
		t.Errorf("an older program made %v of %v, %v", after, before, err)
	}
	if names, err := r.Actors(t.Context()); err != nil || len(names) != 2 {
		t.Errorf("the actors are %q, %v", names, err)
	}

	// Going back: the copy takes the actor's place.
	if err := r.clear(t.Context(), "lhName=site,ou=records,dc=test"); err != nil {
		t.Fatal(err)
	}
	if err := dir.Rename(t.Context(), kept, "lhName=site"); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t, dir, "site"); err != nil || !maps.Equal(got, inFixture) {
		t.Errorf("the copy has %q, %v", got, err)
	}
}

// TestMigrateCut cuts the line at every write of a migration. The next program
// finishes it; one of the old version has all as it was, or is told that it is too
// old; the copy is there whenever the new version is.
func TestMigrateCut(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		for _, what := range []accident{lost, deaf} {
			dir := memory(t)
			fixture(t, dir)
			cut := &line{server: dir, n: n, what: what}
			if _, err := read(t, cut, "site", second, third); n > cut.count {
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d writes", cut.count)
				return
			}
			where := fmt.Sprintf("cut %v at write %d", what, n)
			got, err := read(t, &line{server: dir}, "site")
			switch {
			case err == nil && !maps.Equal(got, inFixture):
				t.Fatalf("%s: the old program has %q", where, got)
			case err != nil && !errors.Is(err, store.ErrSchema):
				t.Fatalf("%s: the old program: %v", where, err)
			case err != nil:
				r := repository(dir)
				s := r.store("a copy", "lhName=~schema1~site,"+testBase)
				if err := s.takeOver(t.Context()); err != nil {
					t.Fatalf("%s: the copy: %v", where, err)
				}
				if kept := storetest.All(t, s); !maps.Equal(kept, inFixture) {
					t.Fatalf("%s: the copy has %q", where, kept)
				}
			}
			if got, err := read(t, &line{server: dir}, "site", second, third); err != nil || !maps.Equal(got, migrated()) {
				t.Fatalf("%s: the new program has %q, %v", where, got, err)
			}
		}
	}
}
