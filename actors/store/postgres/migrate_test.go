package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/storetest"
	"github.com/leasehold/leasehold/conformance/setup"
)

// inFixture is what testdata/schema1.sql has of the actor "site".
var inFixture = map[string]string{"host/node01": `{"name":"node01"}`, "reservation/4f0c": "", "reservation/\xff\x00": "octets"}

// fixture is a data base as the program of schema version 1 left it.
func fixture(t *testing.T) Config {
	t.Helper()
	sql, err := os.ReadFile("testdata/schema1.sql")
	if err != nil {
		t.Fatal(err)
	}
	p := setup.StartPostgres(t)
	url := p.Database(t)
	if err := p.Exec(url[strings.LastIndexByte(url, '/')+1:strings.IndexByte(url, '?')], string(sql)); err != nil {
		t.Fatal(err)
	}
	return Config{URL: url}
}

// read opens the data base with some migrations and is what the actor "site" has.
func read(t *testing.T, cfg Config, steps [][]string) (map[string]string, error) {
	t.Helper()
	cfg.steps = steps
	db, err := Open(t.Context(), cfg)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s, err := db.Actor(t.Context(), "site")
	if err != nil {
		t.Fatal(err)
	}
	return storetest.All(t, s), nil
}

// TestManyAtOnce: eight processes start at once on an empty data base.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	if len(migrations) != Schema {
		t.Fatalf("%d migrations for version %d", len(migrations), Schema)
	}
	cfg := Config{URL: setup.StartPostgres(t).Database(t)}
	if err := Snapshot(t.Context(), cfg, nil); !errors.Is(err, store.ErrSchema) {
		t.Errorf("a snapshot of an empty data base: %v", err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := Open(t.Context(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	all.Wait()
}

// TestMigrate opens what the program of version 1 left, carries it forward, keeps a
// copy of it, and refuses what is newer.
func TestMigrate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	cfg := fixture(t)
	if got, err := read(t, cfg, migrations[:1]); err != nil || !maps.Equal(got, inFixture) {
		t.Fatalf("as it was left: %q, %v", got, err)
	}
	cfg.steps = migrations[:1]
	older, err := Open(ctx, cfg) // the program of version 1 is at work, and stays
	if err != nil {
		t.Fatal(err)
	}
	defer older.Close()
	s, err := older.Actor(ctx, "broker")
	if err != nil {
		t.Fatal(err)
	}
	next := append(migrations[:1:1], []string{
		"ALTER TABLE leasehold_record ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",
		"UPDATE leasehold_record SET data = data || 'x'::bytea",
	})
	bad := append(next[:2:2], []string{"ALTER TABLE leasehold_record ADD COLUMN other INT", "SELECT nonsense"})
	if _, err := read(t, cfg, bad); err == nil || !strings.Contains(err.Error(), "from schema version 2 to 3") || !strings.Contains(err.Error(), "the tables are as they were") {
		t.Errorf("a migration that fails: %v", err)
	}
	if err := s.Save(ctx, []actors.Record{storetest.Record("k", "v2")}); err != nil {
		t.Errorf("after a failed migration: %v", err)
	}
	if got, err := read(t, cfg, migrations[:1]); err != nil || !maps.Equal(got, inFixture) {
		t.Fatalf("after a failed migration: %q, %v", got, err)
	}
	var told []string
	cfg.Migrated = func(from, to int, kept string) { told = append(told, fmt.Sprint(from, to, " ", kept)) }
	want := map[string]string{}
	for k, v := range inFixture {
		want[k] = v + "x"
	}
	for range 2 { // the second time there is nothing to do
		if got, err := read(t, cfg, next); err != nil || !maps.Equal(got, want) {
			t.Fatalf("migrated to %q, %v", got, err)
		}
	}
	if want := []string{"1 2 leasehold_record_v1"}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	kept := map[string]string{}
	err = older.withConn(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, "SELECT key, data FROM leasehold_record_v1 WHERE actor = 'site'")
		if err != nil {
			return err
		}
		var key, data []byte
		_, err = pgx.ForEachRow(rows, []any{&key, &data}, func() error { kept[string(key)] = string(data); return nil })
		return err
	})
	if err != nil || !maps.Equal(kept, inFixture) {
		t.Errorf("the copy holds %q, %v", kept, err)
	}
	// The older program goes on with what it holds, and does not start again.
	if err := s.Save(ctx, []actors.Record{storetest.Record("k", "v3")}); err != nil {
		t.Errorf("the older program: %v", err)
	}
	if _, err := Open(context.Background(), cfg); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "schema version is 2, and this program knows up to 1") {
		t.Errorf("an older program on newer tables: %v", err)
	}
	if err := Snapshot(ctx, cfg, nil); !errors.Is(err, store.ErrSchema) {
		t.Errorf("a snapshot of newer tables: %v", err)
	}
}

// TestLateSave: a save that lost its answer and is carried out after a later one
// changes nothing.
func TestLateSave(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := Open(ctx, Config{URL: setup.StartPostgres(t).Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	opened, err := db.Actor(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*actorStore)
	s.saves++ // a try that seemed to fail
	late := newActorStore(db, "a")
	late.token, late.saves = s.token, s.saves
	if err := s.Save(ctx, []actors.Record{storetest.Record("k", "first")}); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, maxPipeline + 1} {
		err = db.withConn(ctx, func(c *pgx.Conn) error {
			return late.write(ctx, c, []store.Write{{Key: "k", Data: make([]byte, size)}, {Key: "gone", Remove: true}})
		})
		if !errors.Is(err, store.ErrFenced) {
			t.Errorf("the late save: %v", err)
		}
	}
	if got := storetest.All(t, s); got["k"] != "first" {
		t.Errorf("it changed the record to %.20q", got["k"])
	}
}
