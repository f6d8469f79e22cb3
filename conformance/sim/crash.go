package sim

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
)

// death is where in a batch a process dies, if it does.
type death struct {
	at    moment
	after int // messages sent or actions begun before it
}

type moment uint8

const (
	never moment = iota
	beforeSave
	afterSave
	afterAnswers
	whileSending
	whileRunning
	moments
)

var momentNames = [...]string{"never", "before-save", "after-save", "after-answers", "while-sending", "while-running"}

// drawDeath decides before a batch whether it is the process's last.
func (p *process) drawDeath(batch []mail, tick bool) death {
	w := p.w
	if m := w.cfg.script.death(p, batch, tick); m != never {
		return death{at: m}
	}
	if !w.chance(w.faults.Crash) {
		return death{}
	}
	return death{moment(1 + w.rnd.IntN(int(moments)-1)), w.rnd.IntN(3)}
}

// expect notes what the machine shows now: a restart from the disk must show it
// again.
func (w *world) expect(p *process, m actors.Machine) { w.expected = views(p, m) }

// views is what a machine shows, as octets that can be compared. Why a lease waits
// at a site and what it does next depend on what the site tried since its start; and how
// long a manager waits for others, on when it started.
func views(p *process, m actors.Machine) []byte {
	vs := m.Views()
	if p.role == actors.RoleAuthority {
		for i := range vs {
			vs[i].Waiting, vs[i].Next, vs[i].NextAt = "", "", 0
		}
	}
	if p.role == actors.RoleManager {
		for i := range vs {
			vs[i].Next, vs[i].NextAt, vs[i].Deadline = "", 0, 0
		}
	}
	b, err := json.Marshal(vs)
	if err != nil {
		p.w.fail(saysReadable, "%s: views: %v", p.Name, err)
	}
	return b
}

// powerCut ends a life while the process waits: for something to do, or for its disk.
// A machine that is ahead of its disk has shown nobody what it knows.
func (p *process) powerCut() {
	switch {
	case p.saving:
		p.w.expected = nil
		p.crash("while its disk refused")
	case p.up:
		p.w.expect(p, p.machine)
		p.crash("while it waited")
	}
}

func (p *process) crash(when string) {
	w := p.w
	w.counts.Crashes++
	w.trace.add(w.now, "%s dies %s", p.Name, when)
	again := p.fresh()
	p.disk.restore(w, p, again)
	if got := views(p, again); w.expected != nil && !bytes.Equal(got, w.expected) {
		w.fail(saysRestored, "%s\n  before %s\n  after  %s", p.Name, w.expected, got)
	}
	p.up, p.machine, p.mail, p.lanes, p.pending, p.saving, p.alarm = false, nil, nil, nil, false, false, 0
	p.hands.crash()
	down := 200 + w.upTo(8_000)
	if d := w.cfg.script.down; d > 0 {
		down = d
	}
	w.after(down, p.start)
}

// start begins a life: what is on the disk, what it owes, and what the
// configuration declares.
func (p *process) start() {
	w := p.w
	p.life++
	p.up, p.booted, p.wake, p.sent = true, p.local(), actors.Never, 0
	p.resume()
	p.machine, p.lanes, p.clocks = p.fresh(), map[actors.ActorID]*lane{}, map[actors.ActorID]*measured{}
	p.seen = wssec.NewReplay(10_000, wssec.MaxLifetime+2*skew)
	p.disk.restore(w, p, p.machine)
	if p.life > 1 {
		w.trace.add(w.now, "%s starts again", p.Name)
		w.returns(p)
	}
	p.hands.boot()
	w.judgeTime(p, p.cycle(), false)
	fx := p.machine.Recover(p.cycle())
	p.wake = fx.Wake
	d := p.drawDeath(nil, false)
	if d.at == beforeSave {
		w.expect(p, p.machine)
	}
	p.carryOut(fx, nil, nil, d, func() {
		w.judgeOwed(p)
		for _, ev := range p.chores {
			p.post(ev, nil)
		}
		p.setAlarm()
	})
}

// momentNamed is the moment a story names.
func momentNamed(name string) (moment, bool) {
	for i, n := range momentNames {
		if strings.EqualFold(n, name) {
			return moment(i), true
		}
	}
	return never, false
}
