package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leasehold/leasehold/actors/store"
)

// The statements about the fence. The server's clock alone counts.
const (
	takeSQL = `INSERT INTO leasehold_fence AS f (actor, token, saves, holder, expires)
VALUES ($1, 1, 0, $2, now() + $3 * interval '1 millisecond')
ON CONFLICT (actor) DO UPDATE SET token = f.token + 1, saves = 0, holder = excluded.holder, expires = excluded.expires
WHERE f.expires <= now()
RETURNING token`
	whoseSQL   = `SELECT holder FROM leasehold_fence WHERE actor = $1`
	beatSQL    = `UPDATE leasehold_fence SET expires = now() + $2 * interval '1 millisecond' WHERE holder = $1 RETURNING actor`
	releaseSQL = `UPDATE leasehold_fence SET expires = now() WHERE actor = $1 AND token = $2`
)

// acquire takes an actor over as soon as nobody's time is running.
func (db *DB) acquire(ctx context.Context, name string) (token int64, err error) {
	start, told := time.Now(), false
	for {
		token, err = db.take(ctx, name)
		if err == nil {
			return token, nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			// A standby outlives the failover of its data base too.
			if ctx.Err() != nil || !told {
				return 0, db.problem(errors.Join(ctx.Err(), err))
			}
		} else if !told {
			told = true
			if db.cfg.Waiting != nil {
				db.cfg.Waiting(name, db.whose(ctx, name))
			}
		}
		if db.cfg.Patience > 0 && time.Since(start) > db.cfg.Patience {
			return 0, fmt.Errorf("store: actor %q is %w by %s", name, store.ErrInUse, db.whose(ctx, name))
		}
		select {
		case <-time.After(db.cfg.Lease / 12):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (db *DB) take(ctx context.Context, name string) (token int64, err error) {
	err = db.withConn(ctx, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, takeSQL, name, db.holder, db.cfg.Lease.Milliseconds()).Scan(&token)
	})
	return token, err
}

// whose says who holds an actor, for people.
func (db *DB) whose(ctx context.Context, name string) string {
	holder := "somebody"
	_ = db.withConn(ctx, func(c *pgx.Conn) error { return c.QueryRow(ctx, whoseSQL, name).Scan(&holder) })
	return holder
}

// heart gives a sign of life three times in each Lease, and notices when an actor
// is ours no more.
func (db *DB) heart(ctx context.Context) {
	defer close(db.ended)
	t := time.NewTicker(max(db.cfg.Lease/3, time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		db.beat(ctx)
	}
}

// beat prolongs what we hold. When the server cannot be asked nothing is lost yet:
// the next save finds out.
func (db *DB) beat(ctx context.Context) {
	held := map[string]*actorStore{}
	db.mu.Lock()
	for name, s := range db.held {
		if s.token != 0 {
			held[name] = s
		}
	}
	db.mu.Unlock()
	if len(held) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, db.cfg.Timeout)
	defer cancel()
	rows, err := db.beats.Query(ctx, beatSQL, db.holder, db.cfg.Lease.Milliseconds())
	if err != nil {
		return
	}
	ours, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return
	}
	for _, name := range ours {
		delete(held, name)
	}
	for _, s := range held {
		s.fence()
	}
}

// fence is what follows when an actor was taken over.
func (s *actorStore) fence() {
	s.fenceOnce.Do(func() {
		close(s.fenced)
		s.db.mu.Lock()
		defer s.db.mu.Unlock()
		select {
		case <-s.db.lost:
		default:
			close(s.db.lost)
		}
	})
}

// release ends our time, if it is still running.
func (s *actorStore) release() {
	ctx, cancel := context.WithTimeout(context.Background(), min(s.db.cfg.Timeout, 2*time.Second))
	defer cancel()
	_, _ = s.db.beats.Exec(ctx, releaseSQL, s.name, s.token) // otherwise it ends by itself
}
