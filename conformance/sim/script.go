package sim

import (
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// script is what a story adds to a plain world: what goes wrong, and when. Swarms
// have none.
type script struct {
	deaths []*scriptedDeath
	drops  []*scriptedDrop
	delays []*scriptedDelay
	writes *scriptedRefusal
	work   []*scriptedWork
	down   actors.Millis // how long a dead process stays down; 0 leaves it to chance
	each   func(string)  // sees every line of the trace
	plan   func(*world)  // arranges what people do; may be nil
}

// scriptedDeath kills a process in the batch that has an event of that text.
type scriptedDeath struct {
	who  string
	when string // part of the event's description
	at   moment
	used bool
}

// scriptedDrop loses attempts at messages of that text.
type scriptedDrop struct {
	what  string // part of the message's description
	after int    // attempts that pass first
	times int
}

// scriptedDelay lets attempts at messages of that text arrive late.
type scriptedDelay struct {
	what  string // part of the message's description
	by    actors.Millis
	times int
}

// scriptedRefusal makes the n-th save of the world fail, counted from 1, and so many
// behind it.
type scriptedRefusal struct {
	n, times int
	who      string // only this process's; any if empty
	seen     int
}

// refuses reports whether the story wants this save to fail.
func (s script) refuses(p *process) bool {
	r := s.writes
	if r == nil || r.who != "" && r.who != p.Name {
		return false
	}
	r.seen++
	return r.seen >= r.n && r.seen < r.n+r.times
}

// scriptedWork says how long the first few actions of a verb take, and whether they
// fail.
type scriptedWork struct {
	verb  actors.Verb
	times int
	takes actors.Millis
	fails bool
}

// does is what the story says about an action that begins now; nil if it says nothing.
func (s script) does(v actors.Verb) *scriptedWork {
	for _, d := range s.work {
		if d.verb == v && d.times > 0 {
			d.times--
			return d
		}
	}
	return nil
}

// death is where in this batch the story wants the process to die.
func (s script) death(p *process, batch []mail, tick bool) moment {
	for _, d := range s.deaths {
		if d.used || d.who != p.Name {
			continue
		}
		d.used = tick && d.when == "ticks"
		for _, m := range batch {
			d.used = d.used || strings.Contains(describe(m.event), d.when)
		}
		if d.used {
			return d.at
		}
	}
	return never
}

// late is by how much the story wants this attempt to be late.
func (s script) late(m actors.Message) actors.Millis {
	for _, d := range s.delays {
		if d.times > 0 && strings.Contains(about(m), d.what) {
			d.times--
			return d.by
		}
	}
	return 0
}

// loses reports whether the story wants this attempt to be lost.
func (s script) loses(m actors.Message) bool {
	for _, d := range s.drops {
		switch {
		case !strings.Contains(about(m), d.what):
		case d.after > 0:
			d.after--
		case d.times > 0:
			d.times--
			return true
		}
	}
	return false
}
