/*
Package heap decides how much garbage may gather before the collector runs.

Go collects when the heap has doubled. The heap of a server with few leases is some five
million octets, and under load it doubles hundreds of times a second: a quarter of the
processor time goes into collecting, most of it to stop, mark the same few objects and
sweep. Here a collection waits until garbage of [Floor] has gathered, or twice as much
as is alive, whichever is more: a site of a million leased units, which keeps a third
of a GiB alive, takes up to one.

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

// The percentages of garbage to what is alive.
const (
	gos  = 100 // that Go starts with
	ours = 200 // of a heap that is large
)

// Tune begins to set the percentage. It is for the main function of a program that
// serves.
func Tune() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	set := gos
	watch(func() {
		if want := percent(alive()); want < set*9/10 || want > set*11/10 {
			set = want
			debug.SetGCPercent(want)
		}
	})
}

// percent is how much garbage is let gather beside so many octets that are alive.
func percent(alive uint64) int {
	return int(max(ours, 100*Floor/max(alive, 1<<20)))
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
