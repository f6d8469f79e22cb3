package directory

import (
	"context"

	"github.com/leasehold/leasehold/ldapschema"
)

// A Directory holds one tree of entries. Its methods may be called from several
// goroutines; each returns only when the server has answered, and a write that
// returned nil is durable as far as the server can make it. Errors are *[Error]s.
type Directory interface {
	// Apply carries out one change, wholly or not at all. After ErrUnavailable it
	// may have been carried out all the same: the answer may be what was lost. To
	// repeat it is safe in the end: a repeated add says ErrExists, a repeated
	// delete ErrNotFound, and a merge finds nothing left to do.
	Apply(ctx context.Context, c ldapschema.Change) error

	// Read returns the entry named dn, canonical, without operational attributes;
	// ErrNotFound when there is none.
	Read(ctx context.Context, dn ldapschema.DN) (ldapschema.Entry, error)

	// List returns base and all entries below it, parents before their children;
	// nothing when base is absent.
	List(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error)

	// Close ends the use of the directory. Calls still under way fail.
	Close() error
}
