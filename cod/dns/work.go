package dns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/dns/zones"
	"github.com/leasehold/leasehold/cod/feed"
)

// work is one session's knowledge and duties (feed.Keeper).
type work struct {
	f    *Follower
	dry  bool
	book zones.Book

	dirty    map[zones.Name]bool    // names to be sent
	refused  map[zones.Name]string  // those among them that the server does not take, and why
	compare  map[string]bool        // zones to be compared as a whole
	lines    map[string]*ZoneReport // what was found, by zone
	servers  map[zones.Name]bool    // of the zones compared, those that lie in them
	problems map[string]bool        // told already
}

func newWork(f *Follower, dry bool) *work {
	return &work{
		f: f, dry: dry, dirty: map[zones.Name]bool{}, refused: map[zones.Name]string{},
		compare: map[string]bool{}, lines: map[string]*ZoneReport{}, servers: map[zones.Name]bool{}, problems: map[string]bool{},
	}
}

// Take notes an event of the directory.
func (w *work) Take(ev directory.Event) {
	switch ev.Kind {
	case directory.Present:
		names, bad := w.book.Put(ev.ID, ev.Entry)
		w.complain(bad)
		w.touch(names)
	case directory.Gone:
		w.touch(w.book.Remove(ev.ID))
	case directory.Refreshed:
		w.CompareAll()
		w.f.Log.WithFields(logrus.Fields{"zones": len(w.book.Zones()), "names": len(w.dirty)}).Info("the directory has told everything")
	}
}

func (w *work) touch(names []zones.Name) {
	for _, n := range names {
		w.dirty[n] = true
		if n.Apex() { // a zone came, went or changed its default
			w.compare[n.Zone] = true
		}
	}
}

// CompareAll makes every zone that has an entry due for a comparison, and those
// that were added here and may have to go.
func (w *work) CompareAll() {
	for _, z := range w.book.Zones() {
		w.compare[z] = true
	}
	if w.f.Zones == nil {
		return
	}
	added, err := w.f.Zones.Added()
	if err != nil {
		w.f.Log.WithError(err).Error("cannot tell which zones were added")
		return
	}
	for _, z := range added {
		w.compare[z] = true
	}
}

// complain logs what is wrong with entries, each thing once.
func (w *work) complain(bad []zones.Problem) {
	for _, p := range bad {
		if !w.problems[p.String()] {
			w.problems[p.String()] = true
			w.f.Log.WithFields(logrus.Fields{"entry": p.DN, "attribute": p.Attr}).Warn("left out: " + p.Text)
		}
	}
}

// Settled reports whether there is nothing left to do for now.
func (w *work) Settled() bool { return len(w.dirty) == 0 && len(w.compare) == 0 }

func (w *work) line(zone string) *ZoneReport {
	if w.lines[zone] == nil {
		w.lines[zone] = &ZoneReport{Zone: zone}
	}
	return w.lines[zone]
}

// Flush does everything that is due; what fails stays due.
func (w *work) Flush(ctx context.Context) {
	own := w.book.Zones()
	for _, zone := range slices.Sorted(maps.Keys(w.compare)) {
		var err error
		if slices.Contains(own, zone) {
			err = w.compareZone(ctx, zone)
		} else {
			err = w.dropZone(ctx, zone, len(own))
		}
		w.outcome(zone, err)
		if err == nil {
			delete(w.compare, zone)
		}
	}
	byZone := map[string][]zones.Change{}
	for _, n := range slices.SortedFunc(maps.Keys(w.dirty), zones.Compare) {
		if w.compare[n.Zone] {
			continue // with its zone
		}
		want, bad := w.book.Records(n)
		w.complain(bad)
		if c := (zones.Change{Name: n, Want: want}); w.allowed(c) {
			byZone[n.Zone] = append(byZone[n.Zone], c)
		} else {
			delete(w.dirty, n)
		}
	}
	for _, zone := range slices.Sorted(maps.Keys(byZone)) {
		err := w.send(ctx, zone, byZone[zone])
		if errors.Is(err, ErrNoZone) && slices.Contains(own, zone) {
			w.compare[zone] = true // it may have to be added
			continue
		}
		w.outcome(zone, err)
	}
}

// outcome logs a zone's troubles when they begin, change or end.
func (w *work) outcome(zone string, err error) {
	line, text := w.line(zone), ""
	if err != nil {
		text = err.Error()
	}
	if text == line.Error {
		return
	}
	line.Error = text
	log := w.f.Log.WithField("zone", zone)
	if err != nil {
		log.WithError(err).Error("the zone is not as the directory says; trying again")
	} else {
		log.Info("the zone is as the directory says again")
	}
}

// send sends changes and takes their names off the list of those due, except for
// refused ones, which are logged once and tried again.
func (w *work) send(ctx context.Context, zone string, changes []zones.Change) error {
	var bad []Refusal
	if !w.dry && len(changes) > 0 {
		var err error
		if bad, err = w.f.Server.Apply(ctx, zone, changes); err != nil {
			return err
		}
	}
	for _, c := range changes {
		delete(w.dirty, c.Name)
	}
	was := w.refused
	w.refused = map[zones.Name]string{}
	for n, text := range was {
		if n.Zone != zone || !slices.ContainsFunc(changes, func(c zones.Change) bool { return c.Name == n }) {
			w.refused[n] = text
		}
	}
	for _, r := range bad {
		w.dirty[r.Name], w.refused[r.Name] = true, r.Err.Error()
		if was[r.Name] == "" {
			w.f.Log.WithError(r.Err).WithField("name", r.Name.Owner).Error("the name stays as it is")
		}
	}
	return nil
}

// compareZone makes a zone as the directory says, whatever the server has.
func (w *work) compareZone(ctx context.Context, zone string) error {
	line := w.line(zone)
	have, err := w.f.Server.Zone(ctx, zone)
	if errors.Is(err, ErrNoZone) && w.f.Zones != nil {
		start, bad := w.book.Start(zone)
		if bad != nil {
			return bad
		}
		line.Added = true
		if w.dry {
			have, err = nil, nil
		} else if err = w.f.Zones.Add(ctx, zone, start); err == nil {
			w.f.Log.WithField("zone", zone).Info("added to the name server")
			have, err = w.f.Server.Zone(ctx, zone)
		}
	}
	if err != nil {
		return err
	}
	changes, bad := w.book.Diff(zone, have)
	w.complain(bad)
	for _, n := range zones.NameServers(zone, have) {
		w.servers[n] = true
	}
	changes = slices.DeleteFunc(changes, func(c zones.Change) bool { return !w.allowed(c) })
	changes, line.Held = w.guard(zone, changes)
	for n := range w.dirty {
		if n.Zone == zone {
			delete(w.dirty, n)
		}
	}
	if err := w.send(ctx, zone, changes); err != nil {
		return err
	}
	line.Names, line.Changed = len(w.book.Names(zone)), nil
	for _, c := range changes {
		line.Changed = append(line.Changed, c.Name.Owner)
	}
	if len(changes) > 0 {
		w.f.Log.WithFields(logrus.Fields{"zone": zone, "changed": len(changes)}).Info("compared")
	}
	return nil
}

// allowed reports whether a change leaves a zone that can be loaded again: BIND
// refuses one whose own server has no address.
func (w *work) allowed(c zones.Change) bool {
	if !w.servers[c.Name] || zones.Addressed(c.Want) {
		return true
	}
	w.f.Log.WithField("name", c.Name.Owner).Error("this is a name server of its zone: its address stays, because the zone could not be loaded without one")
	return false
}

// guard holds back removals when a comparison would make too many.
func (w *work) guard(zone string, changes []zones.Change) (allowed []zones.Change, held int) {
	gone := 0
	for _, c := range changes {
		if len(c.Want) == 0 {
			gone++
		}
	}
	stay := len(w.book.Names(zone))
	if !feed.TooMany(gone, stay, w.f.MaxRemoval) {
		return changes, 0
	}
	w.f.Log.WithFields(logrus.Fields{"zone": zone, "would_go": gone, "would_stay": stay}).
		Error("nothing is removed: too many of the zone's names are not in the directory; if that is meant, allow it with --max-removal 100")
	return slices.DeleteFunc(changes, func(c zones.Change) bool { return len(c.Want) == 0 }), gone
}

// dropZone removes a zone that has no entry any more, if it was added here and the
// directory has others.
func (w *work) dropZone(ctx context.Context, zone string, others int) error {
	for n := range w.dirty {
		if n.Zone == zone && n.Apex() {
			delete(w.dirty, n)
		}
	}
	if w.f.Zones == nil {
		return nil
	}
	added, err := w.f.Zones.Added()
	if err != nil || !slices.Contains(added, zone) {
		return err
	}
	if others == 0 {
		w.line(zone).Held = 1
		return fmt.Errorf("zone %s is not removed: the directory has no zones at all", zone)
	}
	if w.dry {
		return nil
	}
	if err := w.f.Zones.Remove(ctx, zone); err != nil {
		return err
	}
	for n := range w.dirty {
		if n.Zone == zone {
			delete(w.dirty, n)
		}
	}
	delete(w.lines, zone)
	w.f.Log.WithField("zone", zone).Info("removed from the name server")
	return nil
}

// failures are the zones' errors, for those who asked for one round.
func (w *work) failures() (out []error) {
	for _, n := range slices.SortedFunc(maps.Keys(w.refused), zones.Compare) {
		out = append(out, fmt.Errorf("%s: %s", n.Owner, w.refused[n]))
	}
	for _, z := range slices.Sorted(maps.Keys(w.lines)) {
		switch line := w.lines[z]; {
		case line.Error != "":
			out = append(out, errors.New(line.Error))
		case line.Held > 0:
			out = append(out, fmt.Errorf("zone %s: %d names are not in the directory and were not removed", z, line.Held))
		}
	}
	return out
}

func (w *work) report() Report {
	r := Report{Zones: []ZoneReport{}, Problems: slices.Sorted(maps.Keys(w.problems))}
	for _, n := range slices.SortedFunc(maps.Keys(w.refused), zones.Compare) {
		r.Problems = append(r.Problems, n.Owner+": "+w.refused[n])
	}
	for _, z := range slices.Sorted(maps.Keys(w.lines)) {
		r.Zones = append(r.Zones, *w.lines[z])
	}
	return r
}
