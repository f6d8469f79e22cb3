package site

import (
	"errors"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/sirupsen/logrus"
)

// Config is what a Site needs. Fields without a stated default are required.
type Config struct {
	COD       cod.Config
	Directory directory.Directory // stays open when the Site is closed
	Driver    handlers.Driver
	// Runner is the machine that a unit's driver speaks to; nil means run.Nowhere,
	// which is enough for drivers that speak to none.
	Runner func(actors.Unit) run.Runner
	Clock  clock.Clock // nil means the real one
	// Report hears the end of every action. It is called from one goroutine and
	// must not block. It is not called after Close returned.
	Report func(actors.ActionDone)
	// Moved hears of nodes' moves, under the same rules; nil means nobody listens.
	Moved func([]cod.Transition)
	// Changed hears what is new about nodes that are up because operators changed them,
	// under the same rules; nil means nobody listens.
	Changed func(cod.Changed)
	// Noticed hears what others did to the site's entries, under the same rules; nil means
	// nobody listens.
	Noticed func([]cod.Notice)
	Log     logrus.FieldLogger // nil means the standard logger
	// Serials says that a zone's serial number is raised when a name in it changes, for
	// name servers that read zones from the directory. It takes a directory that can be
	// watched.
	Serials bool
	// Writers is how many directory operations are under way at once; 0 means 8.
	Writers int
	// Drivers is how many driver calls are under way at once; 0 means 64.
	Drivers int
	// AnswerTime is how long one directory operation may take; 0 means 30 s.
	AnswerTime time.Duration
	// CallTime is how long one driver call may take; 0 means 10 minutes. A driver
	// that needs longer says "not yet" and is called again.
	CallTime time.Duration
}

// checked is c with defaults filled in, or what is missing.
func (c Config) checked() (Config, error) {
	if c.Directory == nil || c.Driver == nil || c.Report == nil {
		return c, errors.New("site: config: a directory, a driver and somebody to report to are needed")
	}
	if c.Writers < 0 || c.Drivers < 0 || c.AnswerTime < 0 || c.CallTime < 0 {
		return c, errors.New("site: config: numbers must not be negative")
	}
	if c.Runner == nil {
		c.Runner = func(actors.Unit) run.Runner { return run.Nowhere{} }
	}
	if c.Clock == nil {
		c.Clock = clock.Real()
	}
	if c.Moved == nil {
		c.Moved = func([]cod.Transition) {}
	}
	if c.Changed == nil {
		c.Changed = func(cod.Changed) {}
	}
	if c.Noticed == nil {
		c.Noticed = func([]cod.Notice) {}
	}
	if c.Log == nil {
		c.Log = logrus.StandardLogger()
	}
	if c.Writers == 0 {
		c.Writers = 8
	}
	if c.Drivers == 0 {
		c.Drivers = 64
	}
	if c.AnswerTime == 0 {
		c.AnswerTime = 30 * time.Second
	}
	if c.CallTime == 0 {
		c.CallTime = 10 * time.Minute
	}
	return c, nil
}
