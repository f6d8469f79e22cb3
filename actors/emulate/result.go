package emulate

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Result is what happened in a run.
type Result struct {
	Name     string     `json:"name"`
	Begin    time.Time  `json:"begin"`
	Length   string     `json:"length"`
	Managers []Summary  `json:"managers"`
	Sites    []SiteSum  `json:"sites"`
	Events   int        `json:"events"` // that actors took
	Samples  []Snapshot `json:"-"`
}

// Summary is one guest over the whole run.
type Summary struct {
	Name            string `json:"name"`
	Counts          `json:"requests"`
	MeanDemand      float64 `json:"meanDemand"`
	MeanLeased      float64 `json:"meanLeased"`
	RMSE            float64 `json:"rmse"`          // of the demand against what was leased
	RMSERequested   float64 `json:"rmseRequested"` // against what was leased or asked for
	RMSEUsable      float64 `json:"rmseUsable"`    // against what could be used
	Fidelity        float64 `json:"fidelity"`      // share of the leased time that could be used
	Unserved        float64 `json:"unserved"`      // share of the demand that no lease covered
	square          [3]float64
	demand, covered float64
	leased          float64
}

// SiteSum is one site over the whole run.
type SiteSum struct {
	Name        string  `json:"name"`
	Nodes       int     `json:"nodes"`
	Utilisation float64 `json:"utilisation"` // share of its node time with a lease on it
}

// Snapshot is one sample: what is so at its instant.
type Snapshot struct {
	At     actors.Millis
	Guests []GuestNow // in the order of the scenario's managers
	Busy   []int      // nodes with a lease on them, in the order of its sites
}

// GuestNow is a guest at a sample: what its trace says, what its policy makes of it,
// and what it has.
type GuestNow struct{ Demand, Wanted, Requested, Leased, Usable int }

func (w *world) result() *Result {
	r := &Result{Name: w.Name, Begin: w.Begin.UTC(), Length: time.Duration(w.Length).String()}
	for _, g := range w.guests {
		r.Managers = append(r.Managers, Summary{Name: g.Name})
	}
	for _, x := range w.racks {
		r.Sites = append(r.Sites, SiteSum{Name: x.Name, Nodes: x.Nodes})
	}
	return r
}

// take adds a sample.
func (r *Result) take(w *world, now actors.Cycle) {
	at := w.cycles.Start(now)
	s := Snapshot{At: at}
	for i, g := range w.guests {
		n := GuestNow{Wanted: w.wanted(g), Demand: g.demand[now/actors.Cycle(w.Sample/w.Cycle)], Usable: len(g.met.up)}
		n.Requested, n.Leased = g.sums(at)
		s.Guests = append(s.Guests, n)
		sum := &r.Managers[i]
		for k, have := range [3]int{n.Leased, n.Requested, n.Usable} {
			sum.square[k] += float64((n.Demand - have) * (n.Demand - have))
		}
		sum.demand += float64(n.Demand)
		sum.covered += float64(min(n.Demand, n.Leased))
		sum.leased += float64(n.Leased)
	}
	for _, x := range w.racks {
		s.Busy = append(s.Busy, len(x.met.up))
	}
	r.Samples = append(r.Samples, s)
}

// close makes the sums.
func (r *Result) close(w *world) {
	n := float64(len(r.Samples))
	r.Events = w.steps
	end := w.cycles.Start(w.end)
	for i, g := range w.guests {
		g.met.advance(w.end)
		for len(g.leases) > 0 {
			g.drop(g.leases[0], end)
		}
		s := &r.Managers[i]
		s.Counts = g.counts
		s.MeanDemand, s.MeanLeased = round(s.demand/n), round(s.leased/n)
		s.RMSE, s.RMSERequested, s.RMSEUsable = round(math.Sqrt(s.square[0]/n)), round(math.Sqrt(s.square[1]/n)), round(math.Sqrt(s.square[2]/n))
		if g.leased > 0 {
			s.Fidelity = round(float64(g.met.time) / float64(g.leased))
		}
		if s.demand > 0 {
			s.Unserved = round(1 - s.covered/s.demand)
		}
	}
	for i, x := range w.racks {
		x.met.advance(w.end)
		r.Sites[i].Utilisation = round(float64(x.met.time) / (float64(x.Nodes) * float64(w.end)))
	}
}

// round keeps four digits behind the point: more would only differ between
// machines.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// CSV is every sample, a row for each manager and each site. Fields that do not
// concern a row are empty.
func (r *Result) CSV() []byte { return Table(r) }

// Table is some results as CSV, with the scenario's name in front of every row where
// there are several.
func Table(results ...*Result) []byte {
	var b strings.Builder
	if len(results) > 1 {
		b.WriteString("scenario,")
	}
	b.WriteString("time,kind,name,demand,wanted,requested,leased,usable,capacity\n")
	for _, r := range results {
		name := ""
		if len(results) > 1 {
			name = field(r.Name) + ","
		}
		for _, s := range r.Samples {
			at := time.UnixMilli(int64(s.At)).UTC().Format(time.RFC3339)
			for i, g := range s.Guests {
				fmt.Fprintf(&b, "%s%s,manager,%s,%d,%d,%d,%d,%d,\n", name, at, field(r.Managers[i].Name), g.Demand, g.Wanted, g.Requested, g.Leased, g.Usable)
			}
			for i, n := range s.Busy {
				fmt.Fprintf(&b, "%s%s,site,%s,,,,%d,,%d\n", name, at, field(r.Sites[i].Name), n, r.Sites[i].Nodes)
			}
		}
	}
	return []byte(b.String())
}

// field quotes a name if CSV wants it quoted (RFC 4180 2).
func field(s string) string {
	if !strings.ContainsAny(s, "\",\r\n") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
