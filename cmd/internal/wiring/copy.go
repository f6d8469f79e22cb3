package wiring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/bbolt"
	"github.com/leasehold/leasehold/actors/store/ldap"
	"github.com/leasehold/leasehold/actors/store/postgres"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/sirupsen/logrus"
)

// Where a running process gives out copies of what it keeps, on its admin socket.
const (
	CopyStorePath     = "/v1/copy/store"     // a file as bbolt.Open reads it
	CopyDirectoryPath = "/v1/copy/directory" // LDIF
)

// copies answers with copies as of one moment while the actors go on. Whoever reads
// a copy that was cut off sees that its connection was.
func (p *Process) copies() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+CopyStorePath, func(w http.ResponseWriter, r *http.Request) {
		if p.stores.file == nil {
			http.Error(w, "the records are not kept in a file", http.StatusNotFound)
			return
		}
		if _, err := p.stores.file.WriteTo(w); err != nil {
			p.log.WithError(err).Warn("a copy of the store was not finished")
			panic(http.ErrAbortHandler)
		}
	})
	mux.HandleFunc("GET "+CopyDirectoryPath, func(w http.ResponseWriter, r *http.Request) {
		if p.directory == nil {
			http.Error(w, "there is no directory", http.StatusNotFound)
			return
		}
		entries, err := p.directory.dir.List(r.Context(), p.config.Directory.Base)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		if _, err := io.WriteString(w, ldapschema.LDIF(entries)); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	p.serveDrift(mux)
	return mux
}

// CopyStore makes a file at path, as bbolt.Open reads it, with the records of all
// actors of the configured store. A store in a file must not be in use; ask the
// process that uses it instead. Of the others nobody is disturbed.
func CopyStore(ctx context.Context, c config.Config, path string) error {
	password, err := secret(c.Store.PasswordFile)
	if err != nil {
		return err
	}
	switch c.Store.Kind {
	case config.StoreMemory:
		return errors.New("a store in memory has nothing to copy")
	case config.StorePostgres:
		return gather(path, func(each func(string, actors.Stored) error) error {
			return postgres.Snapshot(ctx, PostgresStore(c, password), each)
		})
	case config.StoreLDAP:
		r, err := ldap.Open(LDAPStore(c, password))
		if err != nil {
			return err
		}
		defer r.Close()
		return gather(path, func(each func(string, actors.Stored) error) error { return r.Snapshot(ctx, each) })
	}
	from := filepath.Join(c.State, StoreFile)
	if _, err := os.Stat(from); err != nil {
		return err
	}
	f, err := bbolt.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteTo(to)
	return errors.Join(err, to.Sync(), to.Close())
}

// gather writes records, which come actor by actor, into a new file.
func gather(path string, records func(each func(string, actors.Stored) error) error) error {
	f, err := bbolt.Open(path)
	if err != nil {
		return err
	}
	to := pour{open: func(_ context.Context, name string) (store.Store, error) { return f.Actor(name) }}
	err = records(to.take)
	return errors.Join(err, to.flush(), f.Close())
}

// pour saves records that come one by one in batches, actor by actor.
type pour struct {
	open  func(context.Context, string) (store.Store, error)
	name  string
	to    store.Store
	batch []actors.Record
	size  int
}

func (p *pour) take(actor string, rec actors.Stored) error {
	if p.to == nil || actor != p.name {
		if err := p.flush(); err != nil {
			return err
		}
		s, err := p.open(context.Background(), actor)
		if err != nil {
			return err
		}
		p.name, p.to = actor, s
	}
	p.batch = append(p.batch, actors.Record{Key: rec.Key, Value: store.Raw(rec.Data)})
	if p.size += len(rec.Data); len(p.batch) < 1000 && p.size < 4<<20 {
		return nil
	}
	return p.save()
}

func (p *pour) save() error {
	if p.to == nil {
		return nil
	}
	err := p.to.Save(context.Background(), p.batch)
	p.batch, p.size = nil, 0
	return err
}

// flush saves what is left of one actor.
func (p *pour) flush() error {
	err := p.save()
	if p.to != nil {
		err = errors.Join(err, p.to.Close())
		p.to = nil
	}
	return err
}

// FillStore writes the records of a file that CopyStore made into the configured
// store. An actor that has records there already is refused before anything is
// written.
func FillStore(ctx context.Context, c config.Config, path string) error {
	from, err := bbolt.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	names, err := from.Actors()
	if err != nil {
		return err
	}
	c.Store.Standby = false
	into, err := OpenStores(ctx, c, logrus.StandardLogger())
	if err != nil {
		return err
	}
	defer into.Close()
	open := map[string]store.Store{}
	for _, name := range names {
		s, err := into.Actor(ctx, name)
		if err != nil {
			return err
		}
		if err := s.Load(ctx, func(actors.Stored) error { return fs.ErrExist }); err != nil {
			return fmt.Errorf("actor %s in the store: %w", name, err)
		}
		open[name] = s
	}
	to := pour{open: func(_ context.Context, name string) (store.Store, error) { return open[name], nil }}
	return errors.Join(from.Snapshot(ctx, to.take), to.flush())
}

// CopyDirectory lists the configured directory. One that is embedded must not be in
// use; ask the process that serves it instead.
func CopyDirectory(ctx context.Context, c config.Config, log logrus.FieldLogger) ([]ldapschema.Entry, error) {
	if c.Directory.Embedded() {
		if _, err := os.Stat(filepath.Join(c.State, directoryFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	d, err := openDirectory(quiet(c), log)
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.dir.List(ctx, c.Directory.Base)
}

// FillDirectory writes entries into the configured directory, which must have none of
// them: an embedded one must be new, and in a server elsewhere the entry above the
// first has to be there and the first not. Parents come before their children.
func FillDirectory(ctx context.Context, c config.Config, entries []ldapschema.Entry, log logrus.FieldLogger) error {
	d, err := openDirectory(quiet(c), log)
	if err != nil {
		return err
	}
	defer d.close()
	apply := d.dir.Apply
	if d.server != nil {
		local := d.server.Local(c.Directory.Bind)
		defer local.Close()
		apply = local.Apply
	}
	for i, e := range entries {
		if err := apply(ctx, ldapschema.AddEntry(e)); err != nil {
			return fmt.Errorf("directory: %d of %d entries were added: %w", i, len(entries), err)
		}
	}
	return nil
}

// quiet is c with an embedded directory that nobody else finds.
func quiet(c config.Config) config.Config {
	d := *c.Directory
	d.Listen = ""
	c.Directory = &d
	return c
}
