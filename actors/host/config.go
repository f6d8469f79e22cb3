package host

import (
	"errors"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/store"
)

// Config is what a Host needs. Fields without a stated default are required.
type Config struct {
	Self    actors.Location // the actor; its ID and Name appear in logs
	Role    actors.Role     // for logs
	Machine actors.Machine  // fresh: nothing restored, nothing stepped
	Store   store.Store     // the actor's own; the host does not close it
	Cycles  actors.Cycles   // the actor's division of time; Length at least 1
	Clock   clock.Clock     // nil means the real one
	Pace    clock.Clock     // when a failing save is tried again; nil means Clock
	// SetBack lets Clock count although the actor has done something at a later time,
	// which a clock that was wrong may have made it do. Otherwise the actor's time
	// stands still until the clock has caught up.
	SetBack bool

	// Send hands a message to the outbound side. It must not block: a slow peer
	// is its queue's business. It must not call this host's Ask or Inspect.
	Send func(actors.Message)
	// Run starts an action, which reports back by Deliver(actors.ActionDone). It
	// must not block, and must not call this host's Ask or Inspect.
	Run func(actors.Action)
	// Watch sees the transitions of each batch after they are durable and
	// everything owed has been handed over. The same restrictions apply. The slice
	// is shared with other watchers and must not be changed. nil means nobody.
	Watch func([]actors.Transition)

	// Idle is called whenever the host goes to sleep, with the cycle of its next Tick
	// or Never: everything it was given before has been carried out, and its timer is
	// set. Who drives a virtual clock learns by it when the clock may go on. The same
	// restrictions apply. nil means nobody.
	Idle func(next actors.Cycle)
	// Look is how long the host sleeps at most before it looks at the clock again:
	// wall clocks are stepped and machines are suspended, and a timer notices
	// neither. 0 means one minute; a clock that only moves by itself needs less often.
	Look time.Duration

	Log   logrus.FieldLogger // nil discards
	Mail  int                // how many asked events may wait before Ask itself waits; 0 means 1024
	Batch int                // how many events share one save at most; 0 means 256
}

// complete checks what is required and fills in the defaults.
func (c *Config) complete() error {
	switch {
	case c.Self.ID == "":
		return errors.New("host: Config.Self has no ID")
	case c.Machine == nil || c.Store == nil || c.Send == nil || c.Run == nil:
		return errors.New("host: Config needs Machine, Store, Send and Run")
	case c.Cycles.Length < 1 || c.Cycles.Begin < 0:
		return errors.New("host: Config.Cycles needs a Length of at least 1 and a Begin that is not negative")
	case c.Mail < 0 || c.Batch < 0 || c.Look < 0:
		return errors.New("host: Config.Mail, Config.Batch and Config.Look are not negative")
	}
	if c.Clock == nil {
		c.Clock = clock.Real()
	}
	if c.Pace == nil {
		c.Pace = c.Clock
	}
	if c.Watch == nil {
		c.Watch = func([]actors.Transition) {}
	}
	if c.Idle == nil {
		c.Idle = func(actors.Cycle) {}
	}
	if c.Look == 0 {
		c.Look = time.Minute
	}
	if c.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		c.Log = silent
	}
	if c.Mail == 0 {
		c.Mail = 1024
	}
	if c.Batch == 0 {
		c.Batch = 256
	}
	name := c.Self.Name
	if name == "" {
		name = string(c.Self.ID)
	}
	c.Log = c.Log.WithFields(logrus.Fields{"actor": name, "role": c.Role.String()})
	return nil
}
