package manage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
)

// maxCandidates is how many candidates an error lists.
const maxCandidates = 10

// match finds what name means among things that have two names each: an exact
// name goes before a beginning. It returns all equally good indices.
func match(name string, n int, of func(i int) (id, label string)) (found []int) {
	for i := range n {
		if id, label := of(i); name == id || name == label {
			return []int{i}
		}
	}
	for i := range n {
		if id, label := of(i); strings.HasPrefix(id, name) || strings.HasPrefix(label, name) {
			found = append(found, i)
		}
	}
	return found
}

// actors are the actors that name means: all of them if it is empty, else one.
func (l *Local) actors(op, name string) ([]Actor, error) {
	if name == "" {
		return l.cfg.Actors, nil
	}
	all := l.cfg.Actors
	found := match(name, len(all), func(i int) (string, string) {
		return string(all[i].Location.ID), all[i].Location.Name
	})
	labels := func(of []Actor) (out []string) {
		for _, a := range of {
			out = append(out, a.Location.Name)
		}
		return out
	}
	switch len(found) {
	case 1:
		return []Actor{all[found[0]]}, nil
	case 0:
		return nil, &actors.Error{Op: op, Kind: actors.NotFound,
			Err: check.Unknown("actor here", name, labels(all))}
	}
	var several []Actor
	for _, i := range found {
		several = append(several, all[i])
	}
	return nil, &actors.Error{Op: op, Kind: actors.Invalid, Err: ambiguous("actor", name, labels(several))}
}

// broker is the GUID that name means, among everyone known. Where no peers are
// known the name is taken for a GUID.
func (l *Local) broker(name string) (actors.ActorID, error) { return l.someone("broker", name) }

// someone is broker, for whatever the one of that name is said to be.
func (l *Local) someone(what, name string) (actors.ActorID, error) {
	all := l.known()
	found := match(name, len(all), func(i int) (string, string) { return string(all[i].ID), all[i].Name })
	switch {
	case name == "":
		return "", nil
	case len(found) == 1:
		return all[found[0]].ID, nil
	case len(found) == 0 && len(l.cfg.Peers()) == 0:
		return actors.ActorID(name), nil
	}
	var labels []string
	if len(found) == 0 {
		for _, loc := range all {
			labels = append(labels, loc.Name)
		}
		return "", check.Unknown(what, name, labels)
	}
	for _, i := range found {
		labels = append(labels, all[i].Name)
	}
	return "", ambiguous(what, name, labels)
}

// sighting is a reservation seen at an actor.
type sighting struct {
	actor Actor
	r     Reservation
}

// find is the one reservation that ref means, and the actor to ask about it. Only
// actors of the roles are considered; none given means all.
func (l *Local) find(ctx context.Context, op string, ref Ref, roles ...actors.Role) (Actor, Reservation, error) {
	fail := func(kind actors.Kind, err error) (Actor, Reservation, error) {
		return Actor{}, Reservation{}, &actors.Error{Op: op, Kind: kind, Err: err}
	}
	if ref.Reservation == "" {
		return fail(actors.Invalid, errors.New("no reservation was named"))
	}
	hosts, err := l.actors(op, ref.Actor)
	if err != nil {
		return Actor{}, Reservation{}, err
	}
	if len(roles) > 0 {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(a Actor) bool { return !slices.Contains(roles, a.Role) })
		if len(hosts) == 0 {
			return fail(actors.Invalid, fmt.Errorf("only a %v does this", roles[0]))
		}
	}
	seen, missing := l.sight(ctx, hosts, ref.Reservation)
	switch {
	case len(seen) == 0 && missing != nil:
		return fail(actors.Transient, missing)
	case len(seen) == 0:
		return fail(actors.NotFound, check.Unknown("reservation", ref.Reservation, l.reservations(ctx, hosts)))
	case len(seen) == 1:
		return seen[0].actor, seen[0].r, nil
	}
	if s, ok := client(seen); ok {
		return s.actor, s.r, nil
	}
	var labels []string
	for _, s := range seen {
		labels = append(labels, fmt.Sprintf("%s at %s (%s)", s.r.Reservation, s.r.Actor.Name, s.r.State))
	}
	return fail(actors.Invalid, ambiguous("reservation", ref.Reservation, labels))
}

// sight looks for a reservation at several actors: by its whole identity at all of
// them first, by its beginning only if nobody has that. missing tells of an actor
// that could not be asked.
func (l *Local) sight(ctx context.Context, hosts []Actor, name string) (seen []sighting, missing error) {
	n := l.names()
	for _, exact := range []bool{true, false} {
		for _, a := range hosts {
			err := l.inspect(ctx, a, func(v actors.Viewer) {
				if exact {
					if view, ok := v.View(actors.ReservationID(name)); ok {
						seen = append(seen, sighting{a, render(n, a, view)})
					}
					return
				}
				for _, view := range v.Views() {
					if strings.HasPrefix(string(view.Reservation), name) {
						seen = append(seen, sighting{a, render(n, a, view)})
					}
				}
			})
			missing = cmp.Or(missing, err)
		}
		if len(seen) > 0 {
			break
		}
	}
	return seen, missing
}

// reservations are the names that the actors know.
func (l *Local) reservations(ctx context.Context, hosts []Actor) (names []string) {
	for _, a := range hosts {
		_ = l.inspect(ctx, a, func(v actors.Viewer) { // whom we cannot ask cannot help
			for _, view := range v.Views() {
				names = append(names, string(view.Reservation))
			}
		})
	}
	return names
}

// client chooses among sightings of one reservation that of its service manager.
func client(seen []sighting) (chosen sighting, ok bool) {
	managers := 0
	for _, s := range seen {
		if s.r.Reservation != seen[0].r.Reservation {
			return sighting{}, false
		}
		if s.actor.Role == actors.RoleManager {
			chosen, managers = s, managers+1
		}
	}
	return chosen, managers == 1
}

func ambiguous(what, given string, candidates []string) error {
	if n := len(candidates); n > maxCandidates {
		candidates = append(candidates[:maxCandidates:maxCandidates], fmt.Sprintf("and %d more", n-maxCandidates))
	}
	return &AmbiguousError{What: what, Given: given, Candidates: candidates}
}
