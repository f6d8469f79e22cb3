package dns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/leasehold/leasehold/cod/dns/zones"
)

// A Server is a primary name server that takes updates and transfers signed with
// a key. Its methods may be called from several goroutines.
type Server struct {
	Addr    string // host:port
	Key     Key
	Timeout time.Duration // of one exchange; 0 means 10 s
}

// ErrNoZone says that the server is not primary for a zone, or does not let our key
// at it.
var ErrNoZone = errors.New("the name server does not serve the zone to us")

// errRefused says that an update as a whole was not taken.
var errRefused = errors.New("the name server refuses the records")

// fudge is how far the two clocks may differ, in seconds (RFC 8945 10).
const fudge = 300

// maxUpdate is the octets one update may have, well under TCP's 65,535.
const maxUpdate = 48 << 10

func (s *Server) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return 10 * time.Second
}

func (s *Server) secrets() map[string]string { return map[string]string{s.Key.Name: s.Key.Secret} }

// A Refusal is a name whose records the server does not take, for reasons of its
// own: BIND wants the exchanger of an MX record to have an address, for one.
type Refusal struct {
	Name zones.Name
	Err  error
}

// Apply makes the changes to one zone, in as few updates as fit, each whole or not
// at all. What the server refuses is looked for, so that it holds up no other name:
// refused names are told, and everything else is done. An error says that the rest
// may not have been.
func (s *Server) Apply(ctx context.Context, zone string, changes []zones.Change) (refused []Refusal, err error) {
	for len(changes) > 0 {
		n := fitting(zone, changes)
		bad, err := s.try(ctx, zone, changes[:n])
		refused = append(refused, bad...)
		if err != nil {
			return refused, fmt.Errorf("update of zone %s: %w", zone, err)
		}
		changes = changes[n:]
	}
	return refused, nil
}

// try sends one update, and when it is refused its halves.
func (s *Server) try(ctx context.Context, zone string, changes []zones.Change) (refused []Refusal, err error) {
	err = s.update(ctx, zones.Update(zone, changes))
	if !errors.Is(err, errRefused) {
		return nil, err
	}
	if len(changes) == 1 {
		return []Refusal{{changes[0].Name, err}}, nil
	}
	for _, half := range [][]zones.Change{changes[:len(changes)/2], changes[len(changes)/2:]} {
		bad, err := s.try(ctx, zone, half)
		refused = append(refused, bad...)
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// fitting is how many of the changes go into one update, one at least.
func fitting(zone string, changes []zones.Change) int {
	size := 0
	for i := range changes {
		size += zones.Update(zone, changes[i:i+1]).Len()
		if i > 0 && (size > maxUpdate || i >= 500) {
			return i
		}
	}
	return len(changes)
}

func (s *Server) update(ctx context.Context, m *dns.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout())
	defer cancel()
	m.SetTsig(s.Key.Name, s.Key.Algorithm, fudge, time.Now().Unix())
	client := dns.Client{Net: "tcp", Timeout: s.timeout(), TsigSecret: s.secrets()}
	answer, _, err := client.ExchangeContext(ctx, m, s.Addr)
	if err != nil {
		return err
	}
	return verdict(answer.Rcode)
}

// verdict is a response code as an error.
func verdict(rcode int) error {
	switch rcode {
	case dns.RcodeSuccess:
		return nil
	case dns.RcodeNotAuth, dns.RcodeNotZone, dns.RcodeNameError:
		return fmt.Errorf("%w (%s)", ErrNoZone, dns.RcodeToString[rcode])
	case dns.RcodeRefused, dns.RcodeFormatError:
		return fmt.Errorf("%w (%s); its log says why", errRefused, dns.RcodeToString[rcode])
	}
	return fmt.Errorf("the name server answers %s", dns.RcodeToString[rcode])
}

// Zone is everything the server has of a zone (AXFR, RFC 5936).
func (s *Server) Zone(ctx context.Context, zone string) ([]dns.RR, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := new(dns.Msg)
	m.SetAxfr(zone)
	m.SetTsig(s.Key.Name, s.Key.Algorithm, fudge, time.Now().Unix())
	t := dns.Transfer{DialTimeout: s.timeout(), ReadTimeout: s.timeout(), WriteTimeout: s.timeout(), TsigSecret: s.secrets()}
	envelopes, err := t.In(m, s.Addr)
	if err != nil {
		return nil, fmt.Errorf("transfer of zone %s: %w", zone, err)
	}
	defer context.AfterFunc(ctx, func() { t.Close() })()
	var out []dns.RR
	for e := range envelopes {
		if e.Error != nil {
			err = e.Error
			continue // to the channel's end, so that its writer ends
		}
		out = append(out, e.RR...)
	}
	var refused *dns.Error
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &refused) && len(out) == 0:
		// The library says only "bad xfr rcode: 9": a server that does not have the
		// zone, or does not give it to this key, says so in the code.
		return nil, fmt.Errorf("transfer of zone %s: %w (%w)", zone, ErrNoZone, err)
	case err != nil:
		return nil, fmt.Errorf("transfer of zone %s: %w", zone, err)
	}
	return out, nil
}
