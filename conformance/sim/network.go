package sim

import "github.com/leasehold/leasehold/actors"

// carry makes one attempt at a message: seals it, lets the network do its worst,
// and settles what the sender learns.
func (w *world) carry(l *lane, it *letter) {
	from := l.from
	m := it.msg
	from.sent++
	m.ID = from.messageID()
	sealed, err := w.seal(from, l.to, m)
	if err != nil {
		w.fail(saysSendable, "%s: %s: %v", from.Name, about(m), err)
		return
	}
	w.counts.Messages++
	life, settled := from.life, false
	settle := func(o outcome, kind actors.Kind) {
		if from.up && from.life == life && !settled {
			settled = true
			l.settle(it, o, kind)
		}
	}
	from.later(limit, func() { settle(unanswered, 0) })
	copies := 1
	switch {
	case w.cut(from, l.to) || w.chance(w.faults.Drop) || w.cfg.script.loses(m):
		w.trace.add(w.now, "lost on the way to %s: %s", l.to.Name, about(m))
		w.counts.Dropped++
		copies = 0
	case w.chance(w.faults.Repeat):
		w.counts.Repeated++
		copies = 2
	}
	late := w.cfg.script.late(m)
	for n := range copies {
		w.after(1+late+w.upTo(w.faults.Delay)+w.upTo(actors.Millis(n)*20_000), func() {
			w.arrive(sealed, from, l.to, func(answer []byte) {
				if w.cut(from, l.to) || w.chance(w.faults.Lost) {
					w.counts.Lost++
					return
				}
				w.after(1+w.upTo(w.faults.Delay), func() {
					o, kind := w.readAnswer(answer, sealed, from, l.to)
					settle(o, kind)
				})
			}, func() { settle(unanswered, 0) })
		})
	}
}

// arrive hands octets to a process, as its endpoint does. The answer goes out when
// the effects are saved; nobody who is down answers.
func (w *world) arrive(s sealed, from, to *process, answer func([]byte), down func()) {
	if !to.up {
		down()
		return
	}
	in, err := w.open(s.octets, from, to)
	if err != nil {
		w.trace.add(w.now, "%s does not take what %s sent: %v", to.Name, from.Name, actors.KindOf(err))
		w.counts.Refused++
		answer(w.answer(to, in, err))
		return
	}
	if !in.created.IsZero() {
		w.asked(to, in.from, s, in.created)
	}
	w.explained(from, in.message)
	w.overheard(s, from, to)
	to.post(actors.Receive{Message: in.message}, func(err error) {
		if err != nil {
			w.counts.Refused++
		} else {
			w.spoken[spoken{s.op, s.method != ""}]++
			w.obeyed(to, in.from, in.message)
		}
		answer(w.answer(to, in, err))
	})
}

// cutOff separates two actors for a while.
func (w *world) cutOff() {
	a, b := w.rnd.IntN(len(w.procs)), w.rnd.IntN(len(w.procs))
	if a == b {
		return
	}
	until := w.now + 1_000 + w.upTo(10_000)
	w.cuts[[2]int{min(a, b), max(a, b)}] = until
	w.counts.Cuts++
	w.trace.add(w.now, "%s and %s cannot reach each other until %.3f", w.procs[a].Name, w.procs[b].Name, seconds(until))
}

func (w *world) cut(a, b *process) bool {
	if w.calm {
		return false
	}
	return w.cuts[[2]int{min(a.index, b.index), max(a.index, b.index)}] > w.now
}
