package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/leasehold/leasehold/actors/store"
)

// migrations make the tables, one version after the other. A version that has been
// released never changes. They only add: see the package comment.
//
// Version 2 has the units of large leases in records of their own. Nothing is written
// anew for it: it keeps programs away that would not find them.
var migrations = [][]string{
	{
		`CREATE TABLE leasehold_fence (
			actor TEXT PRIMARY KEY,
			token BIGINT NOT NULL,
			saves BIGINT NOT NULL,
			holder TEXT NOT NULL,
			expires TIMESTAMPTZ NOT NULL
		)`,
		`CREATE TABLE leasehold_record (
			actor TEXT NOT NULL,
			key BYTEA NOT NULL,
			data BYTEA NOT NULL,
			PRIMARY KEY (actor, key)
		)`,
	},
	{},
}

// Schema is the version of the tables that this program reads and writes.
const Schema = 2

const (
	schemaTable = `CREATE TABLE IF NOT EXISTS leasehold_schema (one INT PRIMARY KEY CHECK (one = 1), version INT NOT NULL)`
	schemaRow   = `INSERT INTO leasehold_schema (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING`
	schemaFind  = `SELECT version FROM leasehold_schema WHERE one = 1`
)

// migrate brings the tables to version len(steps) and says from which. Two processes
// may do so at the same time.
func migrate(ctx context.Context, c *pgx.Conn, steps [][]string) (from int, err error) {
	var version int
	err = c.QueryRow(ctx, schemaFind).Scan(&version)
	if err == nil && version == len(steps) {
		return version, nil // as nearly always: nothing is locked
	}
	for range 10 {
		if _, err = c.Exec(ctx, schemaTable); err == nil {
			_, err = c.Exec(ctx, schemaRow)
		}
		if err == nil {
			err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
				from, err = advance(ctx, tx, steps)
				return err
			})
		}
		// "IF NOT EXISTS" of two processes at the same moment makes one of them fail.
		switch sqlState(err) {
		case "23505", "42P07", "42710", "40001", "40P01":
			continue
		}
		return from, err
	}
	return from, err
}

// keptTable is where the records are kept as they were before a migration.
func keptTable(version int) string { return "leasehold_record_v" + strconv.Itoa(version) }

// advance carries out what is missing, in one transaction. An older copy of the same
// version is of a migration that was undone; a new one takes its place.
func advance(ctx context.Context, tx pgx.Tx, steps [][]string) (from int, err error) {
	if err := tx.QueryRow(ctx, schemaFind+" FOR UPDATE").Scan(&from); err != nil {
		return 0, err
	}
	if err := known(from, len(steps)); err != nil {
		return from, err
	}
	if from < len(steps) { // this is not a moment to be cut short
		if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 60000"); err != nil {
			return from, err
		}
	}
	for version := from; version < len(steps); version++ {
		var all []string
		if version == from && version > 0 {
			all = append(all, "DROP TABLE IF EXISTS "+keptTable(version), "CREATE TABLE "+keptTable(version)+" AS SELECT * FROM leasehold_record")
		}
		for _, sql := range append(all, steps[version]...) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return from, fmt.Errorf("from schema version %d to %d: %w; the tables are as they were", version, version+1, err)
			}
		}
	}
	_, err = tx.Exec(ctx, "UPDATE leasehold_schema SET version = $1 WHERE one = 1", len(steps))
	return from, err
}

// known refuses versions that this program cannot read.
func known(version, newest int) error {
	if version < 0 || version > newest {
		return fmt.Errorf("%w: its schema version is %d, and this program knows up to %d; use the program that wrote it, or a later one", store.ErrSchema, version, newest)
	}
	return nil
}

// readable asks whether the tables are there and not newer than newest.
func readable(ctx context.Context, c *pgx.Conn, newest int) error {
	var version int
	err := c.QueryRow(ctx, schemaFind).Scan(&version)
	if sqlState(err) == "42P01" || errors.Is(err, pgx.ErrNoRows) || err == nil && version == 0 {
		return fmt.Errorf("%w: it has no tables of ours", store.ErrSchema)
	}
	if err != nil {
		return err
	}
	return known(version, newest)
}
