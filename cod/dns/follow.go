package dns

import (
	"context"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/cod/feed"
)

// A Follower keeps a name server as a directory says. Set its fields before Run or
// Once and do not change them after. The source's Filter is the follower's own.
type Follower struct {
	feed.Source
	Server *Server
	Zones  *RNDC // adds and removes zones; nil leaves that to people
	// MaxRemoval is the share of a zone's names, in percent, that one comparison may
	// take away; 0 means [feed.DefaultShare]. A few names may always go.
	MaxRemoval int
}

// filter selects what is watched.
const filter = "(objectClass=dNSZone)"

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	f.Filter = filter
	f.Source.Run(ctx, func() feed.Keeper { return newWork(f, false) })
}

// Once makes the server as the directory says now and reports what was different.
// With dry set it only reports. It fails when anything could not be done.
func (f *Follower) Once(ctx context.Context, dry bool) (Report, error) {
	f.Filter = filter
	w := newWork(f, dry)
	err := f.Source.Once(ctx, w)
	if err == nil {
		err = errors.Join(w.failures()...)
	}
	return w.report(), err
}

// A Report is how a name server stands to the directory.
type Report struct {
	Zones    []ZoneReport `json:"zones"`
	Problems []string     `json:"problems,omitempty"` // values that are no records
}

// ZoneReport is a Report's line of one zone.
type ZoneReport struct {
	Zone    string   `json:"zone"`
	Names   int      `json:"names"`             // that the directory has
	Changed []string `json:"changed,omitempty"` // names that were different, or would be changed
	Added   bool     `json:"added,omitempty"`   // the server did not have the zone
	Held    int      `json:"held,omitempty"`    // names that would have gone, too many at once
	Error   string   `json:"error,omitempty"`
}

// String is one line for people.
func (z ZoneReport) String() string {
	s := fmt.Sprintf("%s: %d names, %d changed", z.Zone, z.Names, len(z.Changed))
	if z.Added {
		s += ", zone added"
	}
	if z.Held > 0 {
		s += fmt.Sprintf(", %d not removed", z.Held)
	}
	if z.Error != "" {
		s += ": " + z.Error
	}
	return s
}
