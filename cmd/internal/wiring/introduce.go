package wiring

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// introduce tells the actors what the configuration says they have: authorities
// their hosts and what they delegate, brokers the tickets they sell from. All of
// it may be said again at every start; who knows it already changes nothing.
func (p *Process) introduce(ctx context.Context) error {
	for _, a := range p.Actors {
		if a.Config.Role != actors.RoleAuthority {
			continue
		}
		if a.Site != nil {
			if err := p.takeStock(ctx, a); err != nil {
				return fmt.Errorf("actor %s: %w", a.Config.Name, err)
			}
		} else if hosts := inventory(a.Config); len(hosts) > 0 {
			if err := a.Host.Ask(ctx, actors.AddHosts{Hosts: hosts}); err != nil {
				return fmt.Errorf("actor %s: %w", a.Config.Name, err)
			}
		}
		for _, e := range a.Config.Exports {
			if err := p.export(ctx, a, e); err != nil {
				return fmt.Errorf("actor %s: export to %s: %w", a.Config.Name, e.To, err)
			}
		}
	}
	for _, a := range p.Actors {
		for _, c := range a.Config.Claims {
			id, _, _ := p.config.Find(c.From)
			if err := a.Host.Ask(ctx, actors.Claim{Reservation: c.Reservation, Authority: id}); err != nil {
				return fmt.Errorf("actor %s: claim of %s: %w", a.Config.Name, c.Reservation, err)
			}
		}
		for _, b := range a.Config.Buys {
			if err := a.Host.Ask(ctx, p.buy(a, b)); err != nil {
				return fmt.Errorf("actor %s: purchase of %s from %s: %w", a.Config.Name, b.Type, b.From, err)
			}
		}
		for _, path := range a.Config.Sources {
			text, err := readTicket(path)
			if err == nil {
				err = p.donate(ctx, a, text)
			}
			if err != nil {
				return fmt.Errorf("actor %s: source %s: %w", a.Config.Name, path, err)
			}
		}
	}
	return nil
}

// buy is what the configuration says of a purchase, as the broker is told. Its term
// counts the first time only: after that the broker knows better.
func (p *Process) buy(a *Actor, b config.Buy) actors.Request {
	from, _, _ := p.config.Find(b.From)
	c := p.config.Clock
	start := c.Start(c.Of(actors.Millis(time.Now().UnixMilli())) + broker.LegacyMargins().Lead)
	return actors.Request{Reservation: p.config.Holding(a.Config, b), Slice: actors.Slice{ID: actors.SliceID(a.Config.GUID), Name: a.Config.Name},
		Broker: from, Type: b.Type, Units: b.Units, Term: actors.NewTerm(start, start+actors.Millis(b.Length.Milliseconds())-1),
		Renewable: b.Renew, Request: b.Request}
}

// export delegates part of a site to a broker. A broker of this process is given
// the ticket; for one elsewhere it is left in a file, to be carried over and
// named in that broker's sources.
func (p *Process) export(ctx context.Context, a *Actor, e config.Export) error {
	id, _, ok := p.config.Find(e.To)
	if !ok {
		return fmt.Errorf("nobody has that name")
	}
	holder, ok := a.Registry.Peer(id)
	if !ok {
		return fmt.Errorf("it is not a peer")
	}
	ev := exportEvent(p.config, id, e)
	if err := a.Host.Ask(ctx, ev); err != nil {
		return err
	}
	d := authority.Delegate(a.Config.GUID, ev)
	t, err := remote.Grant(actors.Ticket{Delegation: d, Authority: a.Location}, a.Identity, holder.Certs[0], schemeOf(e, holder))
	if err != nil {
		return err
	}
	for _, b := range p.Actors {
		if b.Config.GUID == id {
			return p.donate(ctx, b, t.Text)
		}
	}
	return p.leave(a, e, t)
}

// exportEvent is what the configuration says of an export, as the site is told.
func exportEvent(c config.Config, holder actors.ActorID, e config.Export) actors.Export {
	return actors.Export{Holder: holder, Type: e.Type, Units: e.Units, Properties: e.Properties,
		Term: actors.NewTerm(max(1, c.Clock.Begin), actors.Millis(e.Until.UnixMilli()))}
}

// ExportID is what a broker claims an export by: it follows from what the
// configuration says, so it is known before the site has started.
func ExportID(c config.Config, site config.Actor, e config.Export) actors.ReservationID {
	id, _, _ := c.Find(e.To)
	return actors.ReservationID(authority.Delegate(site.GUID, exportEvent(c, id, e)).ID)
}

// schemeOf is how an export's ticket is written.
func schemeOf(e config.Export, holder registry.Peer) ticket.Scheme {
	switch e.Tickets {
	case "sha256":
		return ticket.SHA256Chain
	case "sharp":
		return ticket.SharpLenient
	}
	return holder.Tickets()
}

// donate verifies a ticket and gives it to a broker.
func (p *Process) donate(ctx context.Context, b *Actor, text string) error {
	// The administrator chose the file; its own form says how it is to be judged.
	scheme := ticket.SHA256Chain
	if ticket.SchemeOf(text) != scheme {
		scheme = ticket.SharpLenient
	}
	chain, err := scheme.Verify(text, b.Registry.SiteKeys)
	if err != nil {
		return err
	}
	t := translate.FromChain(chain, text)
	site, ok := b.Registry.Peer(t.Root().Issuer)
	if !ok {
		return fmt.Errorf("the ticket is from %s, who is not a peer", t.Root().Issuer)
	}
	t.Authority = site.Location
	return b.Host.Ask(ctx, actors.Donate{Ticket: t})
}

// leave writes a ticket for a broker elsewhere into the state folder.
func (p *Process) leave(a *Actor, e config.Export, t actors.Ticket) error {
	dir := filepath.Join(p.config.State, "exports")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(t.ID))
	path := filepath.Join(dir, fmt.Sprintf("%s-to-%s-%x.ticket", a.Config.Name, e.To, sum[:4]))
	old, err := os.ReadFile(path)
	if err == nil && string(old) == t.Text {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, []byte(t.Text), 0o640); err != nil {
		return err
	}
	a.log.WithField("file", path).WithField("claim", t.ID).
		Infof("delegated %d %s to %s, who may claim it by that name, or be given the file as a source", e.Units, e.Type, e.To)
	return nil
}

// maxTicket bounds a ticket file; a longer text is no ticket.
const maxTicket = 256 << 10

func readTicket(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxTicket {
		return "", fmt.Errorf("%d octets are too many for a ticket", info.Size())
	}
	data, err := os.ReadFile(path)
	return string(data), err
}
