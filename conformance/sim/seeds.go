package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Summary is how many worlds went.
type Summary struct {
	Worlds int     // played without a failure
	Twice  int     // of these, played a second time and found the same
	Signed int     // of these, worlds with signed messages
	Called int     // of these, worlds in which some actors, or all, spoke XML-RPC
	Mixed  int     // of these, worlds with both protocols
	Failed *uint64 // the lowest seed that failed, if one did
	Counts Counts  // over all worlds
}

// again is how often a seed is played twice: once in so many. What makes two runs of
// a seed differ shows up in most worlds, so that not every one needs it.
const again = 4

// Seeds plays count worlds from seed first on, each as Swarm draws it and one in four
// of them twice, on that many goroutines (less than one means one). It stops at a seed
// that fails and returns the error of the lowest that did, a *Failure; every seed
// below it was played. When ctx ends first, its error is returned. progress, which
// may be nil, hears how many worlds are done; it is never called twice at once.
func Seeds(ctx context.Context, first uint64, count, workers int, progress func(done int)) (Summary, error) {
	return sweep(ctx, Swarm, first, count, workers, progress)
}

func sweep(ctx context.Context, draw func(uint64) Config, first uint64, count, workers int, progress func(int)) (Summary, error) {
	f := fleet{ctx: ctx, draw: draw, first: first, failed: count, progress: progress}
	var done sync.WaitGroup
	for range max(1, workers) {
		done.Go(f.work)
	}
	done.Wait()
	if f.err == nil {
		f.err = ctx.Err()
	}
	return f.sum, f.err
}

// fleet is the worlds that several goroutines play.
type fleet struct {
	ctx      context.Context
	draw     func(seed uint64) Config
	first    uint64
	progress func(int)

	mu     sync.Mutex
	next   int // to be played
	failed int // the lowest that failed; the number of worlds if none did
	err    error
	sum    Summary
}

// work plays worlds until none is left that anybody waits for.
func (f *fleet) work() {
	on, err := newStage()
	if err != nil {
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
		return
	}
	for {
		f.mu.Lock()
		i := f.next
		f.next++
		stop := i >= f.failed || f.ctx.Err() != nil
		f.mu.Unlock()
		if stop {
			return
		}
		seed := f.first + uint64(i)
		cfg := f.draw(seed)
		play := once
		if seed%again == 0 {
			play = twice
		}
		report, err := play(seed, cfg, on)
		f.mu.Lock()
		switch {
		case err == nil:
			f.sum.Worlds++
			if seed%again == 0 {
				f.sum.Twice++
			}
			if cfg.Signed {
				f.sum.Signed++
			}
			if cfg.Calls != NoCalls {
				f.sum.Called++
			}
			if cfg.Calls == SomeCalls {
				f.sum.Mixed++
			}
			f.sum.Counts.Add(report.Counts)
			if f.progress != nil {
				f.progress(f.sum.Worlds)
			}
		case i < f.failed:
			f.failed, f.err, f.sum.Failed = i, err, &seed
		}
		f.mu.Unlock()
	}
}

// Twice plays a world two times and wants the same of it.
func Twice(seed uint64, cfg Config) (Report, error) {
	on, err := newStage()
	if err != nil {
		return Report{}, err
	}
	return twice(seed, cfg, on)
}

func once(seed uint64, cfg Config, on *stage) (Report, error) {
	on.clear()
	return run(seed, cfg, on)
}

func twice(seed uint64, cfg Config, on *stage) (Report, error) {
	on.clear()
	one, err := run(seed, cfg, on)
	if err != nil {
		return one, err
	}
	two, err := run(seed, cfg, on)
	if err != nil || two.Hash != one.Hash {
		return one, errors.Join(err, &Failure{Seed: seed, At: two.Lasted, Sentence: string(saysRepeats),
			Detail: fmt.Sprintf("hashes %016x and %016x", one.Hash, two.Hash)})
	}
	return one, nil
}
