package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/ldapschema"
)

// verifyBackup does everything that restoring does, in a folder that it removes.
func verifyBackup(ctx context.Context, file string) (manifest, error) {
	dir, err := os.MkdirTemp("", "leasehold-verify-") // mode 0700
	if err != nil {
		return manifest{}, err
	}
	defer os.RemoveAll(dir)
	u, err := unpack(ctx, file, dir)
	return u.manifest, err
}

// unpacked is a backup in a folder, checked.
type unpacked struct {
	manifest manifest
	conf     config.Config
	entries  []ldapschema.Entry
}

// unpack reads a backup into an empty folder and checks that a server could start
// from it: the configuration with the keys and files it names, every record, and
// every entry.
func unpack(ctx context.Context, file, dir string) (u unpacked, err error) {
	f, err := os.Open(file)
	if err != nil {
		return u, err
	}
	defer f.Close()
	fail := func(err error) (unpacked, error) { return u, fmt.Errorf("%s: %w", file, err) }
	if u.manifest, err = extract(f, dir); err != nil {
		return fail(err)
	}
	if u.conf, err = config.Load(filepath.Join(dir, configName)); err != nil {
		return fail(err)
	}
	found, err := count(ctx, u.conf, filepath.Join(dir, recordsName))
	if err != nil {
		return fail(err)
	}
	if !slices.Equal(found, u.manifest.Actors) {
		return fail(fmt.Errorf("the manifest counts records as %v, and there are %v", u.manifest.Actors, found))
	}
	if (u.conf.Directory != nil) != (u.manifest.Directory != nil) {
		return fail(errors.New("the configuration and the manifest do not agree whether there is a directory"))
	}
	if u.manifest.Directory != nil {
		if u.entries, err = readDirectory(filepath.Join(dir, directoryName)); err != nil {
			return fail(err)
		}
		if len(u.entries) != *u.manifest.Directory {
			return fail(fmt.Errorf("the manifest counts %d directory entries, and there are %d", *u.manifest.Directory, len(u.entries)))
		}
	}
	return u, nil
}

// destination says what beside a folder a backup is put into.
type destination struct {
	store, directory       bool   // also write to these
	storeURL, directoryURL string // which are elsewhere from now on
}

// move puts the servers' new addresses into the configuration in a folder.
func (to destination) move(c config.Config, path string) (config.Config, error) {
	switch {
	case to.store && c.Store.Kind == config.StoreBolt, to.storeURL != "" && c.Store.URL == "":
		return c, errors.New("--store and --store-url are for records that are kept in a directory server or a data base; these are kept in a file")
	case (to.directory || to.directoryURL != "") && (c.Directory == nil || c.Directory.Embedded()):
		return c, errors.New("--directory and --directory-url are for a directory in an LDAP server; this one has none")
	case to.storeURL == "" && to.directoryURL == "":
		return c, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	moved, err := config.Parse(path, text) // with paths as they are in the file
	if err != nil {
		return c, err
	}
	if to.storeURL != "" {
		moved.Store.URL = to.storeURL
	}
	if to.directoryURL != "" {
		moved.Directory.URL = to.directoryURL
	}
	if err := os.WriteFile(path, moved.YAML(), 0o600); err != nil {
		return c, err
	}
	return config.Load(path) // says what is wrong with an address
}

// restoreBackup puts a backup into a folder, all of it or nothing. Notes say what
// is left to do.
func restoreBackup(ctx context.Context, file, dir string, to destination) (m manifest, notes []string, err error) {
	switch list, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return m, nil, err
	case len(list) > 0:
		return m, nil, fmt.Errorf("%s is not empty: it has %s; choose another folder", dir, list[0].Name())
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return m, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return m, nil, err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), ".restore-")
	if err != nil {
		return m, nil, err
	}
	defer os.RemoveAll(work) // nothing is left there after success
	u, err := unpack(ctx, file, work)
	if err != nil {
		return m, nil, err
	}
	if u.conf, err = to.move(u.conf, filepath.Join(work, configName)); err != nil {
		return m, nil, err
	}
	if err := os.MkdirAll(u.conf.State, 0o750); err != nil {
		return m, nil, err
	}
	if u.conf.Directory != nil && (u.conf.Directory.Embedded() || to.directory) && len(u.entries) > 0 {
		if err := wiring.FillDirectory(ctx, u.conf, u.entries, silent()); err != nil {
			return m, nil, err
		}
	} else if len(u.entries) > 0 {
		notes = append(notes, fmt.Sprintf("If the directory at %s has lost its entries: restore into another folder with --directory, or ldapadd -c -f %s", u.conf.Directory.URL, filepath.Join(dir, directoryName)))
	}
	records := filepath.Join(work, recordsName)
	switch {
	case u.conf.Store.Kind == config.StoreBolt:
		if err := os.Rename(records, filepath.Join(u.conf.State, wiring.StoreFile)); err != nil {
			return m, nil, err
		}
	case to.store:
		if err := wiring.FillStore(ctx, u.conf, records); err != nil {
			return m, nil, err
		}
	default:
		notes = append(notes, fmt.Sprintf("If the store at %s has lost the records: restore into another folder with --store", u.conf.Store.URL))
	}
	if err := os.Rename(work, dir); err != nil { // takes the place of an empty folder
		return m, nil, err
	}
	return u.manifest, notes, nil
}
