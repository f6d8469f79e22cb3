package heap

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	t.Parallel()
	for alive, want := range map[uint64]int{0: 6400, 1 << 20: 6400, 4 << 20: 1600, 32 << 20: 200, 64 << 20: 100, 1 << 30: 100} {
		if got := percent(alive); got != want {
			t.Errorf("beside %d octets: %d, want %d", alive, got, want)
		}
	}
}

// TestTune: after collections the percentage is what the heap asks for, and one who has
// set it is left alone. It changes the whole process, and is not parallel.
func TestTune(t *testing.T) {
	set := func() int {
		p := debug.SetGCPercent(usual)
		debug.SetGCPercent(p)
		return p
	}
	before := set()
	t.Cleanup(func() { debug.SetGCPercent(before) })
	debug.SetGCPercent(usual)
	t.Setenv("GOGC", "100")
	Tune()
	for range 3 {
		runtime.GC()
	}
	if got := set(); got != usual {
		t.Errorf("GOGC is set, and the percentage is %d", got)
	}
	t.Setenv("GOGC", "")
	Tune()
	for deadline := time.Now().Add(time.Minute); set() == usual; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the percentage of a small heap stays as it is")
		}
		runtime.GC()
	}
}
