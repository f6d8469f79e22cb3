package wiring

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
)

// What an authority finds that has lost its records.
//
// The directory still has every node, with its host, its address and the end of its
// lease, and the lessee still uses it. Such a node stays until its lease is over, as was
// promised; then it is torn down. Until then its host is leased to nobody else. The
// lessee's own records make it ask for an extension before the end, which the authority
// grants as a lease of its own, on other hosts.

// strayed lists the nodes of the directory that the authority has no unit for. Nodes
// that are saved after their lease have none either, and keep no host.
func strayed(places []actors.Place, v cod.View) (out []cod.NodeView) {
	for _, c := range v.Clusters {
		for _, n := range c.Nodes {
			has := func(p actors.Place) bool { return p.Unit == n.Unit }
			if n.State != cod.Held.String() && !slices.ContainsFunc(places, has) {
				out = append(out, n)
			}
		}
	}
	return out
}

// salvage holds the hosts of nodes that the authority does not know, and tears down
// those whose lease is over.
func (s *stock) salvage(hosts []actors.Host, places []actors.Place, v cod.View) {
	nodes := strayed(places, v)
	s.left = len(nodes)
	for _, n := range nodes {
		i := slices.IndexFunc(hosts, func(h actors.Host) bool { return h.Name == n.Host })
		if i >= 0 && hosts[i].Held == "" {
			hosts[i].Held = fmt.Sprintf("node %s of lease %s is on it, which the records do not know", n.Name, n.Lease)
		}
		log := s.act.log.WithField("unit", string(n.Unit)).WithField("lease", n.Lease).WithField("host", n.Host)
		switch over := !n.LeaseEnd.IsZero() && s.now().After(n.LeaseEnd.Add(s.patient)); {
		case !n.Unasked:
		case over:
			log.Warn("the records know nothing of this node, and its lease is over: it is torn down")
			a := actors.Action{Verb: actors.Teardown, Sequence: math.MaxInt, Unit: actors.Unit{ID: n.Unit, Host: n.Host}}
			if i >= 0 {
				a.Type, a.Unit.Properties = hosts[i].Type, hosts[i].Properties
			}
			s.run(a)
		case !s.told[n.Unit]:
			s.told[n.Unit] = true
			log.WithField("end", n.LeaseEnd.Format(time.RFC3339)).Warn("the records know nothing of this node: it stays until its lease is over, and nobody else gets its host")
		}
	}
}

// ready waits until the site has read the directory.
func (s *stock) ready(ctx context.Context) error {
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for {
		snap := s.site()
		if snap.Ready {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the site's clusters: %s", snap.Problem)
		case <-pause.C:
		}
	}
}
