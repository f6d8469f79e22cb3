package bbolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// Schema is the version of the file's layout that this program reads and writes.
const Schema = 2

// A step carries a file from one version to the next, inside a transaction.
type step func(*bolt.Tx) error

// migrations lead from version 1 to Schema, one step each. A version that has been
// released never changes.
//
// Version 2 has the units of large leases in records of their own. Nothing is written
// anew for it: it keeps programs away that would not find them.
var migrations = []step{
	func(*bolt.Tx) error { return nil },
}

// Where a file says its version.
var (
	metaBucket = []byte("leasehold")
	schemaKey  = []byte("schema")
)

// migrate writes the version into an empty file and brings an older one forward, in
// one transaction, after a copy was made of it beside it. A file that is newer, or
// none of ours, is left alone.
func migrate(db *bolt.DB, path string, steps []step, told func(from, to int, kept string)) error {
	newest := len(steps) + 1
	version, err := versionOf(db)
	switch {
	case err != nil || version == newest:
		return err
	case version == 0:
		return db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket(metaBucket)
			if err != nil {
				return err
			}
			return b.Put(schemaKey, strconv.AppendInt(nil, int64(newest), 10))
		})
	case version > newest:
		return fmt.Errorf("%w: its schema version is %d, newer than this program's %d; use the program that wrote it, or a later one", ErrSchema, version, newest)
	}
	kept := fmt.Sprintf("%s.schema%d", path, version)
	if err := keep(db, kept); err != nil {
		return fmt.Errorf("a copy has to be made before schema version %d becomes %d: %w", version, newest, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for v := version; v < newest; v++ {
			if err := steps[v-1](tx); err != nil {
				return fmt.Errorf("from schema version %d to %d: %w; the file is as it was", v, v+1, err)
			}
		}
		return tx.Bucket(metaBucket).Put(schemaKey, strconv.AppendInt(nil, int64(newest), 10))
	})
	if err == nil && told != nil {
		told(version, newest, kept)
	}
	return err
}

// versionOf is the version of a file; 0 when nothing is in it.
func versionOf(db *bolt.DB) (version int, err error) {
	var found string
	empty := true
	err = db.View(func(tx *bolt.Tx) error {
		if b := tx.Bucket(metaBucket); b != nil {
			found = string(b.Get(schemaKey))
		}
		return tx.ForEach(func([]byte, *bolt.Bucket) error { empty = false; return nil })
	})
	if err != nil || empty {
		return 0, err
	}
	if found == "" {
		return 0, fmt.Errorf("%w: it holds something else", ErrSchema)
	}
	if version, err = strconv.Atoi(found); err != nil || version < 1 {
		return 0, fmt.Errorf("%w: its schema version is %q", ErrSchema, found)
	}
	return version, nil
}

// keep makes a durable copy of the whole file, in the place of an older copy: that
// one is of a migration that was undone.
func keep(db *bolt.DB, path string) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		_ = os.Remove(part)
		return err
	}
	return syncDir(filepath.Dir(path))
}
