package wiring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/ldapschema"
)

// stockFilter selects the machines of an inventory.
const stockFilter = "(objectClass=codHost)"

// readAgain is how often the inventory is read where its changes are not told.
const readAgain = 15 * time.Second

// firstLook is how long a start waits for the directory's inventory.
const firstLook = 10 * time.Second

// stock keeps an authority's hosts as the directory's inventory says (feed.Keeper). The
// configuration's pools are what a site starts with: a pool counts as long as the
// directory has no machine of its type.
type stock struct {
	pools   []actors.Host // of the configuration
	base    ldapschema.DN // the machines lie directly below
	share   int           // percent of the hosts that may go at once
	known   func(context.Context) ([]actors.Place, error)
	tell    func(context.Context, actors.Event) error
	act     *Actor
	entries map[string]ldapschema.Entry // by identity
	due     bool
	said    string // the last problem, logged
	left    int    // nodes that the authority does not know
	told    map[actors.UnitID]bool
	site    func() site.Snapshot
	run     func(actors.Action)
	now     func() time.Time
	patient time.Duration // how long after its lease's end such a node stays
}

// Pools is the machines that an authority's configuration lists, as an inventory has
// them.
func Pools(a config.Actor) (out []ldapschema.InventoryHost) {
	for _, pool := range a.Pools {
		for _, h := range pool.Inventory() {
			mac, _ := ldapschema.ParseMAC(h.MAC)
			out = append(out, ldapschema.InventoryHost{Name: h.Name, Type: string(pool.Type), MAC: mac, Memory: h.Memory, Properties: h.Properties})
		}
	}
	return out
}

// stockOf is the stock of an authority with clusters.
func (p *Process) stockOf(a *Actor) *stock {
	return &stock{pools: inventory(a.Config), base: cod.InventoryDN(p.config.Directory.Base), share: a.Config.COD.MaxRemoval, act: a,
		tell: func(ctx context.Context, ev actors.Event) error { return a.Host.Ask(ctx, ev) },
		known: func(ctx context.Context) (out []actors.Place, err error) {
			err = a.Host.Inspect(ctx, func(v actors.Viewer) {
				if s, ok := v.(actors.Stead); ok {
					out = s.Places()
				}
			})
			return out, err
		}, entries: map[string]ldapschema.Entry{}, told: map[actors.UnitID]bool{}, site: a.Site.Snapshot, run: a.Site.Run, now: p.clock.Now,
		patient: 10 * time.Duration(p.config.Clock.Length) * time.Millisecond}
}

// takeStock tells an authority what it has before anything is asked of it. While the
// directory does not answer, the hosts it knew when it stopped are what it has; the
// first time, those of the configuration.
func (p *Process) takeStock(ctx context.Context, a *Actor) error {
	s := p.stockOf(a)
	look, stop := context.WithTimeout(ctx, firstLook)
	defer stop()
	all, err := p.directory.dir.List(look, s.base)
	if err == nil {
		err = s.ready(look)
	}
	if err == nil {
		for _, e := range all {
			s.Take(directory.Event{Kind: directory.Present, ID: string(e.DN), Entry: e})
		}
		return s.flush(ctx)
	}
	a.log.WithError(err).Warn("the directory's inventory cannot be read; the hosts known before are used until it can")
	places, err := s.known(ctx)
	if err == nil && len(places) == 0 {
		err = s.tell(ctx, actors.AddHosts{Hosts: s.pools})
	}
	return err
}

// followStock keeps an authority's hosts as the inventory says until ctx ends.
func (p *Process) followStock(a *Actor) func(context.Context) error {
	return func(ctx context.Context) error {
		source := feed.Source{Directory: polled{p.directory.dir, readAgain}, Base: p.config.Directory.Base, Filter: stockFilter, Log: a.log}
		source.Run(ctx, func() feed.Keeper { return p.stockOf(a) })
		return nil
	}
}

// Take notes an event of the directory.
func (s *stock) Take(ev directory.Event) {
	switch {
	case ev.Kind == directory.Present && ev.Entry.IsA("codHost") && ev.Entry.DN.Parent().Equal(s.base):
		s.entries[ev.ID] = ev.Entry
	case ev.Kind == directory.Present, ev.Kind == directory.Gone:
		delete(s.entries, ev.ID)
	}
	s.due = true
}

// CompareAll makes everything due for a comparison.
func (s *stock) CompareAll() { s.due = true }

// Settled reports whether the authority knows what it has, and all that stands there.
func (s *stock) Settled() bool { return !s.due && s.left == 0 }

// Flush tells the authority.
func (s *stock) Flush(ctx context.Context) {
	if s.Settled() || !s.site().Ready { // what stands on the hosts is not known yet
		return
	}
	err := s.flush(ctx)
	if err == nil {
		s.due, s.said = false, ""
		return
	}
	if text := err.Error(); text != s.said && ctx.Err() == nil {
		s.said = text
		s.act.log.WithError(err).Error("the site's hosts are not as the directory's inventory says; trying again")
	}
}

func (s *stock) flush(ctx context.Context) error {
	hosts, nodes := s.hosts(), s.site().View
	places, err := s.known(ctx)
	if err != nil {
		return err
	}
	s.salvage(hosts, places, nodes)
	gone := 0
	for _, p := range places {
		if !p.Leaving && !slices.ContainsFunc(hosts, func(h actors.Host) bool { return h.Name == p.Host }) {
			gone++
		}
	}
	if feed.TooMany(gone, len(hosts), s.share) {
		return errors.Join(s.tell(ctx, actors.AddHosts{Hosts: hosts}),
			fmt.Errorf("%d hosts are gone from it and %d are there: none is taken away; if that is meant, allow it with cod: max_removal: 100", gone, len(hosts)))
	}
	return s.tell(ctx, actors.Inventory{Hosts: hosts})
}

// hosts is what the site has: the machines of the directory, and the pools of types
// that it has none of.
func (s *stock) hosts() []actors.Host {
	var out []actors.Host
	types, names := map[actors.ResourceType]bool{}, map[string]bool{}
	entries := slices.SortedFunc(maps.Values(s.entries), func(a, b ldapschema.Entry) int { return strings.Compare(string(a.DN.Normal()), string(b.DN.Normal())) })
	for _, e := range entries {
		h := stocked(e)
		if h.Name == "" || h.Type == "" || names[h.Name] {
			continue
		}
		types[h.Type], names[h.Name] = true, true
		out = append(out, h)
	}
	for _, h := range s.pools {
		if !types[h.Type] && !names[h.Name] {
			out = append(out, h)
		}
	}
	return out
}

// stocked is a machine of the inventory as the authority knows it.
func stocked(e ldapschema.Entry) actors.Host {
	h, err := ldapschema.ParseInventoryHost(e)
	if err != nil { // somebody's slip must not end a lease
		_, name := e.DN.RDN()
		return actors.Host{Name: strings.ToLower(name), Type: actors.ResourceType(e.Get("codResourceType")), Held: "its entry cannot be read: " + err.Error()}
	}
	props := actors.Properties{}
	for k, v := range h.Properties {
		props[k] = v
	}
	if !h.MAC.IsZero() {
		props["mac"] = h.MAC.String()
	}
	for _, size := range []struct {
		name string
		n    int
	}{{"memory", h.Memory}, {"cpu", h.CPU}, {"bandwidth", h.Bandwidth}} {
		if size.n > 0 {
			props[size.name] = strconv.Itoa(size.n)
		}
	}
	out := actors.Host{Name: strings.ToLower(h.Name), Type: actors.ResourceType(h.Type), Properties: props, Held: h.Hold}
	if out.Held == "" && !h.Usable() {
		out.Held = h.Health
	}
	return out
}
