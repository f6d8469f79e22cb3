package postgres

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// actorStore is the store of one actor: its rows, for as long as its token counts.
type actorStore struct {
	db    *DB
	name  string
	token int64
	saves int64         // number of the last attempt to save; belongs to whoever is in turn
	turn  chan struct{} // holds one token: saves take turns

	fenced    chan struct{}
	fenceOnce sync.Once
	closed    chan struct{}
	closeOnce sync.Once
}

func newActorStore(db *DB, name string) *actorStore {
	return &actorStore{db: db, name: name, turn: make(chan struct{}, 1), fenced: make(chan struct{}), closed: make(chan struct{})}
}

// The statements of a save. The first finds the fence as it has to be and locks it
// until the end; the others do nothing if it did not.
const (
	claimSQL = `UPDATE leasehold_fence SET saves = $3, expires = now() + $4 * interval '1 millisecond'
WHERE actor = $1 AND token = $2 AND saves < $3 RETURNING saves`
	putSQL = `INSERT INTO leasehold_record (actor, key, data)
SELECT $1, w.key, w.data FROM unnest($4::bytea[], $5::bytea[]) AS w (key, data)
WHERE EXISTS (SELECT 1 FROM leasehold_fence WHERE actor = $1 AND token = $2 AND saves = $3)
ON CONFLICT (actor, key) DO UPDATE SET data = excluded.data`
	removeSQL = `DELETE FROM leasehold_record WHERE actor = $1 AND key = ANY($4::bytea[])
AND EXISTS (SELECT 1 FROM leasehold_fence WHERE actor = $1 AND token = $2 AND saves = $3)`
	loadSQL = `SELECT key, data FROM leasehold_record WHERE actor = $1 ORDER BY key`
)

// Limits of one statement, and of a batch that is sent in one go.
const (
	maxStatement = 1 << 20 // octets of keys and values; a larger value goes alone
	maxPipeline  = 64 << 10
)

// Load reads the rows in one statement, which sees one moment.
func (s *actorStore) Load(ctx context.Context, each func(actors.Stored) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	rows, err := s.db.pool.Query(ctx, loadSQL, s.name)
	if err != nil {
		return s.db.problem(errors.Join(ctx.Err(), err))
	}
	defer rows.Close()
	for rows.Next() {
		var key, data []byte
		if err := rows.Scan(&key, &data); err != nil {
			return s.db.problem(err)
		}
		if data == nil {
			data = []byte{}
		}
		if err := each(actors.Stored{Key: string(key), Data: data}); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return s.db.problem(errors.Join(ctx.Err(), err))
	}
	return nil
}

// maxConflicts is how often a save is tried again at once when a data base without
// locks (CockroachDB) finds that it met another transaction.
const maxConflicts = 10

// Save writes the batch in one transaction.
func (s *actorStore) Save(ctx context.Context, batch []actors.Record) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	writes, err := store.Encode(batch)
	if err != nil || len(writes) == 0 {
		return err
	}
	writes = store.Latest(writes)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for range maxConflicts {
		// Each try has a number of its own, higher than any before it.
		s.saves++
		err = s.db.withConn(ctx, func(c *pgx.Conn) error { return s.write(ctx, c, writes) })
		if state := sqlState(err); state != "40001" && state != "40P01" {
			break
		}
	}
	if errors.Is(err, store.ErrFenced) {
		s.fence()
	}
	if err != nil {
		return s.db.problem(errors.Join(ctx.Err(), err))
	}
	return nil
}

// statement is one step of a transaction.
type statement struct {
	sql  string
	args []any
}

// statements are the writes of a batch in few statements of bounded size, and how
// many octets they come to.
func (s *actorStore) statements(writes []store.Write) (out []statement, total int) {
	var keys, values, gone [][]byte
	size := 0
	flush := func() {
		if len(keys) > 0 {
			out = append(out, statement{putSQL, []any{s.name, s.token, s.saves, keys, values}})
		}
		if len(gone) > 0 {
			out = append(out, statement{removeSQL, []any{s.name, s.token, s.saves, gone}})
		}
		keys, values, gone, size = nil, nil, nil, 0
	}
	for _, w := range writes {
		n := len(w.Key) + len(w.Data)
		if size > 0 && size+n > maxStatement {
			flush()
		}
		if w.Remove {
			gone = append(gone, []byte(w.Key))
		} else {
			keys, values = append(keys, []byte(w.Key)), append(values, w.Data)
		}
		size, total = size+n, total+n
	}
	flush()
	return out, total
}

// write is one try. A small batch goes out at once, with its commit: one round
// trip. A large one waits for each answer, so that the server ends it if this
// process stops in between.
func (s *actorStore) write(ctx context.Context, c *pgx.Conn, writes []store.Write) error {
	claim := statement{claimSQL, []any{s.name, s.token, s.saves, s.db.cfg.Lease.Milliseconds()}}
	all, size := s.statements(writes)
	if size > maxPipeline {
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			if err := claimed(tx.QueryRow(ctx, claim.sql, claim.args...)); err != nil {
				return err
			}
			for _, st := range all {
				if _, err := tx.Exec(ctx, st.sql, st.args...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var b pgx.Batch
	b.Queue("BEGIN")
	b.Queue(claim.sql, claim.args...)
	for _, st := range all {
		b.Queue(st.sql, st.args...)
	}
	b.Queue("COMMIT")
	answers := c.SendBatch(ctx, &b)
	_, err := answers.Exec()
	if err == nil {
		err = claimed(answers.QueryRow())
	}
	// A refused claim makes the rest write nothing; its commit is an empty one.
	return errors.Join(err, answers.Close())
}

// claimed says whether the fence was as it has to be.
func claimed(row pgx.Row) error {
	var n int64
	err := row.Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return store.ErrFenced
	}
	return err
}

// Close gives the actor up.
func (s *actorStore) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.turn <- struct{}{} // a save under way ends first
		s.release()
		<-s.turn
		s.db.mu.Lock()
		defer s.db.mu.Unlock()
		if s.db.held[s.name] == s {
			delete(s.db.held, s.name)
		}
	})
	return nil
}

func (s *actorStore) usable(ctx context.Context) error {
	select {
	case <-s.closed:
		return store.ErrClosed
	case <-s.fenced:
		return store.ErrFenced
	default:
		return ctx.Err()
	}
}
