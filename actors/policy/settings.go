package policy

import (
	"errors"
	"fmt"
	"slices"
)

// Settings is what operators may set of a broker's policy. A policy reads what
// concerns it.
type Settings struct {
	Weights    map[string]int `yaml:"weights"`    // shares, by client: for propshare
	Priorities map[string]int `yaml:"priorities"` // by client; larger goes first: for priority
	Quotas     []Limit        `yaml:"quotas"`     // what clients and slices may hold, under any policy
	Balance    bool           `yaml:"balance"`    // spread over sites evenly, as evenload does: for priority
	// Renewals says when extensions are served: "first", before all new asks, which
	// is the default and what leases count on; or "by class", before the new asks of
	// their own priority only (leasing 4.5.3): for priority.
	Renewals string `yaml:"renewals"`
}

// Check says what is wrong with settings, apart from the names of clients.
func (s Settings) Check() error {
	var bad []error
	for i, l := range s.Quotas {
		if err := l.Check(); err != nil {
			bad = append(bad, fmt.Errorf("quota %d: %w", i+1, err))
		}
	}
	if s.Renewals != "" && s.Renewals != RenewalsFirst && s.Renewals != RenewalsByClass {
		bad = append(bad, fmt.Errorf("renewals are served %q or %q, not %q", RenewalsFirst, RenewalsByClass, s.Renewals))
	}
	return errors.Join(bad...)
}

// What Settings.Renewals may say.
const (
	RenewalsFirst   = "first"
	RenewalsByClass = "by class"
)

// Named is the same settings with every client under another name.
func (s Settings) Named(name func(string) string) Settings {
	rename := func(in map[string]int) map[string]int {
		if in == nil {
			return nil
		}
		out := make(map[string]int, len(in))
		for k, v := range in {
			out[name(k)] = v
		}
		return out
	}
	s.Weights, s.Priorities, s.Quotas = rename(s.Weights), rename(s.Priorities), slices.Clone(s.Quotas)
	for i := range s.Quotas {
		if c := &s.Quotas[i].Client; *c != "" {
			*c = name(*c)
		}
	}
	return s
}
