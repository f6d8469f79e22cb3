/*
Package clock is where time enters the program: the instant it is now, and
timers. Hosts, stores and programs are handed a [Clock]; machines never see one,
they are told the cycle.

[Real] is the machine's own clock. [Manual] stands still until a test or an
emulation moves it, and then fires every timer on the way in order.

[Offsets] measures how far the clocks of others are from ours, for people to see.

Cycles, which divide time into the ticks of one actor, are plain arithmetic and
live in package actors ([actors.Cycles]); [Millis] and [Time] are the bridge.
*/
package clock

import (
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Clock tells the time and sets timers. It is safe for concurrent use.
type Clock interface {
	// Now is the present instant.
	Now() time.Time
	// NewTimer makes a timer whose channel receives once, when d has passed. A
	// timer that is due already fires at once.
	NewTimer(d time.Duration) Timer
	// AfterFunc makes a timer that calls f once, when d has passed. The real
	// clock calls it on a goroutine of its own, a Manual on the goroutine that
	// moves it.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is one pending alarm.
type Timer interface {
	// C receives the instant of firing. It is nil for a timer of AfterFunc.
	C() <-chan time.Time
	// Stop prevents the timer from firing and reports whether it was pending.
	// After Stop nothing stale is left in the channel.
	Stop() bool
	// Reset sets the timer to fire after d from now, and reports whether it was
	// pending before.
	Reset(d time.Duration) bool
}

// Real is the clock of this machine.
func Real() Clock { return realClock{} }

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

func (realClock) AfterFunc(d time.Duration, f func()) Timer { return realTimer{time.AfterFunc(d, f)} }

type realTimer struct{ t *time.Timer }

func (r realTimer) C() <-chan time.Time        { return r.t.C }
func (r realTimer) Stop() bool                 { return r.t.Stop() }
func (r realTimer) Reset(d time.Duration) bool { return r.t.Reset(d) }

// Millis is t as the wire and the machines count it.
func Millis(t time.Time) actors.Millis { return actors.Millis(t.UnixMilli()) }

// Time is the instant m, in UTC.
func Time(m actors.Millis) time.Time { return time.UnixMilli(int64(m)).UTC() }
