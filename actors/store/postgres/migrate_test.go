package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/storetest"
	"github.com/leasehold/leasehold/conformance/setup"
)

// TestMigrate carries records forward, keeps a copy of them, and refuses what is
// newer.
func TestMigrate(t *testing.T) {
	t.Parallel()
	if len(migrations) != Schema {
		t.Fatalf("%d migrations for version %d", len(migrations), Schema)
	}
	ctx := t.Context()
	cfg := Config{URL: setup.StartPostgres(t).Database(t)}
	if err := Snapshot(ctx, cfg, nil); !errors.Is(err, store.ErrSchema) {
		t.Errorf("a snapshot of an empty data base: %v", err)
	}
	// Eight processes start at once on an empty data base.
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := Open(ctx, cfg)
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	all.Wait()
	db, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Actor(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(ctx, []actors.Record{storetest.Record("k", "v")}); err != nil {
		t.Fatal(err)
	}
	on := func(do func(*pgx.Conn) error) error { return db.withConn(ctx, do) }
	next := append(migrations[:Schema:Schema], []string{
		"ALTER TABLE leasehold_record ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",
		"UPDATE leasehold_record SET data = data || 'x'::bytea",
	})
	bad := append(next[:Schema+1:Schema+1], []string{"ALTER TABLE leasehold_record ADD COLUMN other INT", "SELECT nonsense"})
	if err := on(func(c *pgx.Conn) error { return migrate(ctx, c, bad) }); err == nil || !strings.Contains(err.Error(), "schema version 3") {
		t.Errorf("a migration that fails: %v", err)
	}
	if err := s.Save(ctx, []actors.Record{storetest.Record("k", "v2")}); err != nil {
		t.Errorf("after a failed migration: %v", err)
	}
	if err := on(func(c *pgx.Conn) error { return migrate(ctx, c, next) }); err != nil {
		t.Fatal(err)
	}
	if got := storetest.All(t, s); got["k"] != "v2x" {
		t.Errorf("migrated to %v", got)
	}
	var kept string
	err = on(func(c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT convert_from(data, 'UTF8') FROM leasehold_record_v1 WHERE key = 'k'").Scan(&kept)
	})
	if err != nil || kept != "v2" {
		t.Errorf("the copy holds %q, %v", kept, err)
	}
	// The older program goes on with what it holds, and does not start again.
	if err := s.Save(ctx, []actors.Record{storetest.Record("k", "v3")}); err != nil {
		t.Errorf("the older program: %v", err)
	}
	db.Close()
	if _, err := Open(context.Background(), cfg); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "schema version is 2") {
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
