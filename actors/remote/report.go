package remote

import (
	"maps"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
)

// reporter tells Config.Failed about messages that were given up, one at a time
// and never on the goroutine of Send: the actor that sends may be the one that
// has to listen.
type reporter struct {
	failed func(actors.SendFailed)

	mu      sync.Mutex
	waiting []actors.SendFailed
	running bool
	idle    sync.WaitGroup
}

func (p *reporter) add(f actors.SendFailed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, f)
	if !p.running {
		p.running = true
		p.idle.Add(1)
		go p.run()
	}
}

func (p *reporter) run() {
	defer p.idle.Done()
	for {
		p.mu.Lock()
		batch := p.waiting
		p.waiting = nil
		if len(batch) == 0 {
			p.running = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		for _, f := range batch {
			p.failed(f)
		}
	}
}

// wait returns when everything has been reported.
func (p *reporter) wait() { p.idle.Wait() }

// Counts are totals since New.
type Counts struct {
	Queued     int               `json:"queued"`     // messages handed to Send
	Superseded int               `json:"superseded"` // of these, waited when a newer one took their place
	GivenUp    int               `json:"givenUp"`    // of these, reported as SendFailed
	Attempts   int               `json:"attempts"`   // requests made, or that could not be made
	Waiting    int               `json:"waiting"`    // in queues now, those under way included
	Delivered  map[actors.Op]int `json:"delivered"`  // by operation
}

// Counts are the totals so far.
func (r *Remote) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	c.Delivered = maps.Clone(c.Delivered)
	for _, l := range r.peers {
		c.Waiting += l.q.live
	}
	return c
}

func fields(m actors.Message) logrus.Fields {
	return logrus.Fields{"peer": string(m.To), "reservation": string(m.Reservation), "msg_id": m.ID, "op": m.Op.String()}
}
