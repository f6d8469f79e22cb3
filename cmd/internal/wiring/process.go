package wiring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/sirupsen/logrus"
)

// Process is a running configuration. Make one with New.
type Process struct {
	Actors []*Actor      // in the order of configuration
	Manage *manage.Local // what operators may do
	config config.Config
	log    logrus.FieldLogger

	stores    *Stores
	held      map[string]*timed // every actor's own
	directory *kept             // nil if the configuration names none
	listener  net.Listener
	closers   []io.Closer // what drivers keep open
	clock     clock.Clock // the actors live by it
	hand      *hand       // the same, where operators move it; else nil
	setBack   bool        // see ClockSetBack
	ready     chan struct{}
	learned   *learned // from registries
	certs     []dated  // everybody's, for those who have to replace them
}

// An Option is something an operator asks of one run.
type Option func(*Process)

// ClockSetBack lets the clock count although actors have done things at a later time,
// because it was the clock before that was wrong (host.Config.SetBack).
func ClockSetBack(p *Process) { p.setBack = true }

// New opens stores, keys, directory and the address for peers, and restores every
// actor. Nothing is sent and nothing is run before Serve. A standby stays in New
// until the actors are its own.
func New(ctx context.Context, c config.Config, log logrus.FieldLogger, options ...Option) (_ *Process, err error) {
	p := &Process{config: c, log: log, ready: make(chan struct{})}
	for _, o := range options {
		o(p)
	}
	defer func() {
		if err != nil {
			p.release()
		}
	}()
	if err := os.MkdirAll(c.State, 0o750); err != nil {
		return nil, err
	}
	if err := p.actorsClock(); err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	if p.stores, err = OpenStores(ctx, c, log.WithField("part", "store")); err != nil {
		return nil, err
	}
	// A standby has no address until the actors are its own.
	if err := p.hold(ctx); err != nil {
		return nil, err
	}
	if p.listener, err = net.Listen("tcp", c.Listen.Address); err != nil {
		return nil, fmt.Errorf("the address for peers: %w", err)
	}
	if c.Directory != nil {
		if p.directory, err = openDirectory(c, log.WithField("part", "directory")); err != nil {
			return nil, fmt.Errorf("directory: %w", err)
		}
	}
	who, err := meet(c)
	if err != nil {
		return nil, err
	}
	p.certs = who.certificates()
	if p.learned, err = openLearned(c.State, log.WithField("part", "registry")); err != nil {
		return nil, err
	}
	everybody := func() []actors.Location { return p.locations(who.locations()) }
	managed := manage.Config{NewID: uuid.NewString, Peers: everybody, Types: p.types, Zone: time.Local, Clock: p.clock, Waits: clock.Real()}
	if p.hand != nil {
		managed.Ticker = p.hand
	}
	for _, a := range c.Actors {
		act, err := p.newActor(ctx, a, who)
		if err != nil {
			return nil, fmt.Errorf("actor %s: %w", a.Name, err)
		}
		p.Actors = append(p.Actors, act)
		managed.Actors = append(managed.Actors, manage.Actor{Location: act.Location, Role: a.Role, Host: watched{act.Host, &act.notices}, Cycles: c.Clock, Clocks: act.clocks})
	}
	p.meetLearned()
	p.Manage, err = manage.New(managed)
	return p, err
}

// Ready is closed when every actor has been introduced to what it has.
func (p *Process) Ready() <-chan struct{} { return p.ready }

// types lists what a broker of this process sells, so that a mistyped request is
// refused at once. Brokers elsewhere answer for themselves.
func (p *Process) types(id actors.ActorID) []actors.ResourceType {
	for _, a := range p.Actors {
		if a.Config.Role != actors.RoleBroker || id != "" && a.Config.GUID != id {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var out []actors.ResourceType
		_ = a.Host.Inspect(ctx, func(v actors.Viewer) {
			if b, ok := v.(*broker.Actor); ok {
				out = b.Sells()
			}
		})
		return out
	}
	return nil
}

// Serve runs the process until ctx ends, or until something stops that should
// not. It returns nil after an orderly end.
func (p *Process) Serve(ctx context.Context) error {
	defer p.release()
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var hosts, fronts sync.WaitGroup
	watch := func(g *sync.WaitGroup, what string, serve func(context.Context) error) {
		g.Add(1)
		go func() {
			defer g.Done()
			if err := serve(running); err != nil && running.Err() == nil {
				stop(fmt.Errorf("%s: %w", what, err))
			}
		}()
	}
	// Hosts outlive the fronts, so that a request under way is still answered.
	hosting, stopHosts := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHosts()
	var endpoints []*endpoint.Endpoint
	for _, a := range p.Actors {
		endpoints = append(endpoints, a.Endpoint)
		watch(&hosts, "actor "+a.Config.Name, func(context.Context) error { return a.Host.Serve(hosting) })
	}
	services, err := endpoint.NewServices(endpoints...)
	if err != nil {
		return err
	}
	watch(&fronts, "peers", func(ctx context.Context) error { return p.serveHTTP(ctx, services) })
	watch(&fronts, "admin socket", manage.Socket{Path: p.config.Admin, Service: p.Manage, Log: p.log, More: p.copies(), Ready: p.ready}.Serve)
	for _, m := range p.config.Registries {
		watch(&fronts, "registry "+m.URL, func(ctx context.Context) error { return p.belong(ctx, m) })
	}
	if p.config.Metrics != "" {
		watch(&fronts, "metrics", p.serveMetrics)
	}
	for _, s := range p.signals() {
		watch(&fronts, "signal of "+s.Guest, s.Serve)
	}
	if p.stores.Lost != nil {
		watch(&fronts, "store", func(ctx context.Context) error {
			select {
			case <-p.stores.Lost:
				return store.ErrFenced
			case <-ctx.Done():
				return nil
			}
		})
	}
	expiry := watchExpiry(clock.Real(), p.certs, p.log)
	defer expiry.stop()
	for _, a := range p.Actors {
		if a.Site != nil {
			watch(&fronts, "inventory of "+a.Config.Name, p.followStock(a))
		}
	}
	if err := p.introduce(running); err != nil && running.Err() == nil {
		stop(err)
	} else {
		p.log.WithField("url", p.config.Listen.URL).WithField("admin", p.config.Admin).Info("serving")
		close(p.ready)
	}
	<-running.Done()
	fronts.Wait()
	// Remotes drain while their hosts still take what peers answer.
	p.closeActors()
	stopHosts()
	hosts.Wait()
	if cause := context.Cause(running); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// serveHTTP is the address peers call. Slow clients are cut off.
func (p *Process) serveHTTP(ctx context.Context, h http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle(endpoint.Root, h)
	mux.Handle(leasing.Root, h)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(p.listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		return srv.Close()
	}
	return nil
}

// closeActors ends remotes and handlers, all at once, within a few seconds.
func (p *Process) closeActors() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, a := range p.Actors {
		all.Go(func() {
			if err := a.close(ctx); err != nil {
				a.log.WithError(err).Info("left undone; the next start goes on with it")
			}
		})
	}
	all.Wait()
}

// release closes what New opened.
func (p *Process) release() {
	if p.listener != nil {
		_ = p.listener.Close() // closed before by an orderly end
	}
	for _, a := range p.Actors {
		if err := a.journal.Close(); err != nil {
			a.log.WithError(err).Error("closing the journal")
		}
	}
	for _, c := range p.closers {
		if err := c.Close(); err != nil {
			p.log.WithError(err).Error("closing a driver")
		}
	}
	if p.directory != nil {
		p.directory.close()
	}
	if p.stores != nil {
		if err := p.stores.Close(); err != nil {
			p.log.WithError(err).Error("closing the store")
		}
	}
}
