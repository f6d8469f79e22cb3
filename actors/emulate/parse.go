package emulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"go.yaml.in/yaml/v3"
)

// Limits of a scenario. They are far above any use and below any harm.
const (
	MaxBytes   = 4 << 20    // of the scenario, and of a trace's file
	maxActors  = 200        // sites, brokers and managers
	maxNodes   = 1_000_000  // of a site
	maxSamples = 1_000_000  // of a run
	maxCycles  = 10_000_000 // of a run
	maxDemand  = 1_000_000  // of a manager
)

// Parse reads a scenario. Name is what messages call the file, and open reads the
// files that traces name; it may be nil when there are none.
func Parse(name string, data []byte, open func(name string) ([]byte, error)) (s Scenario, err error) {
	defer func() {
		// The YAML library panics on a few malformed comments. That is bad input like
		// any other.
		if p := recover(); p != nil {
			err = fmt.Errorf("not YAML: %v", p)
		}
		if err != nil {
			s, err = Scenario{}, fmt.Errorf("%s: %w", name, err)
		}
	}()
	if len(data) > MaxBytes {
		return s, fmt.Errorf("%d bytes are more than the limit of %d", len(data), MaxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return s, err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return s, errors.New("the file must hold one document")
	}
	s.fill()
	if err := s.check(); err != nil {
		return s, err
	}
	for i := range s.Managers {
		t := &s.Managers[i].Demand
		if t.Kind != "file" {
			continue
		}
		if open == nil {
			return s, fmt.Errorf("manager %s: no files can be read here", s.Managers[i].Name)
		}
		text, err := open(t.File)
		if err == nil {
			t.Values, err = t.read(text, s.Sample)
		}
		if err != nil {
			return s, fmt.Errorf("manager %s: trace %s: %w", s.Managers[i].Name, t.File, err)
		}
	}
	return s, nil
}

// fill puts the defaults in.
func (s *Scenario) fill() {
	def := func(l *Length, d time.Duration) {
		if *l == 0 {
			*l = Length(d)
		}
	}
	word := func(w *string, d string) {
		if *w == "" {
			*w = d
		}
	}
	if s.Begin.IsZero() {
		s.Begin = time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	def(&s.Cycle, time.Minute)
	def(&s.Sample, 5*time.Minute)
	word(&s.Name, "a federation")
	for i := range s.Sites {
		word(&s.Sites[i].Type, "node")
		word(&s.Sites[i].Policy, "firstfit")
		if s.Sites[i].Shares == nil && len(s.Brokers) == 1 {
			s.Sites[i].Shares = map[string]int{s.Brokers[0].Name: s.Sites[i].Nodes}
		}
	}
	for i := range s.Brokers {
		word(&s.Brokers[i].Policy, "fcfs")
	}
	for i := range s.Managers {
		m := &s.Managers[i]
		word(&m.Type, "node")
		word(&m.Policy, "adaptive")
		if m.Policy == "static" && m.Demand.Kind == "" {
			m.Demand = Trace{Kind: "constant", Base: m.Units}
		}
		word(&m.Surplus, "keep")
		def(&m.Lead, time.Duration(s.Sample))
		if len(s.Brokers) == 1 {
			word(&m.Broker, s.Brokers[0].Name)
		}
		if f := m.Filter; f != nil {
			def(&f.Window, 150*time.Minute)
			if f.Step == 0 {
				f.Step = 1
			}
			if f.Damping == 0 {
				f.Damping = 0.875
			}
		}
	}
}

// check says what is wrong with a scenario whose defaults are filled in.
func (s *Scenario) check() error {
	var bad []error
	add := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if s.Length <= 0 {
		add("length is missing: say how long the run lasts")
	}
	if s.Cycle < Length(time.Millisecond) || s.Cycle%Length(time.Millisecond) != 0 {
		add("cycle is %v, not a number of milliseconds", time.Duration(s.Cycle))
		return errors.Join(bad...)
	}
	if s.Sample < s.Cycle || s.Sample%s.Cycle != 0 {
		add("sample is %v, not a number of cycles of %v", time.Duration(s.Sample), time.Duration(s.Cycle))
		return errors.Join(bad...)
	}
	if s.Length/s.Sample > maxSamples || s.Length/s.Cycle > maxCycles {
		add("length is %v: more than %d samples or %d cycles", time.Duration(s.Length), maxSamples, maxCycles)
	}
	if y := s.Begin.Year(); y < 1971 || y > 2200 {
		add("begin is in the year %d, not 1971 to 2200", y)
	}
	if n := len(s.Sites) + len(s.Brokers) + len(s.Managers); n > maxActors {
		add("%d actors are more than the limit of %d", n, maxActors)
	}
	if len(s.Sites) == 0 || len(s.Brokers) == 0 || len(s.Managers) == 0 {
		add("there must be a site, a broker and a manager")
	}
	names := map[string]bool{}
	name := func(kind, n string) string {
		if n == "" || len(n) > 64 || names[n] {
			add("%s %q: every actor needs a name of its own, of at most 64 octets", kind, n)
		}
		names[n] = true
		return fmt.Sprintf("%s %s: ", kind, n)
	}
	brokers := map[string]bool{}
	for _, b := range s.Brokers {
		who := name("broker", b.Name)
		if err := b.Settings.Check(); err != nil {
			add("%s%w", who, err)
		}
		brokers[b.Name] = true
	}
	for _, x := range s.Sites {
		who, sum := name("site", x.Name), 0
		if x.Nodes < 1 || x.Nodes > maxNodes {
			add("%s%d nodes, not 1 to %d", who, x.Nodes, maxNodes)
		}
		for b, n := range x.Shares {
			if !brokers[b] || n < 1 || n > x.Nodes {
				add("%sshare of %d nodes for %q: it must be 1 to %d, for a broker named above", who, n, b, x.Nodes)
			}
			sum += n
		}
		if sum > x.Nodes {
			add("%sshares of %d nodes in all, of %d", who, sum, x.Nodes)
		}
		if x.Shares == nil {
			add("%swith several brokers, say how many nodes each gets: shares", who)
		}
	}
	for _, m := range s.Managers {
		who := name("manager", m.Name)
		if !brokers[m.Broker] {
			add("%sthere is no broker %q", who, m.Broker)
		}
		if m.Term < 2*s.Cycle {
			add("%sterm is %v, less than two cycles", who, time.Duration(m.Term))
		}
		if m.Surplus != "keep" && m.Surplus != "return" {
			add("%ssurplus is %q, neither keep nor return", who, m.Surplus)
		}
		for _, n := range []struct {
			name  string
			value int
		}{{"chunk", m.Chunk}, {"units", m.Units}, {"least", m.Least}, {"most", m.Most}, {"per_unit", m.PerUnit}} {
			if n.value < 0 || n.value > maxDemand {
				add("%s%s is %d, not 0 to %d", who, n.name, n.value, maxDemand)
			}
		}
		if err := policy.Check(actors.Properties(m.Request), max(m.Chunk, m.Units, 1)); err != nil {
			add("%s%w", who, err)
		}
		bad = append(bad, m.Demand.check(who)...)
		if f := m.Filter; f != nil && (f.Damping < 0 || f.Damping >= 1 || f.Step < 0 || f.Window < s.Sample || f.Window/s.Sample > 10_000) {
			add("%sfilter: damping is 0 to 1, step is not negative, window is 1 to 10000 samples", who)
		}
	}
	return errors.Join(bad...)
}

var kinds = []string{"constant", "waves", "bursts", "values", "file"}

func (t Trace) check(who string) (bad []error) {
	if !slices.Contains(kinds, t.Kind) {
		return []error{fmt.Errorf("%sdemand is of kind %q; there are: %s", who, t.Kind, strings.Join(kinds, ", "))}
	}
	for _, n := range append([]int{t.Base, t.Daily, t.Weekly, t.Noise, t.Peak}, t.Values...) {
		if n < 0 || n > maxDemand {
			bad = append(bad, fmt.Errorf("%sdemand has %d in it, not 0 to %d", who, n, maxDemand))
		}
	}
	if t.Every < 0 || !(t.Scale >= 0 && t.Scale <= maxDemand) {
		bad = append(bad, fmt.Errorf("%severy and scale are not negative", who))
	}
	if t.Kind == "bursts" && (t.On <= 0 || t.Off <= 0) {
		bad = append(bad, fmt.Errorf("%sbursts need on and off", who))
	}
	if t.Kind == "values" && len(t.Values) == 0 {
		bad = append(bad, fmt.Errorf("%sdemand has no values", who))
	}
	return bad
}
