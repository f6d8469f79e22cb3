/*
Package postgres keeps actors' records in PostgreSQL, or in a data base that speaks
its protocol and SQL, such as CockroachDB. Several processes can be pointed at one
data base: one of them steps an actor, the others stand by.

# The fence

Every actor has a row in leasehold_fence: a token, a holder and when the holder's
time runs out. Opening an actor takes the row over, if nobody's time is running,
and raises the token. The holder prolongs its time again and again; one that was
killed does not, and a standby has the actor when the time is over, at once if the
holder closed it.

Time only decides when to take over. What keeps two processes from both stepping an
actor is the token: each Save begins by finding its own token in the row and ends
in the same transaction, so once the token has been raised an older holder, however
long it slept, saves nothing any more. It is told store.ErrFenced.

The row also counts saves. A save whose answer was lost may still be waiting in
the server when its batch is tried again; it then finds a higher count, and
leaves what the later one wrote alone.

# The SQL

Plain tables, no triggers, no advisory locks, no LISTEN, no extension. Migrations only
ever add: while a newer standby waits, an older program may be at work. Before one
runs on records that are there, it keeps a copy of them in a table beside
(leasehold_record_v1); what the records were is put back by copying from it, with the
version in leasehold_schema.

Tests run on PostgreSQL. For CockroachDB every statement was held against its
documented dialect, not run: types TEXT, BYTEA, BIGINT, INT and TIMESTAMPTZ; INSERT ...
ON CONFLICT DO UPDATE with WHERE, an alias and RETURNING; unnest of two arrays in FROM;
= ANY(array); now() and interval arithmetic; SELECT FOR UPDATE; CREATE TABLE AS and DROP
TABLE IF EXISTS in a transaction; SQLSTATEs 40001 (met another transaction: tried
again) and 42P07. Its differences bind later migrations: a column that is added can be
filled only by the next transaction, so such a step has to be two versions there.

# What to read next

db.go opens, fence.go takes over, actor.go saves and loads, migrate.go has the
tables. What is not here: replication and failover of the server itself, which are
the data base's own.
*/
package postgres
