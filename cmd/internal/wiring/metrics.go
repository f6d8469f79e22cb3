package wiring

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
)

// MetricsPath is where a process with an address for metrics answers.
const MetricsPath = "/metrics"

// metrics is a page of OpenMetrics text (openmetrics.io, version 1.0.0).
type metrics struct {
	b    bytes.Buffer
	last string // the family begun
}

// labels are pairs of a name and a value, in this order.
type labels []string

var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// family begins the samples of one metric.
func (m *metrics) family(name, kind, help string) {
	m.last = name
	fmt.Fprintf(&m.b, "# TYPE %s %s\n# HELP %s %s\n", name, kind, name, help)
}

// sample is one value of the family; suffix is "_total", "_sum", "_count" or empty.
func (m *metrics) sample(suffix string, value float64, l labels) {
	m.b.WriteString(m.last + suffix)
	for i := 0; i+1 < len(l); i += 2 {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		fmt.Fprintf(&m.b, `%s%s="%s"`, sep, l[i], escapeLabel.Replace(l[i+1]))
	}
	if len(l) > 0 {
		m.b.WriteByte('}')
	}
	m.b.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// each is a sample for each entry, in order of the names.
func each[K cmp.Ordered](m *metrics, suffix string, counts map[K]int, of func(K) labels) {
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		m.sample(suffix, float64(counts[k]), of(k))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// collect writes down what the process counts.
func (p *Process) collect(ctx context.Context) ([]byte, error) {
	var m metrics
	list, err := p.Manage.List(ctx, manage.Filter{})
	if err != nil {
		return nil, err
	}
	states := map[string]int{}
	for _, r := range list {
		states[r.Actor.Name+"\x00"+r.State]++
	}
	m.family("leasehold_reservations", "gauge", "Reservations that an actor knows, by state.")
	each(&m, "", states, func(k string) labels {
		actor, state, _ := strings.Cut(k, "\x00")
		return labels{"actor", actor, "state", state}
	})
	m.family("leasehold_pending_oldest_seconds", "gauge", "For how long the oldest operation of a kind has been under way at an actor.")
	each(&m, "", oldest(list, p.clock.Now()), func(k string) labels {
		actor, pending, _ := strings.Cut(k, "\x00")
		return labels{"actor", actor, "pending", pending}
	})
	m.family("leasehold_events_waiting", "gauge", "Events in an actor's mailbox.")
	for _, a := range p.Actors {
		m.sample("", float64(a.Host.Status().Waiting), labels{"actor", a.Config.Name})
	}
	m.family("leasehold_store_stalled_seconds", "gauge", "For how long an actor's store has been refusing; 0 when it works.")
	for _, a := range p.Actors {
		stalled := 0.0
		if at := a.Host.Status().StalledAt; !at.IsZero() {
			stalled = time.Since(at).Seconds()
		}
		m.sample("", stalled, labels{"actor", a.Config.Name})
	}
	p.collectSaves(&m)
	m.family("leasehold_messages_taken", "counter", "Messages that an actor took, by operation.")
	for _, a := range p.Actors {
		each(&m, "_total", a.Endpoint.Counts().Taken, func(op string) labels { return labels{"actor", a.Config.Name, "operation", op} })
	}
	m.family("leasehold_messages_refused", "counter", "Messages that an actor refused, by kind.")
	for _, a := range p.Actors {
		each(&m, "_total", a.Endpoint.Counts().Refused, func(kind string) labels { return labels{"actor", a.Config.Name, "kind", kind} })
	}
	m.family("leasehold_messages_given_up", "counter", "Messages that could not be delivered.")
	for _, a := range p.Actors {
		m.sample("_total", float64(a.Remote.Counts().GivenUp), labels{"actor", a.Config.Name})
	}
	if err := p.collectSites(ctx, &m); err != nil {
		return nil, err
	}
	m.b.WriteString("# EOF\n")
	return m.b.Bytes(), nil
}

// oldest is how many whole seconds the oldest operation of each kind has been under way,
// by actor and kind with a zero octet between them.
func oldest(list []manage.Reservation, now time.Time) map[string]int {
	out := map[string]int{}
	for _, r := range list {
		if r.Pending != actors.None.String() && !r.Since.IsZero() {
			k := r.Actor.Name + "\x00" + r.Pending
			out[k] = max(out[k], int(now.Sub(r.Since).Seconds()))
		}
	}
	return out
}

// collectSites writes down what sites with clusters count.
func (p *Process) collectSites(ctx context.Context, m *metrics) error {
	drift, err := p.drift(ctx, false, false)
	if err != nil || len(drift.Sites) == 0 {
		return err
	}
	m.family("leasehold_cod_nodes", "gauge", "Nodes of a site, by state.")
	for _, s := range drift.Sites {
		nodes := map[string]int{}
		for _, c := range s.Clusters {
			for _, n := range c.Nodes {
				nodes[n.State]++
			}
		}
		each(m, "", nodes, func(state string) labels { return labels{"site", s.Site, "state", state} })
	}
	m.family("leasehold_cod_differences", "gauge", "Where records, directory and clusters say different things (leasehold cod reconcile).")
	for _, s := range drift.Sites {
		kinds := map[string]int{DriftSight: 0, DriftEdit: 0, DriftLease: 0, DriftNode: 0, DriftStray: 0}
		for _, d := range drift.Differences {
			if d.Site == s.Site {
				kinds[d.Kind]++
			}
		}
		each(m, "", kinds, func(kind string) labels { return labels{"site", s.Site, "kind", kind} })
	}
	m.family("leasehold_cod_directory_in_sight", "gauge", "Whether the directory tells what changes, and is written.")
	for _, s := range drift.Sites {
		m.sample("", truth(s.Sight), labels{"site", s.Site})
	}
	m.family("leasehold_cod_directory_operations", "counter", "What a site asked of its directory, by what became of it.")
	for _, a := range p.Actors {
		if a.Site == nil {
			continue
		}
		c := a.Site.Snapshot().Counts
		done := map[string]int{"added": int(c.Added), "modified": int(c.Modified), "deleted": int(c.Deleted), "read": int(c.Reads), "unavailable": int(c.Unavailable), "refused": int(c.Refused)}
		each(m, "_total", done, func(k string) labels { return labels{"site", a.Config.Name, "outcome", k} })
	}
	m.family("leasehold_cod_directory_seconds", "summary", "How long the directory took to answer.")
	for _, a := range p.Actors {
		if a.Site != nil {
			c := a.Site.Snapshot().Counts
			m.sample("_sum", c.Answering.Seconds(), labels{"site", a.Config.Name})
			m.sample("_count", float64(c.Answers), labels{"site", a.Config.Name})
		}
	}
	m.family("leasehold_cod_edits_taken_over", "counter", "Operators' changes of nodes that the site followed.")
	for _, a := range p.Actors {
		if a.Site != nil {
			m.sample("_total", float64(a.Site.Snapshot().Counts.TakenOver), labels{"site", a.Config.Name})
		}
	}
	return nil
}

// serveMetrics answers at the address for metrics until ctx ends.
func (p *Process) serveMetrics(ctx context.Context) error {
	l, err := net.Listen("tcp", p.config.Metrics)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+MetricsPath, func(w http.ResponseWriter, r *http.Request) {
		page, err := p.collect(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		_, _ = w.Write(page) // whoever does not hear it asks again
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}
