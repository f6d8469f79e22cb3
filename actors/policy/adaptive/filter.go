package adaptive

import (
	"math"

	"github.com/leasehold/leasehold/actors/policy"
)

// state is what is known of a signal.
type state struct {
	begun    bool
	estimate float64
	damped   float64
	recent   []float64 // damped samples within the window, oldest first
}

// load reads a memory. One of a kind that save does not write is no memory.
func load(memory []float64) state {
	if len(memory) < 2 {
		return state{}
	}
	return state{begun: true, estimate: memory[0], damped: memory[1], recent: memory[2:]}
}

func (s state) save() []float64 { return append([]float64{s.estimate, s.damped}, s.recent...) }

// observe takes a sample in. Without a filter it is the estimate. With one, the
// estimate stands until the moving average of the damped samples is further from
// it than Step of their standard deviations, and then jumps there.
func (s state) observe(f *policy.Filter, x float64) state {
	if f == nil {
		return state{begun: true, estimate: x, damped: x}
	}
	if !s.begun {
		s.begun, s.damped, s.estimate = true, x, x
	}
	s.damped = f.Damping*s.damped + (1-f.Damping)*x
	recent := append(append([]float64(nil), s.recent...), s.damped)
	s.recent = recent[max(len(recent)-max(f.Window, 1), 0):]
	sum, squares := 0.0, 0.0
	for _, v := range s.recent {
		sum += v
		squares += v * v
	}
	n := float64(len(s.recent))
	mean := sum / n
	deviation := math.Sqrt(math.Max(squares/n-mean*mean, 0))
	if math.Abs(s.estimate-mean) > f.Step*deviation {
		s.estimate = mean
	}
	return s
}
