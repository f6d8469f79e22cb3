package cod

import (
	"container/heap"

	"github.com/leasehold/leasehold/actors"
)

// alarm is one wake-up somebody asked for.
type alarm struct {
	at     actors.Millis
	serial uint64 // orders alarms of one instant
	who    owner
}

// alarms is a heap of wake-ups, the earliest first.
type alarms []alarm

func (a alarms) Len() int { return len(a) }
func (a alarms) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].serial < a[j].serial
}
func (a alarms) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is for container/heap alone.
func (a *alarms) Push(x any) { *a = append(*a, x.(alarm)) }

// Pop is for container/heap alone.
func (a *alarms) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = alarm{}
	*a = old[:len(old)-1]
	return last
}

// wake sees to it that o is looked at again at the given instant, or before.
func (m *Machine) wake(at actors.Millis, o owner) {
	k := o.kept()
	if k.awake && k.wakeAt <= at {
		return
	}
	k.awake, k.wakeAt = true, at
	m.serial++
	heap.Push(&m.alarms, alarm{at, m.serial, o})
}

// due looks at everybody whose time has come.
func (m *Machine) due(now actors.Millis) {
	for len(m.alarms) > 0 && m.alarms[0].at <= now {
		a := heap.Pop(&m.alarms).(alarm)
		if k := a.who.kept(); k.awake && k.wakeAt == a.at { // otherwise an earlier one came first
			k.awake = false
			a.who.advance(m, now)
		}
	}
}

// next is the instant of the earliest wake-up; Forever if there is none.
func (m *Machine) next() actors.Millis {
	for len(m.alarms) > 0 {
		if k := m.alarms[0].who.kept(); k.awake && k.wakeAt == m.alarms[0].at {
			return m.alarms[0].at
		}
		heap.Pop(&m.alarms)
	}
	return actors.Forever
}
