package directory

import (
	"context"
	"time"

	"github.com/leasehold/leasehold/ldapschema"
)

// A Watcher tells what a directory holds and then whatever changes in it, as it
// changes. Servers that keep RFC 4533 can be watched.
type Watcher interface {
	// Watch gives each the entries that base and filter select (RFC 4515; empty
	// means all), then one Refreshed, and from then on every change, until ctx
	// ends, the directory goes away or each returns an error. It always returns an
	// error: that of ctx, that of each, or an *Error. What happened between two
	// calls of Watch is found by comparing: entries that were known and did not
	// come before Refreshed are gone.
	Watch(ctx context.Context, base ldapschema.DN, filter string, each func(Event) error) error
}

// An Event is one thing a watcher learns.
type Event struct {
	Kind EventKind
	// ID is the entry's identity (entryUUID), which outlives its name; empty in Refreshed.
	ID string
	// Entry is as the server shows it; of Gone only its name, if that.
	Entry ldapschema.Entry
	// Writer is who wrote the entry last (modifiersName), where that may be read.
	Writer ldapschema.DN
	At     time.Time // when that was (modifyTimestamp); zero when unknown
}

// EventKind says what an event is about.
type EventKind uint8

// The kinds of events.
const (
	Present   EventKind = iota + 1 // the entry is there, new, changed or as it was
	Gone                           // it is not, or no longer selected
	Refreshed                      // everything that was there has been told
)

// String names the kind.
func (k EventKind) String() string {
	switch k {
	case Present:
		return "present"
	case Gone:
		return "gone"
	case Refreshed:
		return "refreshed"
	}
	return "no event"
}
