package heap

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	t.Parallel()
	for alive, want := range map[uint64]int{0: 6400, 1 << 20: 6400, 4 << 20: 1600, 16 << 20: 400, 32 << 20: 200, 64 << 20: 200, 1 << 30: 200} {
		if got := percent(alive); got != want {
			t.Errorf("beside %d octets: %d, want %d", alive, got, want)
		}
	}
}

// TestTune: after collections the percentage is what the heap asks for, and one who has
// set it is left alone. It changes the whole process, and is not parallel.
func TestTune(t *testing.T) {
	set := func() int {
		p := debug.SetGCPercent(gos)
		debug.SetGCPercent(p)
		return p
	}
	before := set()
	t.Cleanup(func() { debug.SetGCPercent(before) })
	debug.SetGCPercent(gos)
	t.Setenv("GOGC", "100")
	Tune()
	for range 3 {
		runtime.GC()
	}
	if got := set(); got != gos {
		t.Errorf("GOGC is set, and the percentage is %d", got)
	}
	t.Setenv("GOGC", "")
	Tune()
	for deadline := time.Now().Add(time.Minute); set() == gos; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the percentage of a small heap stays as it is")
		}
		runtime.GC()
	}
}
