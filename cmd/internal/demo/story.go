package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/starter"
)

// story is what happens, in order. Each part says what it has seen.
func (s *show) story(ctx context.Context) error {
	select {
	case <-s.server.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	stop, err := s.follow(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if s.ldap, err = openLook(ctx, s.config); err != nil {
		return err
	}
	defer s.ldap.close()
	s.tell("look", "%s", s.ldap.command())
	if err := s.request(ctx); err != nil {
		return err
	}
	if err := s.active(ctx); err != nil {
		return err
	}
	if err := s.edit(ctx); err != nil {
		return err
	}
	if err := s.extend(ctx); err != nil {
		return err
	}
	if err := s.end(ctx); err != nil {
		return err
	}
	err = s.over(ctx)
	s.result.Messages = s.messages()
	return err
}

// over waits until every actor has heard of the end; the broker does last.
func (s *show) over(ctx context.Context) error {
	deadline := time.Now().Add(10 * s.Cycle)
	for {
		err := s.states(ctx)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := sleep(ctx, s.Cycle/10); err != nil {
			return err
		}
	}
}

// ready waits until every site has laid the base of its directory.
func (s *show) ready(ctx context.Context) error {
	deadline := time.Now().Add(15 * time.Second)
	for _, a := range s.server.Actors {
		for a.Site != nil && !a.Site.Snapshot().Ready {
			if time.Now().After(deadline) {
				return fmt.Errorf("the directory at %s does not answer", s.config.Directory.URL)
			}
			if err := sleep(ctx, 20*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// request asks for the first half of the term.
func (s *show) request(ctx context.Context) error {
	var err error
	s.lease, err = s.server.Manage.Request(ctx, manage.Order{Slice: "demo", Type: string(starter.Type), Units: s.Nodes,
		Start: "+" + (2 * s.Cycle).String(), Length: (s.Term / 2).String(),
		Config: map[string]string{"host.prefix": "demo", "config.ssh.user1.login": "ada"}})
	if err != nil {
		return err
	}
	s.tell("request", "asked for %d nodes until %s, as reservation %s", s.Nodes, s.lease.End.Format(time.TimeOnly), s.lease.Reservation)
	return nil
}

// wait waits for the manager's view of the lease.
func (s *show) wait(ctx context.Context, patience time.Duration, states ...string) (manage.Reservation, error) {
	return s.server.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Actor: s.lease.Actor.ID, Reservation: s.lease.Reservation},
		States: states, Timeout: patience})
}

// active waits for the cluster and shows it as the directory has it.
func (s *show) active(ctx context.Context) error {
	r, err := s.wait(ctx, s.Term/2+20*s.Cycle, actors.Active.String())
	if err != nil {
		return fmt.Errorf("the lease did not become active: %w", err)
	}
	if len(r.Held) != s.Nodes {
		return fmt.Errorf("the lease has %d nodes, not %d", len(r.Held), s.Nodes)
	}
	added, err := s.ldap.added(ctx)
	if err != nil {
		return err
	}
	s.result.Entries = len(added)
	hosts := nodes(added)
	if len(hosts) != s.Nodes {
		return fmt.Errorf("the directory has %d hosts for it, not %d", len(hosts), s.Nodes)
	}
	s.tell("cluster", "the cluster is active; the directory has %d entries for it", len(added))
	for _, h := range hosts {
		s.tell("cluster", "  %-10s %-15s %s", h.Get("cn"), h.Get("ipHostNumber"), h.Get("macAddress"))
	}
	return nil
}

const edited = "reserved for Ada's thesis, please keep"

// edit changes a host's description half way, as an operator with an LDAP editor
// would.
func (s *show) edit(ctx context.Context) error {
	if err := sleep(ctx, time.Until(s.lease.End)-s.Term/4); err != nil {
		return err
	}
	dn, err := s.ldap.describe(ctx, edited)
	if err != nil {
		return fmt.Errorf("an operator's edit: %w", err)
	}
	s.tell("edit", "an operator describes %s as %q", dn, edited)
	return nil
}

// extend asks for the second half and checks that the edit outlived it.
func (s *show) extend(ctx context.Context) error {
	// A renewal needs the broker's round and the site's next cycle; ask in time.
	r, err := s.server.Manage.Extend(ctx, manage.Extension{Ref: manage.Ref{Actor: s.lease.Actor.ID, Reservation: s.lease.Reservation},
		Length: (s.Term / 2).String()})
	if err != nil {
		return fmt.Errorf("extending the lease: %w", err)
	}
	s.tell("extend", "asked to extend it by %v", s.Term/2)
	old := s.lease.End
	deadline := time.Now().Add(time.Until(old) + 10*s.Cycle + 5*time.Second)
	for {
		end, err := s.siteEnd(ctx)
		if err != nil {
			return err
		}
		if end.After(old) {
			r.End = end
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the site did not extend the lease beyond %s", old.Format(time.TimeOnly))
		}
		if err := sleep(ctx, s.Cycle/2); err != nil {
			return err
		}
	}
	kept, err := s.ldap.described(ctx, edited)
	if err != nil {
		return err
	}
	if !kept {
		return fmt.Errorf("the operator's edit did not survive the extension")
	}
	s.tell("survived", "extended until %s; the operator's edit is still there", r.End.Format(time.TimeOnly))
	return nil
}

// siteEnd is when the lease ends as the site sees it, once its units know.
func (s *show) siteEnd(ctx context.Context) (time.Time, error) {
	rs, err := s.server.Manage.List(ctx, manage.Filter{})
	if err != nil {
		return time.Time{}, err
	}
	for _, r := range rs {
		if r.Role == actors.RoleAuthority.String() && r.State == actors.Active.String() && r.Pending == actors.None.String() {
			return r.End, nil
		}
	}
	return time.Time{}, nil
}

// end waits for the end of the term and for the directory to be as it was.
func (s *show) end(ctx context.Context) error {
	if _, err := s.wait(ctx, s.Term+30*s.Cycle, actors.Closed.String()); err != nil {
		return fmt.Errorf("the lease did not close: %w", err)
	}
	deadline := time.Now().Add(10*s.Cycle + 5*time.Second)
	for {
		added, err := s.ldap.added(ctx)
		if err != nil {
			return err
		}
		if len(added) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d entries are left in the directory, the first is %s", len(added), added[0].DN)
		}
		if err := sleep(ctx, s.Cycle/2); err != nil {
			return err
		}
	}
	s.tell("clean", "the term is over, every node is torn down, the directory is as it was")
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
