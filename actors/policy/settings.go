package policy

// Settings is what operators may set of a broker's policy. A policy reads what
// concerns it.
type Settings struct {
	Weights    map[string]int `yaml:"weights"`    // shares, by client: for propshare
	Priorities map[string]int `yaml:"priorities"` // by client; larger goes first: for priority
}

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
	return Settings{Weights: rename(s.Weights), Priorities: rename(s.Priorities)}
}
