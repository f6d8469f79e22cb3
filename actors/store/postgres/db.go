package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// Config says which data base, and how to hold actors in it. Only URL is needed.
type Config struct {
	// URL is postgres://user@host:port/database or a libpq connection string. What
	// it leaves out comes from libpq's usual environment variables and files.
	URL string
	// Password, when set, is used in place of what URL says.
	Password string
	// Lease is how long an actor stays ours after the last sign of life; default 3 s.
	// A standby takes over at most a Lease and a third after the holder's death.
	Lease time.Duration
	// Patience is how long Actor waits for another holder; 0 means twice the Lease and
	// no less than five seconds, so that a killed process can be started again at once,
	// though its last save may still prolong its time. Negative means for ever: a
	// standby.
	Patience time.Duration
	// Timeout bounds each request; default 10 s.
	Timeout time.Duration
	// Migrated, when set, is told that the tables were brought to a newer schema
	// version, and the name of the table with the records as they were before.
	Migrated func(from, to int, kept string)
	// Waiting, when set, is told once who holds the actor that Actor waits for.
	Waiting func(actor, holder string)

	steps [][]string // of tests, in place of the program's own
}

// DB is an open data base. It is safe for concurrent use.
type DB struct {
	cfg    Config
	pool   *pgxpool.Pool
	beats  *pgxpool.Pool // signs of life never queue behind saves
	holder string
	lost   chan struct{} // closed when an actor was taken over
	end    context.CancelFunc
	ended  chan struct{} // closed when the heart has stopped
	once   sync.Once

	mu     sync.Mutex
	held   map[string]*actorStore
	closed bool
}

// Open connects and brings the tables up to date. The error is store.ErrSchema when
// they are newer than this program.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	db, err := prepare(ctx, &cfg)
	if err != nil {
		return nil, fmt.Errorf("store: PostgreSQL: %w", err)
	}
	err = db.withConn(ctx, func(c *pgx.Conn) error {
		from, err := migrate(ctx, c, cfg.steps)
		if err == nil && from > 0 && from < len(cfg.steps) && cfg.Migrated != nil {
			cfg.Migrated(from, len(cfg.steps), keptTable(from))
		}
		return err
	})
	if err != nil {
		db.shut()
		return nil, db.problem(err)
	}
	beating, end := context.WithCancel(context.Background())
	db.end = end
	go db.heart(beating)
	return db, nil
}

// prepare makes pools, which connect when they are used.
func prepare(ctx context.Context, cfg *Config) (*DB, error) {
	if cfg.Lease <= 0 {
		cfg.Lease = 3 * time.Second
	}
	if cfg.Patience == 0 {
		cfg.Patience = max(2*cfg.Lease, 5*time.Second)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.steps == nil {
		cfg.steps = migrations
	}
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Password != "" {
		pc.ConnConfig.Password = cfg.Password
	}
	pc.ConnConfig.ConnectTimeout = min(cfg.Timeout, 5*time.Second)
	params := pc.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "leasehold"
	}
	// A process that is stopped in mid-transaction must not keep its locks; one that is
	// only slow must not lose its transaction, however short the lease.
	params["idle_in_transaction_session_timeout"] = fmt.Sprint(max(cfg.Lease.Milliseconds(), 1000))
	pc.MaxConns, pc.MinConns = 16, 0
	beats := pc.Copy()
	beats.MaxConns = 2
	db := &DB{cfg: *cfg, holder: holder(), lost: make(chan struct{}), ended: make(chan struct{}), held: map[string]*actorStore{}}
	if db.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return nil, err
	}
	if db.beats, err = pgxpool.NewWithConfig(ctx, beats); err != nil {
		db.pool.Close()
		return nil, err
	}
	return db, nil
}

// holder is a name nobody else has, that says something to people.
func holder() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s pid %d %s", host, os.Getpid(), rand.Text()[:8])
}

// withConn lends do a connection for as long as Timeout allows.
func (db *DB) withConn(ctx context.Context, do func(*pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, db.cfg.Timeout)
	defer cancel()
	return db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return do(c.Conn()) })
}

// Actor opens the store of the actor called name and makes it ours. While another
// process holds it, Actor waits as Config.Patience says, and then answers
// store.ErrInUse.
func (db *DB) Actor(ctx context.Context, name string) (store.Store, error) {
	if name == "" || len(name) > store.MaxKey || !utf8.ValidString(name) {
		return nil, fmt.Errorf("store: an actor's name is 1 to %d octets of text, not %.64q", store.MaxKey, name)
	}
	s := newActorStore(db, name)
	db.mu.Lock()
	_, twice := db.held[name]
	closed := db.closed
	if !twice && !closed {
		db.held[name] = s
	}
	db.mu.Unlock()
	if closed {
		return nil, store.ErrClosed
	}
	if twice {
		return nil, fmt.Errorf("store: actor %q is %w by this process", name, store.ErrInUse)
	}
	token, err := db.acquire(ctx, name)
	db.mu.Lock()
	defer db.mu.Unlock()
	if err == nil && db.closed {
		err = store.ErrClosed
	}
	if err != nil {
		delete(db.held, name)
		return nil, err
	}
	s.token = token
	return s, nil
}

// Actors are the names of all actors that ever were opened, in order.
func (db *DB) Actors(ctx context.Context) (names []string, err error) {
	err = db.withConn(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, "SELECT actor FROM leasehold_fence ORDER BY actor")
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names, db.problem(err)
}

// Lost is closed when another process has taken one of our actors over: time to
// stop, for nothing can be saved any more.
func (db *DB) Lost() <-chan struct{} { return db.lost }

// Close gives every actor up, so that a standby need not wait, and disconnects.
func (db *DB) Close() error {
	db.once.Do(func() {
		db.mu.Lock()
		db.closed = true
		held := db.held
		db.held = map[string]*actorStore{}
		db.mu.Unlock()
		for _, s := range held {
			_ = s.Close() // whoever comes next waits a little longer
		}
		db.end()
		<-db.ended
		db.shut()
	})
	return nil
}

func (db *DB) shut() {
	db.pool.Close()
	db.beats.Close()
}

// Snapshot gives each the records of all actors, by actor and key, as they are at
// one moment, whoever holds them. It changes nothing and needs no fence.
func Snapshot(ctx context.Context, cfg Config, each func(actor string, rec actors.Stored) error) error {
	db, err := prepare(ctx, &cfg)
	if err != nil {
		return fmt.Errorf("store: PostgreSQL: %w", err)
	}
	defer db.shut()
	c, err := db.pool.Acquire(ctx)
	if err != nil {
		return db.problem(err)
	}
	defer c.Release()
	if err := readable(ctx, c.Conn(), len(cfg.steps)); err != nil {
		return db.problem(err)
	}
	rows, err := c.Query(ctx, "SELECT actor, key, data FROM leasehold_record ORDER BY actor, key")
	if err != nil {
		return db.problem(err)
	}
	defer rows.Close()
	for rows.Next() {
		var actor string
		var key, data []byte
		if err := rows.Scan(&actor, &key, &data); err != nil {
			return db.problem(err)
		}
		if err := each(actor, actors.Stored{Key: string(key), Data: data}); err != nil {
			return err
		}
	}
	return db.problem(rows.Err())
}

// problem gives the driver's errors a place.
func (db *DB) problem(err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrFenced), errors.Is(err, context.Canceled):
		return err
	case err.Error() == "closed pool":
		return store.ErrClosed
	}
	return fmt.Errorf("store: PostgreSQL: %w", err)
}

// sqlState is the five-letter code of a server's complaint, or "".
func sqlState(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}
