package wiring

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/bbolt"
	"github.com/leasehold/leasehold/actors/store/ldap"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/postgres"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/sirupsen/logrus"
)

// StoreFile is the name of the actors' records in the state folder, when they are
// kept in a file.
const StoreFile = "actors.db"

// Stores is the place where the actors of a process keep their records.
type Stores struct {
	// Actor opens the store of one actor. Where several processes can have the
	// place open, the actor is ours afterwards.
	Actor func(ctx context.Context, name string) (store.Store, error)
	// Lost is closed when another process has taken an actor over; nil where
	// nobody can, or where only the next save finds out.
	Lost <-chan struct{}
	// Close closes every store.
	Close func() error

	file *bbolt.File // of kind bbolt
}

// OpenStores opens the place that the configuration names.
func OpenStores(ctx context.Context, c config.Config, log logrus.FieldLogger) (*Stores, error) {
	password, err := secret(c.Store.PasswordFile)
	if err != nil {
		return nil, err
	}
	switch c.Store.Kind {
	case config.StoreMemory:
		return &Stores{Actor: func(context.Context, string) (store.Store, error) { return memory.New(), nil }, Close: func() error { return nil }}, nil
	case config.StoreLDAP:
		cfg := LDAPStore(c, password)
		cfg.Migrated = func(actor string, from, to int, kept ldapschema.DN) {
			migrated(log.WithField("actor", actor), from, to, string(kept))
		}
		r, err := ldap.Open(cfg)
		if err != nil {
			return nil, err
		}
		return &Stores{Actor: r.Actor, Close: r.Close}, nil
	case config.StorePostgres:
		cfg := PostgresStore(c, password)
		cfg.Waiting = func(actor, holder string) {
			log.WithField("actor", actor).Infof("waiting: the actor is held by %s", holder)
		}
		cfg.Migrated = func(from, to int, kept string) { migrated(log, from, to, "table "+kept) }
		db, err := postgres.Open(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return &Stores{Actor: db.Actor, Lost: db.Lost(), Close: db.Close}, nil
	}
	options := bbolt.Options{Migrated: func(from, to int, kept string) { migrated(log, from, to, kept) }}
	f, err := options.Open(filepath.Join(c.State, StoreFile))
	if err != nil {
		return nil, err
	}
	return &Stores{Actor: func(_ context.Context, name string) (store.Store, error) { return f.Actor(name) }, Close: f.Close, file: f}, nil
}

// migrated says that a store has been brought to a newer form.
func migrated(log logrus.FieldLogger, from, to int, kept string) {
	log.WithField("from", from).WithField("to", to).WithField("kept", kept).
		Warn("the records were brought to a newer schema version; what they were before is kept, and may be removed when all is well")
}

// LDAPStore is the configuration of a store of that kind.
func LDAPStore(c config.Config, password string) ldap.Config {
	return ldap.Config{Server: ldapdir.Config{URL: c.Store.URL, BindDN: c.Store.Bind, Password: password}, Base: c.Store.Base}
}

// PostgresStore is the configuration of a store of that kind.
func PostgresStore(c config.Config, password string) postgres.Config {
	cfg := postgres.Config{URL: c.Store.URL, Password: password, Lease: c.Store.Lease}
	if c.Store.Standby {
		cfg.Patience = -1
	}
	return cfg
}

// secret reads a file of one line; no file, no secret.
func secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// hold makes every actor ours, in the order of configuration: a standby waits here.
func (p *Process) hold(ctx context.Context) error {
	p.held = map[string]*timed{}
	for _, a := range p.config.Actors {
		s, err := p.stores.Actor(ctx, a.Name)
		if err != nil {
			return fmt.Errorf("actor %s: %w", a.Name, err)
		}
		p.held[a.Name] = &timed{Store: s}
	}
	return nil
}
