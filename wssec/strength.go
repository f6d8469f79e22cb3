package wssec

import (
	"slices"
	"sync"
)

// Strength remembers which peers have signed without SHA-1. From such a peer SHA-1
// is not taken any more, even if its policy allows it (wssec.md A13): whoever can
// forge SHA-1 gains nothing against a peer that has moved on. Only messages that
// opened count, so there are never more entries than pinned GUIDs.
//
// The zero Strength knows nothing and is ready; a nil one never learns. It is safe
// for use by several goroutines.
type Strength struct {
	mu     sync.Mutex
	strong map[string]struct{}
}

// Has reports whether the peer has signed without SHA-1.
func (s *Strength) Has(guid string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.strong[guid]
	return ok
}

// Known lists the peers that have, in order: what to keep over a restart.
func (s *Strength) Known() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make([]string, 0, len(s.strong))
	for guid := range s.strong {
		known = append(known, guid)
	}
	slices.Sort(known)
	return known
}

// Learn adds what Known gave. An administrator whose peer went back to an older
// installation starts with an empty Strength instead.
func (s *Strength) Learn(known ...string) {
	for _, guid := range known {
		s.add(guid)
	}
}

func (s *Strength) add(guid string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strong == nil {
		s.strong = make(map[string]struct{})
	}
	s.strong[guid] = struct{}{}
}
