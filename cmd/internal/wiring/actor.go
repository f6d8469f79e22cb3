package wiring

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/handlers/lane"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/sirupsen/logrus"
)

// Actor is one actor of a process, with everything around its machine.
type Actor struct {
	Config   config.Actor
	Location actors.Location
	Identity keys.Identity
	Registry *registry.Registry
	Host     *host.Host
	Remote   *remote.Remote
	Endpoint *endpoint.Endpoint
	Site     *site.Site // authorities that keep clusters in a directory; else nil

	static  []registry.Peer // of the configuration
	store   *timed
	journal *endpoint.Journal // what legacy peers have sent, who do not date their messages
	lanes   *lane.Lanes       // whoever has no Site
	clocks  *clock.Offsets    // of its peers
	errands errands           // what its handlers have in hand
	notices hub               // of its site
	log     logrus.FieldLogger
}

// JournalFile is what the file in the state folder is called that remembers the
// messages of deployed peers to an actor, and which peers can do without SHA-1.
func JournalFile(actor string) string { return "seen-" + actor + ".journal" }

// runner carries an actor's actions out.
type runner interface{ Run(actors.Action) }

// newActor puts one actor together. Nothing of it runs before its host serves.
func (p *Process) newActor(ctx context.Context, a config.Actor, who people) (*Actor, error) {
	self := who.where[a.GUID]
	act := &Actor{Config: a, Location: self, Identity: who.ids[a.GUID], store: p.held[a.Name], log: p.log.WithField("actor", a.Name)}
	act.clocks = p.offsets(who, act.log)
	var err error
	if act.Registry, err = who.registryOf(a.GUID); err != nil {
		return nil, err
	}
	act.static = act.Registry.Peers()
	m, err := machine(p.config, a, self)
	if err != nil {
		return nil, err
	}
	// The host, its remote and its handlers report to one another; each is made
	// with a function that finds the host when it is called.
	deliver := func(ev actors.Event) { act.Host.Deliver(ev) }
	if act.journal, err = endpoint.OpenJournal(filepath.Join(p.config.State, JournalFile(a.Name))); err != nil {
		return nil, err
	}
	act.Remote, err = remote.New(remote.Config{Self: act.Identity, Location: self, Registry: act.Registry,
		Failed: func(f actors.SendFailed) { deliver(f) }, Log: act.log, Strength: act.journal.Answers(), Stronger: act.stronger,
		Clocks: act.clocks})
	if err != nil {
		return nil, err
	}
	var hands runner
	act.Host, err = host.New(ctx, host.Config{Self: self, Role: a.Role, Machine: m, Store: act.store, Cycles: p.config.Clock,
		Clock: p.clock, Pace: clock.Real(), SetBack: p.setBack, Send: act.Remote.Send,
		Run: func(a actors.Action) {
			act.errands.begin(a)
			hands.Run(a)
		}, Log: act.log})
	if err != nil {
		return nil, err
	}
	// A site says what is true of its nodes as soon as it has read the directory: its host
	// is there before it.
	hands, err = p.hands(act, func(d actors.ActionDone) {
		d.Took = act.errands.took(d)
		deliver(d)
		act.errands.end(d)
	})
	if err != nil {
		return nil, err
	}
	act.Endpoint, err = endpoint.New(endpoint.Config{Self: act.Identity, Location: self, Role: a.Role, Registry: act.Registry,
		Ask: act.Host.Ask, Journal: act.journal, Clocks: act.clocks, Log: act.log})
	return act, err
}

// stronger keeps it over restarts that a peer answers without SHA-1.
func (a *Actor) stronger(guid string) {
	if err := a.journal.Answered(guid); err != nil {
		a.log.WithError(err).WithField("peer", guid).Error("the next start will take answers signed with SHA-1 from this peer")
	}
}

// slow says that a call of a driver was called off.
func (a *Actor) slow(act actors.Action, after time.Duration) {
	a.log.WithFields(logrus.Fields{"reservation": act.Reservation, "unit": act.Unit.ID, "host": act.Unit.Host, "verb": act.Verb.String(), "after": after}).
		Warn("a driver has not ended a call, which is called off; it is asked again when it has")
}

// panicked says that a driver's call ended in a panic, which is a mistake of its program.
func (a *Actor) panicked(act actors.Action, value any, stack []byte) {
	a.log.WithFields(logrus.Fields{"reservation": act.Reservation, "unit": act.Unit.ID, "host": act.Unit.Host, "verb": act.Verb.String(), "stack": string(stack)}).
		Errorf("a driver panicked, and its action has failed: %v", value)
}

// hands makes what carries an actor's actions out: a site for an authority with
// clusters, lanes for everybody else.
func (p *Process) hands(act *Actor, report func(actors.ActionDone)) (runner, error) {
	d, on, err := p.driver(act)
	if err != nil {
		return nil, err
	}
	if act.Config.COD == nil {
		c := lane.Config{Driver: d, Runner: on, Report: report, Reserved: reserved(act.Config.Role), Slow: act.slow,
			Panicked: act.panicked}
		if h := act.Config.Handler; h != nil {
			c.Limit = h.CallLimit
		}
		act.lanes = lane.New(c)
		return act.lanes, nil
	}
	if p.directory == nil {
		return nil, fmt.Errorf("it keeps clusters, but there is no directory")
	}
	act.Site, err = p.newSite(act, d, on, report)
	return act.Site, err
}

// close ends what the host hands work to. The host itself has stopped by then.
func (a *Actor) close(ctx context.Context) error {
	err := a.Remote.Close(ctx)
	if a.Site != nil {
		err = errors.Join(err, a.Site.Close())
	}
	if a.lanes != nil {
		a.lanes.Close()
	}
	return err
}
