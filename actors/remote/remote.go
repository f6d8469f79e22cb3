package remote

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/client"
	"github.com/leasehold/leasehold/wssec"
)

// Remote is the outbound side of one actor. Make one with New.
type Remote struct {
	cfg    Config
	ctx    context.Context // ends when Close runs out of patience
	cancel context.CancelFunc
	lanes  sync.WaitGroup // goroutines of peers
	report reporter
	certs  wssec.Certificates // of answers
	calls  *client.Client     // to peers that speak XML-RPC

	mu      sync.Mutex
	peers   map[actors.ActorID]*lane
	closing chan struct{} // closed by Close
	closed  bool
	counts  Counts
}

// lane is what waits for one peer. Its fields belong to Remote.mu.
type lane struct {
	id      actors.ActorID
	q       queue
	workers int                           // goroutines
	busy    map[actors.ReservationID]bool // those a message of which is under way
	under   int                           // messages under way
	fails   int                           // attempts in a row that showed the peer not ready
	era     int                           // grows with each pause of the peer
	after   time.Time                     // nothing goes to the peer before
	news    chan struct{}                 // holds one token when something was pushed
}

// New makes a Remote. It starts no goroutine before there is something to send
// or to report.
func New(cfg Config) (*Remote, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	r := &Remote{cfg: cfg, peers: make(map[actors.ActorID]*lane), closing: make(chan struct{})}
	// Workers are bounded for each peer; among them nobody waits for another.
	r.calls = client.New(client.Config{HTTP: cfg.Client, Limit: cfg.Limit, Parallel: 1 << 10, Limits: xmlrpc.Limits{Bytes: maxAnswer}})
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.report.failed = cfg.Failed
	r.counts.Delivered = make(map[actors.Op]int)
	return r, nil
}

// Send queues a message for the peer it names and returns at once. A message
// for a peer that the registry does not know, or for which too many wait
// already, is given up, which Config.Failed hears on another goroutine. After
// Close messages are dropped: a restart finds out again what is owed.
func (r *Remote) Send(m actors.Message) {
	peer, known := r.cfg.Registry.Peer(m.To)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.counts.Queued++
	if !known || peer.URL == "" {
		r.refuse(m, actors.NotFound, "no address is known for "+string(m.To))
		return
	}
	l := r.peers[m.To]
	if l == nil {
		l = &lane{id: m.To, q: queue{most: r.cfg.Queue}, busy: map[actors.ReservationID]bool{}, news: make(chan struct{}, 1)}
		r.peers[m.To] = l
	}
	superseded, ok := l.q.push(m, r.cfg.Clock.Now())
	if !ok {
		r.refuse(m, actors.Transient, fmt.Sprintf("%d messages wait for %s already", r.cfg.Queue, peer.Name))
		return
	}
	if superseded {
		r.counts.Superseded++
	}
	select {
	case l.news <- struct{}{}:
	default:
	}
	r.hire(l)
}

// hire starts another goroutine for a peer if one could find something to do. While
// the peer is not ready one is enough. The lock is held.
func (r *Remote) hire(l *lane) {
	if l.workers > 0 && (l.workers >= r.cfg.Parallel || l.fails > 0 || l.q.live <= l.under) {
		return
	}
	l.workers++
	r.lanes.Add(1)
	go r.run(l)
}

// refuse reports a message as given up. The lock is held.
func (r *Remote) refuse(m actors.Message, kind actors.Kind, note string) {
	r.counts.GivenUp++
	r.cfg.Log.WithFields(fields(m)).WithField("kind", kind.Error()).Warn("message given up: " + note)
	r.report.add(actors.SendFailed{Message: m, Kind: kind, Note: note})
}

// run carries messages to one peer until none is left.
func (r *Remote) run(l *lane) {
	defer r.lanes.Done()
	for {
		it, at := r.pick(l)
		switch {
		case it != nil:
			began := r.cfg.Clock.Now()
			m := it.msg
			m.ID = r.cfg.NewID()
			res := r.attempt(r.ctx, m)
			r.settle(l, it, m, res, began)
		case at.IsZero():
			return
		default:
			r.sleep(l, at)
		}
	}
}

// pick is the next message for a peer, or when to look again. Neither means that
// the goroutine must end; the lane is marked so under the same lock. Of a reservation
// one message is under way at a time.
func (r *Remote) pick(l *lane) (*item, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-l.news: // this look sees whatever was pushed so far
	default:
	}
	now := r.cfg.Clock.Now()
	it, at := l.q.next(now, l.busy)
	if l.after.After(now) && l.q.live > 0 {
		it, at = nil, l.after
	}
	others := l.workers > 1 // they look again when they have done what they do
	if it == nil && (at.IsZero() || r.closed || others) || l.fails > 0 && l.under > 0 || r.ctx.Err() != nil {
		l.workers--
		return nil, time.Time{}
	}
	if it == nil {
		return nil, at
	}
	it.under, it.era = true, l.era
	l.under++
	if id := it.msg.Reservation; id != "" {
		l.busy[id] = true
	}
	r.hire(l)
	return it, at
}

// sleep waits until at, until something new may go at once, or until Close.
func (r *Remote) sleep(l *lane, at time.Time) {
	t := r.cfg.Clock.NewTimer(at.Sub(r.cfg.Clock.Now()))
	defer t.Stop()
	select {
	case <-t.C():
	case <-l.news:
	case <-r.closing:
	}
}

// settle does what the verdict on an attempt says. m is the message as tried.
func (r *Remote) settle(l *lane, it *item, m actors.Message, res result, began time.Time) {
	r.mu.Lock()
	it.under = false
	l.under--
	delete(l.busy, it.msg.Reservation)
	now := r.cfg.Clock.Now()
	what, kind := judge(res, m, now.Sub(it.since), r.cfg.Patience, clock.Millis(now))
	if res.answer == unanswered && r.ctx.Err() != nil {
		r.mu.Unlock() // cut off by Close: it stays in the queue, and says nothing about the peer
		return
	}
	it.tries++
	try := it.tries
	r.counts.Attempts++
	final := what == done || what == giveUp
	switch {
	case what == done:
		r.counts.Delivered[m.Op]++
	case it.gone: // superseded while under way
		final = true
	case what == giveUp:
		r.refuse(m, kind, public(res))
	case what == pauseItem:
		it.after = now.Add(r.cfg.Retry.after(it.tries, r.cfg.Chance()))
	}
	switch {
	case what == pausePeer, res.answer == unanswered:
		if it.era == l.era { // those that were under way together fail together, once
			l.fails++
			l.era++
			l.after = now.Add(r.cfg.Retry.after(l.fails, r.cfg.Chance()))
		}
	case res.answer == delivered, res.answer == faulted:
		l.fails = 0
	}
	if final {
		l.q.drop(it)
	}
	r.mu.Unlock()

	if !final {
		entry := r.cfg.Log.WithFields(fields(m)).WithField("try", try).WithError(res.err)
		if try == 1 { // a peer that is down for a night is no news each minute
			entry.Warn("message not delivered, will be tried again")
		} else {
			entry.Debug("message not delivered, will be tried again")
		}
	}
	name := string(m.To)
	if p, ok := r.cfg.Registry.Peer(m.To); ok {
		name = p.Name
	}
	r.cfg.Trace(Attempt{Message: m, Peer: name, Try: try, Took: now.Sub(began), Sent: res.sent, Err: res.err, Final: final})
}

// public is what the machine, and so people on this side, learn about a failure.
func public(res result) string {
	if res.err == nil {
		return ""
	}
	return res.err.Error()
}

// Close stops taking messages and waits until everything that can go at once has
// gone; what waits for a peer that is not ready stays undelivered. When ctx ends
// first, attempts under way are cut off. No goroutine is left when Close returns.
// The error says how many messages were not delivered; their reservations ask
// for them again after a restart.
func (r *Remote) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.closing)
	}
	r.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		r.lanes.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
		r.cancel()
		<-idle
	}
	r.cancel()
	r.report.wait()
	r.cfg.Client.CloseIdleConnections()
	r.mu.Lock()
	defer r.mu.Unlock()
	left := 0
	for _, l := range r.peers {
		left += l.q.live
	}
	if left > 0 {
		return fmt.Errorf("remote: closed with %d messages undelivered", left)
	}
	return nil
}
