package store_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	bolt "go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// BenchmarkSave measures what one actor can save, batch after batch as a host does,
// beside what the engine below does with the same records when nobody asks for
// order, fences or journals. Records have 500 octets and are there already. For
// LDAP the bare rate is that of single modify operations, eight at a time.
func BenchmarkSave(b *testing.B) {
	for _, size := range []int{1, 16, 128} {
		for _, engine := range []struct {
			name string
			make func(*testing.B) (place, bareWrite)
		}{{"bbolt", boltBench}, {"ldap", ldapBench}, {"postgres", postgresBench}} {
			b.Run(fmt.Sprintf("%s/%d", engine.name, size), func(b *testing.B) {
				at, bare := engine.make(b)
				s, shut, err := at.open(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				defer shut()
				value := bytes.Repeat([]byte("v"), 500)
				var batch []actors.Record
				var keys []string
				for i := range size {
					keys = append(keys, fmt.Sprintf("reservation/%08d", i))
					batch = append(batch, actors.Record{Key: keys[i], Value: store.Raw(value)})
				}
				ours, theirs := rates(b, size, func() error { return s.Save(b.Context(), batch) }, func() error { return bare(keys, value) })
				b.ReportMetric(ours/float64(size), "saves/s")
				b.ReportMetric(ours, "records/s")
				b.ReportMetric(theirs, "bare-records/s")
				b.ReportMetric(ours/theirs, "ratio")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// A bareWrite writes records straight into an engine.
type bareWrite func(keys []string, value []byte) error

// rates is how many records a second each of two writes. They take turns, so that
// both meet the same machine, after one round that makes the records.
func rates(b *testing.B, size int, ours, theirs func() error) (float64, float64) {
	var took [2]time.Duration
	do := func() {
		for i, write := range []func() error{ours, theirs} {
			start := time.Now()
			if err := write(); err != nil {
				b.Fatal(err)
			}
			took[i] += time.Since(start)
		}
	}
	do()
	took = [2]time.Duration{}
	b.ResetTimer() // only for the choice of b.N
	for range b.N {
		do()
	}
	records := float64(b.N * size)
	return records / took[0].Seconds(), records / took[1].Seconds()
}

func boltBench(b *testing.B) (place, bareWrite) {
	dir := b.TempDir()
	db, err := bolt.Open(filepath.Join(dir, "bare"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return place{Bolt: filepath.Join(dir, "store")}, func(keys []string, value []byte) error {
		return db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("bare"))
			for _, k := range keys {
				if err == nil {
					err = bucket.Put([]byte(k), value)
				}
			}
			return err
		})
	}
}

func ldapBench(b *testing.B) (place, bareWrite) {
	s := setup.StartSlapd(b)
	cfg := ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Timeout: time.Minute, Connections: 8}
	dir, err := ldapdir.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { dir.Close() })
	base := s.Base.Parent()
	made := map[string]bool{}
	write := func(key string, value []byte) ldapschema.Change {
		dn := base.Child("lhName", key)
		if made[key] {
			return ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: []ldapschema.Mod{
				{Op: ldapschema.ModReplace, Attr: "lhSequence", Values: []string{"2"}}, {Op: ldapschema.ModReplace, Attr: "lhData", Values: []string{string(value)}}}}
		}
		made[key] = true
		return ldapschema.Change{Kind: ldapschema.Add, DN: dn, Attrs: []ldapschema.Attr{{Name: "objectClass", Values: []string{"top", "lhRecord"}},
			{Name: "lhName", Values: []string{key}}, {Name: "lhKey", Values: []string{key}}, {Name: "lhSequence", Values: []string{"1"}}, {Name: "lhData", Values: []string{string(value)}}}}
	}
	return place{LDAP: &recordsAt{Base: base.Child("ou", "records"), Server: cfg}}, func(keys []string, value []byte) error {
		var all sync.WaitGroup
		todo := make(chan ldapschema.Change, len(keys))
		for _, k := range keys {
			todo <- write(k, value)
		}
		close(todo)
		failed := make(chan error, 8)
		for range min(8, len(keys)) {
			all.Go(func() {
				for c := range todo {
					if err := dir.Apply(context.Background(), c); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		all.Wait()
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	}
}

func postgresBench(b *testing.B) (place, bareWrite) {
	server := setup.StartPostgres(b, "fsync = on")
	url := server.Database(b)
	c, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close(context.Background()) })
	if _, err := c.Exec(b.Context(), "CREATE TABLE bare (key BYTEA PRIMARY KEY, data BYTEA NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	return place{Postgres: url}, func(keys []string, value []byte) error {
		var ks, vs [][]byte
		for _, k := range keys {
			ks, vs = append(ks, []byte(k)), append(vs, value)
		}
		_, err := c.Exec(context.Background(), `INSERT INTO bare SELECT * FROM unnest($1::bytea[], $2::bytea[])
			ON CONFLICT (key) DO UPDATE SET data = excluded.data`, ks, vs)
		return err
	}
}
