package wiring

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/handlers"
)

// DriftPath is where a running process says how records, directory and clusters differ,
// and, when it is asked to, mends what is safe to mend.
const DriftPath = "/v1/copy/drift"

// DriftHosts is the parameter that asks for a look at the hosts, too.
const DriftHosts = "hosts"

// Drift is how the sites of a process differ from their directory and their records.
type Drift struct {
	Sites       []SiteDrift  `json:"sites"`
	Differences []Difference `json:"differences"`
	Mended      int          `json:"mended"` // units whose entries were removed; only when asked
	Files       int          `json:"files"`  // boot files that were mended; likewise
}

// SiteDrift is one site as it stands.
type SiteDrift struct {
	Site     string            `json:"site"`
	Sight    bool              `json:"sight"` // the directory tells what changes
	Problem  string            `json:"problem,omitempty"`
	Clusters []cod.ClusterView `json:"clusters"`
}

// Difference is one place where two of them say different things.
type Difference struct {
	Site   string    `json:"site"`
	Kind   string    `json:"kind"` // of the kinds below
	Entry  string    `json:"entry,omitempty"`
	Node   string    `json:"node,omitempty"`
	Unit   string    `json:"unit,omitempty"`
	Lease  string    `json:"lease,omitempty"`
	Attr   string    `json:"attribute,omitempty"`
	Ours   []string  `json:"ours,omitempty"`
	Theirs []string  `json:"theirs,omitempty"`
	By     string    `json:"by,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	What   string    `json:"what"`
	Next   string    `json:"next"`
	Safe   bool      `json:"safe,omitempty"` // ours, and nobody can need it
}

// The kinds of differences.
const (
	DriftSight   = "sight"       // the directory, a daemon or a host cannot be seen, and is not compared
	DriftEdit    = "conflict"    // somebody's value or entry stands where ours would
	DriftLease   = "no lease"    // a node that the records do not know
	DriftNode    = "no node"     // a unit of the records that has no node
	DriftStray   = "left behind" // an entry of ours without node and lease
	DriftDaemon  = "daemon"      // a daemon says something else
	DriftHost    = "host"        // a node's unit is not where it should be
	driftGuarded = "so many at once that something else may be wrong: nothing is removed"
)

// drift compares, with hosts the units at their hosts too, and with mend removes what is
// left behind. What cannot be seen is said to be so, and nothing is concluded from it.
func (p *Process) drift(ctx context.Context, hosts, mend bool) (Drift, error) {
	out := Drift{Sites: []SiteDrift{}, Differences: []Difference{}}
	for _, a := range p.Actors {
		if a.Site == nil {
			continue
		}
		snap := a.Site.Snapshot()
		var places []actors.Place
		if err := a.Host.Inspect(ctx, func(v actors.Viewer) {
			if s, ok := v.(actors.Stead); ok {
				places = s.Places()
			}
		}); err != nil {
			return out, err
		}
		sd := SiteDrift{Site: a.Config.Name, Sight: snap.Sight, Problem: snap.Problem, Clusters: snap.View.Clusters}
		out.Sites = append(out.Sites, sd)
		found := compare(sd, places, snap.View)
		sweep := sweepable(found)
		if all := len(found) + nodesOf(snap.View); mend && feed.TooMany(len(sweep), all-len(sweep), a.Config.COD.MaxRemoval) {
			for i := range found {
				if found[i].Safe {
					found[i].Next = driftGuarded
				}
			}
			sweep = nil
		}
		if mend && snap.Sight {
			for _, u := range sweep {
				a.Site.Sweep(u)
				out.Mended++
			}
		}
		out.Differences = append(out.Differences, found...)
		if hosts && snap.Sight {
			out.Differences = append(out.Differences, probed(ctx, a.Site, sd)...)
		}
	}
	return out, nil
}

// probed has a site's driver look whether each node's unit is where it should be.
func probed(ctx context.Context, at *site.Site, s SiteDrift) (out []Difference) {
	nodes := map[actors.UnitID]cod.NodeView{}
	for _, c := range s.Clusters {
		for _, n := range c.Nodes {
			nodes[n.Unit] = n
		}
	}
	all, err := at.Probe(ctx)
	if err != nil {
		return []Difference{{Site: s.Site, Kind: DriftSight, What: "hosts are not compared: " + err.Error(), Next: "give the handler's script an action probe, if its units can be looked at"}}
	}
	now := time.Now().UTC()
	for _, p := range all {
		n, ok := nodes[p.Unit]
		if !ok || p.Skipped {
			continue
		}
		d := Difference{Site: s.Site, Kind: DriftHost, Node: n.Name, Unit: string(n.Unit), Lease: n.Lease, Attr: p.Machine, Ours: []string{n.State}, Since: now}
		switch {
		case p.Err != nil:
			d.Kind, d.Ours, d.What, d.Next = DriftSight, nil, "it cannot be looked at: "+p.Err.Error(), "see that the host can be reached"
		case p.State == "" || p.State == handlers.StateRunning:
			continue
		default:
			d.Theirs, d.What = []string{p.State}, cmp.Or(p.Note, "the driver found the unit "+p.State)
			d.Next = "look at the host; an extension of the lease sets the unit up again"
		}
		out = append(out, d)
	}
	return out
}

// compare lists the differences of one site.
func compare(s SiteDrift, places []actors.Place, v cod.View) (out []Difference) {
	if !s.Sight {
		return []Difference{{Site: s.Site, Kind: DriftSight, What: cmp.Or(s.Problem, v.Fenced, "the directory is out of sight"), Next: "start the directory's server, or mend the way to it"}}
	}
	for _, c := range v.Conflicts {
		out = append(out, Difference{Site: s.Site, Kind: DriftEdit, Entry: c.Entry, Node: c.Node, Unit: string(c.Unit), Attr: c.Attr, Ours: c.Ours, Theirs: c.Theirs,
			By: c.By, Since: c.Since, What: c.What, Next: c.Next})
	}
	for _, n := range strayed(places, v) {
		out = append(out, Difference{Site: s.Site, Kind: DriftLease, Node: n.Name, Unit: string(n.Unit), Lease: n.Lease, What: "the records know no lease of this node",
			Next: fmt.Sprintf("nothing: it stays until %s, and then goes", n.LeaseEnd.Format(time.RFC3339))})
	}
	has := map[actors.UnitID]bool{}
	for _, c := range v.Clusters {
		for _, n := range c.Nodes {
			has[n.Unit] = true
		}
	}
	for _, n := range v.Waiting {
		has[n.Unit] = true
	}
	leased := map[actors.UnitID]bool{}
	for _, p := range places {
		if leased[p.Unit] = true; p.Unit != "" && !has[p.Unit] {
			out = append(out, Difference{Site: s.Site, Kind: DriftNode, Unit: string(p.Unit), Lease: string(p.Reservation), What: "host " + p.Host + " has a unit, and the directory no node of it",
				Next: "extend or close the lease: either makes the site write it anew"})
		}
	}
	for _, e := range v.Strays {
		d := Difference{Site: s.Site, Kind: DriftStray, Entry: e.Entry, Unit: string(e.Unit), By: e.By, Since: e.Since, What: "an entry of this site that belongs to no node",
			Next: "remove it by hand, if nobody needs it"}
		if e.Unit != "" && !has[e.Unit] && !leased[e.Unit] {
			d.Safe, d.Next = true, "reconcile --apply removes it"
		}
		out = append(out, d)
	}
	return out
}

// sweepable is the units whose entries may go, each once.
func sweepable(all []Difference) (out []actors.UnitID) {
	for _, d := range all {
		if u := actors.UnitID(d.Unit); d.Safe && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

func nodesOf(v cod.View) (n int) {
	for _, c := range v.Clusters {
		n += len(c.Nodes)
	}
	return n
}

// serveDrift answers on the admin socket: GET compares, POST mends as well.
func (p *Process) serveDrift(mux *http.ServeMux) {
	answer := func(mend bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			d, err := p.drift(r.Context(), r.URL.Query().Has(DriftHosts), mend)
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(d); err != nil {
				panic(http.ErrAbortHandler)
			}
		}
	}
	mux.HandleFunc("GET "+DriftPath, answer(false))
	mux.HandleFunc("POST "+DriftPath, answer(true))
}
