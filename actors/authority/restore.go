package authority

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// Restore puts back one record (actors.Machine). Records come in key order, so
// exports and hosts are there before the reservations that use them. Hosts that are
// named in a reservation nobody can read may carry somebody's work: they are spared
// until the record is mended or dropped. So are those of a part, until its reservation
// is there.
func (a *Actor) Restore(rec actors.Stored) error {
	a.let(rec.Key)
	err := a.restore(rec)
	id, whole := strings.CutPrefix(rec.Key, reservationPrefix)
	if err != nil && (whole || strings.HasPrefix(rec.Key, actors.PartPrefix)) {
		for _, name := range slices.Sorted(maps.Keys(a.hosts.hosts)) {
			if bytes.Contains(rec.Data, []byte(strconv.Quote(name))) {
				a.spare(rec.Key, name)
			}
		}
	}
	if err != nil && whole {
		a.spareParts(actors.ReservationID(id))
	}
	return err
}

// spare keeps a host from being leased, if it is free, because of a record.
func (a *Actor) spare(because, name string) {
	if h := a.hosts.hosts[name]; h != nil && h.holder == "" {
		a.spared[because] = append(a.spared[because], name)
		a.hosts.hold(name, actors.ReservationID(because))
	}
}

// spareParts does so with the hosts of a lease whose parts alone have been restored.
func (a *Actor) spareParts(id actors.ReservationID) {
	for u := range a.parts.Of(id).All() {
		a.spare(key(id), u.Host)
	}
}

// let makes the hosts free again that were spared because of a record.
func (a *Actor) let(key string) {
	for _, name := range a.spared[key] {
		a.hosts.hold(name, "")
	}
	delete(a.spared, key)
}

// LetGo hears that a record will not be mended (actors.Sparer). With a reservation's
// go those of its units.
func (a *Actor) LetGo(now actors.Cycle, key string) actors.Effects {
	var fx actors.Effects
	if id, whole := strings.CutPrefix(key, reservationPrefix); whole {
		fx.Save = a.parts.Forget(actors.ReservationID(id))
	}
	a.let(key)
	a.feed(now)
	fx.Wake = a.agenda.Next()
	return fx
}

// assemble gives a reservation the units that were restored as its parts, if its hosts
// are nobody else's.
func (a *Actor) assemble(r *Reservation) error {
	if err := a.parts.Join(&r.Units, r.ID, r.Parts); err != nil {
		return err
	}
	if err := a.vacant(*r); err != nil {
		return err
	}
	delete(a.parts, r.ID)
	return nil
}

// vacant says whose unit is on one of the hosts that a reservation has units on.
func (a *Actor) vacant(r Reservation) error {
	for u := range r.Units.All() {
		if h := a.hosts.hosts[u.Host]; h != nil && h.holder != "" && h.holder != r.ID {
			return fmt.Errorf("its unit %s is on host %s, which has a unit of %s", u.ID, u.Host, h.holder)
		}
	}
	return nil
}

func (a *Actor) restore(rec actors.Stored) error {
	bad := func(err error) error { return fmt.Errorf("authority: record %q: %w", rec.Key, err) }
	kind, id, _ := strings.Cut(rec.Key, "/")
	switch kind + "/" {
	case exportPrefix:
		var d actors.Delegation
		if err := json.Unmarshal(rec.Data, &d); err != nil {
			return bad(err)
		}
		if string(d.ID) != id || d.Units < 1 {
			return bad(fmt.Errorf("it is about delegation %q of %d units", d.ID, d.Units))
		}
		a.exports[d.ID] = d
	case pacePrefix:
		if err := a.paces.restore(actors.ResourceType(id), rec.Data); err != nil {
			return bad(err)
		}
	case hostPrefix:
		var h host
		if err := json.Unmarshal(rec.Data, &h); err != nil {
			return bad(err)
		}
		if h.Name != id || h.Type == "" {
			return bad(fmt.Errorf("it is about host %q of type %q", h.Name, h.Type))
		}
		a.hosts.add(h)
	case reservationPrefix:
		var r Reservation
		if err := json.Unmarshal(rec.Data, &r); err != nil {
			return bad(err)
		}
		if string(r.ID) != id {
			return bad(fmt.Errorf("it is about reservation %q", r.ID))
		}
		if err := Moves.Check(r.Status, r.Status); err != nil {
			return bad(err)
		}
		if err := a.assemble(&r); err != nil {
			return bad(err)
		}
		if r.Begun == 0 && r.Units.In(actors.UnitPriming, actors.UnitModifying, actors.UnitClosing) {
			r.Begun = max(r.Since, 1) // a record from before actions had a deadline
		}
		a.put(r, nil)
		a.count(r)
	case actors.PartPrefix:
		of, units, err := a.parts.Restore(rec)
		if err != nil {
			return bad(err)
		}
		if _, there := a.book[of]; there {
			delete(a.parts, of)
			return bad(fmt.Errorf("its reservation is there without it"))
		}
		for u := range units.All() {
			a.spare(key(of), u.Host)
		}
	case actors.EvidencePrefix:
		if err := a.archive.Restore(id, rec.Data); err != nil {
			return bad(err)
		}
	default:
		return bad(fmt.Errorf("of no kind known here"))
	}
	return nil
}

// count puts a lease's tickets back into the ledger, unless it was closed before it
// was redeemed.
func (a *Actor) count(r Reservation) {
	until := actors.Forever
	if r.Released != 0 {
		until = r.Released - 1
	}
	if until < r.Ticket.Term.NewStart && len(r.Earlier) == 0 {
		return
	}
	for _, t := range r.Earlier {
		a.ledger.Restore(r.ID, t, until)
	}
	a.ledger.Restore(r.ID, r.Ticket, until)
}

// Recover is what every reservation still owes (actors.Machine): actions whose
// results were not heard run again under their old sequence numbers. An answer
// that was lost is repeated when the client asks again.
func (a *Actor) Recover(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	a.recovered = now
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		if owed := a.book[id].owed(nil); len(owed) > 0 {
			fx.Run = append(fx.Run, owed...)
			a.agenda.Set(id, a.due(a.book[id]))
		}
	}
	fx.Wake = a.agenda.Next()
	return fx
}

// View shows one reservation (actors.Viewer).
func (a *Actor) View(id actors.ReservationID) (actors.View, bool) {
	r, ok := a.book[id]
	if !ok {
		return actors.View{}, false
	}
	return a.view(r), true
}

// Views shows all reservations in order of their names (actors.Viewer).
func (a *Actor) Views() []actors.View {
	out := make([]actors.View, 0, len(a.book))
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		out = append(out, a.view(a.book[id]))
	}
	return out
}

func (a *Actor) view(r Reservation) actors.View {
	v := actors.View{Reservation: r.ID, Slice: r.Slice, Role: actors.RoleAuthority.String(), State: r.Status.State.String(),
		Pending: r.Status.Pending.String(), Type: r.Type, Units: r.Ticket.Units, Term: r.Term, Client: r.Client,
		Broker: r.Ticket.Issuer, Authority: a.config.Self.ID, Held: r.Units.List(), LeaseSeq: r.Sequence, Since: r.Since, Error: r.Error,
		Next: "close", NextAt: a.due(r), Deadline: a.expiry(r)}
	switch {
	case a.starved[r.ID]:
		v.Waiting, v.Next, v.NextAt = a.starving(r), "assign hosts", max(r.Start, r.Since)
	case r.Status == redeeming, r.Status == extending:
		v.Waiting, v.Next, v.NextAt = "its start", "assign hosts", r.Start
	case r.Status == priming:
		v.Waiting, v.Deadline = "units to be set up", a.deadline(r)
	case r.Status == repriming && r.Modify > 0:
		v.Waiting, v.Deadline = fmt.Sprintf("modify %d on every unit", r.Modify), a.deadline(r)
	case r.Status == repriming:
		v.Waiting, v.Deadline = "units to be set up, kept or taken away", a.deadline(r)
	case r.Status.Pending == actors.Closing:
		v.Waiting, v.Next, v.Deadline = "units to be torn down", "tear down again", a.patience(r)
		if r.Retry != 0 {
			v.Waiting = "a failed teardown"
		}
	case r.Status == closed:
		v.Next, v.Deadline = "forget", 0
	}
	return v
}

// deadline is when units that are being set up are waited for no longer.
func (a *Actor) deadline(r Reservation) actors.Cycle {
	return min(max(r.Begun, r.Since)+a.config.ActionTime, a.expiry(r))
}

// patience is when every host that cannot be torn down is in quarantine at the latest.
func (a *Actor) patience(r Reservation) actors.Cycle {
	tries := a.config.Attempts
	for u := range r.Units.All() {
		tries = min(tries, a.config.Attempts-u.Attempts)
	}
	left := actors.Cycle(0)
	for try := a.config.Attempts - max(tries, 1) + 1; try <= a.config.Attempts; try++ {
		left += a.config.ActionTime + 1<<min(try, 10)
	}
	return max(r.Begun, r.Since) + left
}

// starving says what a lease that is due still lacks.
func (a *Actor) starving(r Reservation) string {
	return fmt.Sprintf("free hosts: %d of type %q exist", a.hosts.count(r.Type), r.Type)
}

// Delegations lists what this site has exported (actors.Delegator).
func (a *Actor) Delegations(from, to actors.Millis) []actors.Delegated {
	out := make([]actors.Delegated, 0, len(a.exports))
	for _, id := range slices.Sorted(maps.Keys(a.exports)) {
		x := a.exports[id]
		out = append(out, actors.Delegated{Delegation: x, Redeemed: a.ledger.Redeemed(x, from, to)})
	}
	return out
}
