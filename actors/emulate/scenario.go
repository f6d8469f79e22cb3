package emulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors/policy"
	"go.yaml.in/yaml/v3"
)

// Scenario is a federation and what its guests want.
type Scenario struct {
	Name     string    `yaml:"name"`
	Begin    time.Time `yaml:"begin"`  // start of cycle 0; default 2006-01-01T00:00:00Z
	Cycle    Length    `yaml:"cycle"`  // length of one cycle of every actor; default 1m
	Length   Length    `yaml:"length"` // how long the run lasts; required
	Sample   Length    `yaml:"sample"` // time between two samples, and requests; default 5m
	Seed     uint64    `yaml:"seed"`   // for traces with chance in them
	Sites    []Site    `yaml:"sites"`
	Brokers  []Broker  `yaml:"brokers"`
	Managers []Manager `yaml:"managers"`
}

// Site is a site authority and its nodes.
type Site struct {
	Name     string         `yaml:"name"`
	Type     string         `yaml:"type"` // of its nodes; default node
	Nodes    int            `yaml:"nodes"`
	Policy   string         `yaml:"policy"`   // default firstfit
	Setup    Length         `yaml:"setup"`    // how long a node's setup takes
	Teardown Length         `yaml:"teardown"` // and its teardown
	Shares   map[string]int `yaml:"shares"`   // nodes delegated, by broker; default all to the only broker
}

// Broker is a broker and its policy.
type Broker struct {
	Name            string `yaml:"name"`
	Policy          string `yaml:"policy"` // default fcfs
	policy.Settings `yaml:",inline"`
}

// Manager is a service manager with one guest.
type Manager struct {
	Name    string            `yaml:"name"`
	Policy  string            `yaml:"policy"`   // adaptive, the default, or static
	Broker  string            `yaml:"broker"`   // default the only one
	Type    string            `yaml:"type"`     // what it leases; default node
	Term    Length            `yaml:"term"`     // of a lease; required
	Lead    Length            `yaml:"lead"`     // between a request and the start it asks for; default one sample
	Chunk   int               `yaml:"chunk"`    // the most units it asks for in one lease; default no limit
	Join    Length            `yaml:"join"`     // how long a unit takes to join the guest
	Leave   Length            `yaml:"leave"`    // and to leave it
	Renew   bool              `yaml:"renew"`    // extend leases by their length while demand lasts
	Surplus string            `yaml:"surplus"`  // keep, the default, or return
	Request map[string]string `yaml:"request"`  // request properties, as in elastic: "true"
	Units   int               `yaml:"units"`    // static: how many it keeps
	Least   int               `yaml:"least"`    // adaptive: never fewer
	Most    int               `yaml:"most"`     // adaptive: nor more; default no limit
	PerUnit int               `yaml:"per_unit"` // adaptive: how much demand one unit serves; default 1
	Demand  Trace             `yaml:"demand"`
	Filter  *Filter           `yaml:"filter"` // smooths the demand before it is followed; none by default
}

// Trace is a demand over time. Kind says which of the others count.
type Trace struct {
	Kind   string `yaml:"kind"`   // constant, waves, bursts, values or file
	Base   int    `yaml:"base"`   // constant, waves: the mean; bursts: between bursts
	Daily  int    `yaml:"daily"`  // waves: amplitude over a day
	Weekly int    `yaml:"weekly"` // waves: amplitude over a week
	Noise  int    `yaml:"noise"`  // waves, bursts: the most that chance adds or takes
	Peak   int    `yaml:"peak"`   // bursts: in a burst
	On     Length `yaml:"on"`     // bursts: mean length of one
	Off    Length `yaml:"off"`    // bursts: mean time between two
	Values []int  `yaml:"values"` // values: one for each sample; the last one stays
	// File is a text file with a line for each sample, or CSV with a column of numbers.
	File   string  `yaml:"file"`
	Column string  `yaml:"column"` // file: which one, by its heading or its number; default the last
	Every  Length  `yaml:"every"`  // file: time between two lines, which are averaged over a sample; default a sample
	Scale  float64 `yaml:"scale"`  // file: what its numbers are multiplied by; default 1
}

// Filter is the flop-flip filter of paper B 5.2: a stable estimate that jumps when
// the moving average leaves a band around it.
type Filter struct {
	Window  Length  `yaml:"window"`  // of the moving average; default 150m
	Step    float64 `yaml:"step"`    // half width of the band in standard deviations; default 1
	Damping float64 `yaml:"damping"` // of the observations, 0 to 1; default 0.875
}

// Length is a length of time in Go's notation, which days and weeks may precede:
// 90s, 5m, 1d12h, 2w.
type Length time.Duration

// UnmarshalYAML reads a Length.
func (l *Length) UnmarshalYAML(n *yaml.Node) error {
	d, err := parseLength(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %q is not a length such as 90s, 5m, 1d12h or 2w", n.Line, n.Value)
	}
	*l = Length(d)
	return nil
}

func parseLength(text string) (time.Duration, error) {
	total := time.Duration(0)
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		count, rest, ok := strings.Cut(text, unit.name)
		if !ok {
			continue
		}
		n := 0
		if _, err := fmt.Sscanf(count+"\n", "%d\n", &n); err != nil || n < 0 || n > 10_000 {
			return 0, fmt.Errorf("bad count")
		}
		total, text = total+time.Duration(n)*unit.size, rest
	}
	if text == "" || text == "0" {
		return total, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("negative")
	}
	return total + d, err
}
