package site

import (
	"sync/atomic"
	"time"

	"github.com/leasehold/leasehold/cod"
)

// Snapshot is a site as it stands.
type Snapshot struct {
	Ready   bool     `json:"ready"`             // the directory was read
	Sight   bool     `json:"sight"`             // it tells what changes, and may be written
	Problem string   `json:"problem,omitempty"` // why not
	View    cod.View `json:"view"`
	Counts  Counts   `json:"counts"`
}

// Counts is what a site has done since it was started.
type Counts struct {
	Added          int64 `json:"added"` // directory entries
	Modified       int64 `json:"modified"`
	Deleted        int64 `json:"deleted"`
	Reads          int64 `json:"reads"`
	Unavailable    int64 `json:"unavailable"` // operations the directory did not answer
	Refused        int64 `json:"refused"`     // and those it will never accept
	DriverCalls    int64 `json:"driverCalls"`
	DriverFailures int64 `json:"driverFailures"`
	Reports        int64 `json:"reports"`   // actions answered
	Told           int64 `json:"told"`      // what the directory's watch told
	TakenOver      int64 `json:"takenOver"` // operators' changes that the site followed
	// Answers counts the directory's answers, Answering is how long they took in all, in
	// JSON in nanoseconds.
	Answers   int64         `json:"answers"`
	Answering time.Duration `json:"answering"`
}

// Snapshot looks at the site between two steps.
func (s *Site) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Snapshot{Problem: s.problem, Sight: s.open.Load(), Counts: s.counts.read()}
	if s.machine != nil {
		out.Ready, out.View = true, s.machine.View()
	}
	return out
}

type counters struct {
	added, modified, deleted, reads, unavailable, refused atomic.Int64
	driverCalls, driverFailures, reports, told, takenOver atomic.Int64
	answers, answering                                    atomic.Int64
}

func (c *counters) read() Counts {
	return Counts{
		Added: c.added.Load(), Modified: c.modified.Load(), Deleted: c.deleted.Load(), Reads: c.reads.Load(),
		Unavailable: c.unavailable.Load(), Refused: c.refused.Load(),
		DriverCalls: c.driverCalls.Load(), DriverFailures: c.driverFailures.Load(), Reports: c.reports.Load(),
		Told: c.told.Load(), TakenOver: c.takenOver.Load(), Answers: c.answers.Load(), Answering: time.Duration(c.answering.Load()),
	}
}
