package postgres_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/postgres"
	"github.com/leasehold/leasehold/actors/store/storetest"
	"github.com/leasehold/leasehold/conformance/setup"
)

func open(t testing.TB, cfg postgres.Config) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func actor(t testing.TB, db *postgres.DB, name string) store.Store {
	t.Helper()
	s, err := db.Actor(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// whole is one actor's store that closes its data base too.
type whole struct {
	store.Store
	db *postgres.DB
}

func (w whole) Close() error { return errors.Join(w.Store.Close(), w.db.Close()) }

func TestSuite(t *testing.T) {
	t.Parallel()
	server := setup.StartPostgres(t)
	shared := server.Database(t)
	t.Run("Alone", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) func() store.Store {
			cfg := postgres.Config{URL: server.Database(t)}
			return func() store.Store {
				db := open(t, cfg)
				return whole{actor(t, db, "site1"), db}
			}
		})
	})
	// Every test of this one is an actor of the same data base.
	t.Run("Shared", func(t *testing.T) {
		t.Parallel()
		db := open(t, postgres.Config{URL: shared})
		storetest.Run(t, func(t *testing.T) func() store.Store {
			return func() store.Store { return actor(t, db, t.Name()) }
		})
	})
}

func save(t testing.TB, s store.Store, batch ...actors.Record) {
	t.Helper()
	if err := s.Save(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func TestActors(t *testing.T) {
	t.Parallel()
	url := setup.StartPostgres(t).Database(t)
	ctx := t.Context()
	db := open(t, postgres.Config{URL: url})
	a, b := actor(t, db, "a"), actor(t, db, "b")
	save(t, a, storetest.Record("k", "a's"), storetest.Record("\x00", ""))
	save(t, b, storetest.Record("k", "b's"))
	if _, err := db.Actor(ctx, "a"); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second store of an actor: %v, want ErrInUse", err)
	}
	for _, name := range []string{"", "\xff", strings.Repeat("n", store.MaxKey+1)} {
		if _, err := db.Actor(ctx, name); err == nil {
			t.Errorf("the actor's name %.10q was taken", name)
		}
	}
	var all []string
	err := postgres.Snapshot(ctx, postgres.Config{URL: url}, func(actor string, r actors.Stored) error {
		all = append(all, actor+" "+r.Key+"="+string(r.Data))
		return nil
	})
	if err != nil || strings.Join(all, ";") != "a \x00=;a k=a's;b k=b's" {
		t.Errorf("a snapshot of others' actors has %q, %v", all, err)
	}
	if names, err := db.Actors(ctx); err != nil || strings.Join(names, " ") != "a b" {
		t.Errorf("actors %q, %v", names, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	// Given up, it is free at once, for another process too.
	other := open(t, postgres.Config{URL: url, Patience: time.Millisecond})
	if got := storetest.All(t, actor(t, other, "a")); !maps.Equal(got, map[string]string{"k": "a's", "\x00": ""}) {
		t.Errorf("loaded %v", got)
	}
	if _, err := other.Actor(ctx, "b"); !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), "pid") {
		t.Errorf("an actor held elsewhere: %v; want ErrInUse and by whom", err)
	}
	db.Close()
	if _, err := db.Actor(ctx, "c"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
	if err := b.Save(ctx, []actors.Record{storetest.Record("x", "1")}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a store of a closed data base: %v", err)
	}
}

// TestLarge: what does not fit into one statement is whole all the same.
func TestLarge(t *testing.T) {
	t.Parallel()
	cfg := postgres.Config{URL: setup.StartPostgres(t).Database(t)}
	s := actor(t, open(t, cfg), "a")
	var batch []actors.Record
	want := map[string]string{}
	for _, k := range strings.Fields("a b c d e") {
		v := strings.Repeat(k, 3<<18)
		batch, want[k] = append(batch, storetest.Record(k, v)), v
	}
	save(t, s, batch...)
	if got := storetest.All(t, s); !maps.Equal(got, want) {
		t.Error("a large batch came back different")
	}
	err := s.Save(t.Context(), append(batch, storetest.Record("z", strings.Repeat("z", store.MaxValue+1))))
	var enc *store.EncodeError
	if !errors.As(err, &enc) {
		t.Errorf("too large: %v", err)
	}
}

// TestOutage takes the server away: saves say so and work again afterwards, and
// the actor is still ours.
func TestOutage(t *testing.T) {
	t.Parallel()
	server := setup.StartPostgres(t)
	cfg := postgres.Config{URL: server.Database(t), Timeout: 2 * time.Second}
	db := open(t, cfg)
	s := actor(t, db, "a")
	save(t, s, storetest.Record("k", "1"))
	for _, down := range []func(){server.Stop, server.Kill} {
		down()
		if err := s.Save(t.Context(), []actors.Record{storetest.Record("k", "2")}); err == nil || store.Permanent(err) {
			t.Errorf("without a server: %v; want an error that passes", err)
		}
		if err := s.Load(t.Context(), func(actors.Stored) error { return nil }); err == nil {
			t.Error("loaded without a server")
		}
		server.Start()
		save(t, s, storetest.Record("k", "3"))
		if got := storetest.All(t, s); got["k"] != "3" {
			t.Errorf("holds %v", got)
		}
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://nobody@127.0.0.1:1/none", Timeout: time.Second}); err == nil {
		t.Error("opened nothing")
	}
	if _, err := postgres.Open(context.Background(), postgres.Config{URL: "postgres://:::"}); err == nil {
		t.Error("opened nonsense")
	}
}
