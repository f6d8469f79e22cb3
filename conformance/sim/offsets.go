package sim

import (
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
)

// measured is what one actor has found out of the clock of another, since one of the two
// was last set: before that it was another clock. Like all that is for people, it is lost
// when the actor dies.
type measured struct {
	offsets *clock.Offsets
	since   actors.Millis // the world's time of the first message that counts
}

// measure takes in what a message said of its sender's clock, as actors/endpoint and
// actors/remote do, and judges what is shown of it. written is the world's time at which
// the message was; it does not count when a clock has been set since then.
func (w *world) measure(p, peer *process, written actors.Millis, sample func(*clock.Offsets)) {
	m, set := p.clocks[peer.ID], max(p.clock.set, peer.clock.set)
	if written < set {
		return
	}
	if m == nil || m.since < set {
		m = &measured{offsets: clock.NewOffsets(0, nil), since: written}
		p.clocks[peer.ID] = m
	}
	sample(m.offsets)
	o, shown := m.offsets.Of(peer.key.GUID, p.wall())
	if !shown {
		return
	}
	w.counts.Measured++
	// What these clocks drift apart beyond what good ones do nobody can know.
	drift := max(p.clock.drift-peer.clock.drift, peer.clock.drift-p.clock.drift) * int(w.now-m.since) / 1_000_000
	slack := time.Duration(drift+2) * time.Millisecond
	truth := time.Duration(peer.local()-p.local()) * time.Millisecond
	if truth < o.Low-slack || truth > o.High+slack {
		w.fail(saysMeasured, "%s believes the clock of %s to be %v to %v ahead, and it is %v", p.Name, peer.Name, o.Low, o.High, truth)
	}
}

// asked measures the clock of one who sent a request.
func (w *world) asked(p, peer *process, s sealed, created time.Time) {
	w.measure(p, peer, s.written, func(f *clock.Offsets) { f.Asked(peer.key.GUID, created, p.wall()) })
}

// answered measures the clock of one who answered a request.
func (w *world) answered(p, peer *process, s sealed, created time.Time) {
	sent := time.UnixMilli(int64(s.local))
	w.measure(p, peer, s.written, func(f *clock.Offsets) { f.Answered(peer.key.GUID, sent, created, p.wall(), time.Millisecond) })
}
