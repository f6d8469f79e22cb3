/*
Package heap decides how much garbage may gather before the collector runs.

Go collects when the heap has doubled. That is right for large heaps; the heap of a
server with few leases is some five million octets, and under load it doubles hundreds
of times a second: a quarter of the processor time goes into collecting, most of it to
stop, mark the same few objects and sweep. Here a collection waits until garbage of
[Floor] has gathered, or as much as is alive, whichever is more. A server so takes at
most Floor more than it would.

The percentage that Go knows is of what is alive, so it is set anew after collections
that found another heap. An operator who sets GOGC or GOMEMLIMIT has decided, and
nothing is changed.
*/
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Floor is the garbage, in octets, that gathers at least between two collections.
const Floor = 64 << 20

// usual is the percentage of garbage to what is alive that Go starts with.
const usual = 100

// Tune begins to set the percentage. It is for the main function of a program that
// serves.
func Tune() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	set := usual
	watch(func() {
		if want := percent(alive()); want < set*9/10 || want > set*11/10 {
			set = want
			debug.SetGCPercent(want)
		}
	})
}

// percent is how much garbage is let gather beside so many octets that are alive.
func percent(alive uint64) int {
	return int(max(usual, 100*Floor/max(alive, 1<<20)))
}

// alive is how many octets the last collection found in use.
func alive() uint64 {
	found := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(found)
	if found[0].Value.Kind() != metrics.KindUint64 {
		return Floor
	}
	return found[0].Value.Uint64()
}

// sentinel is an object that nobody holds: the collector comes across it every time.
type sentinel struct{ _ [16]byte }

// watch lets after be called after each collection, on the goroutine of finalizers.
func watch(after func()) {
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
		after()
		watch(after)
	})
}
