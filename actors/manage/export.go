package manage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/clock"
)

// Export asks a site to delegate units to a broker.
type Export struct {
	// Actor is the site, as in Ref. It may be empty if there is only one.
	Actor string `json:"actor,omitempty"`
	// To is the broker: a name or a GUID, or the unique beginning of one.
	To string `json:"to"`
	// Type of the resource, such as "site1.node".
	Type string `json:"type"`
	// Units is how many, at least 1.
	Units int `json:"units"`
	// Start is a time as ParseTime reads it; empty means the beginning of the site's
	// clock, as in the configuration.
	Start string `json:"start,omitempty"`
	// End is a time as ParseTime reads it, the first instant no longer covered.
	// Exactly one of End and Length is given.
	End    string `json:"end,omitempty"`
	Length string `json:"length,omitempty"`
	// Properties are certified with it: the sizes of hosts (cpu, memory, bandwidth,
	// storage; hosts is how many the units are cut from) and anything else.
	Properties map[string]string `json:"properties,omitempty"`
}

// Delegation is units that a site has delegated to a broker.
type Delegation struct {
	ID         string            `json:"id"`     // what the broker claims it by
	Actor      Party             `json:"actor"`  // the site
	Holder     Party             `json:"holder"` // the broker
	Type       string            `json:"type"`
	Units      int               `json:"units"`
	Redeemed   int               `json:"redeemed"`       // the most of them leased at once from now on
	Start      time.Time         `json:"start,omitzero"` // first instant
	End        time.Time         `json:"end,omitzero"`   // first instant no longer covered; absent: without end
	Properties map[string]string `json:"properties,omitempty"`
	Claimed    string            `json:"claimed,omitempty"` // the broker here that was made to claim it
}

// Claim asks a broker to fetch an export.
type Claim struct {
	Actor       string `json:"actor,omitempty"` // the broker, as in Ref; empty if there is only one
	From        string `json:"from"`            // the site: a name or a GUID, or the unique beginning of one
	Reservation string `json:"reservation"`     // what the site calls the export
}

// only is the one actor of a role that name means.
func (l *Local) only(op, name string, role actors.Role) (Actor, error) {
	all, err := l.actors(op, name)
	if err != nil {
		return Actor{}, err
	}
	var found []Actor
	var labels []string
	for _, a := range all {
		if a.Role == role {
			found, labels = append(found, a), append(labels, a.Location.Name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Actor{}, &actors.Error{Op: op, Kind: actors.Invalid, Err: ambiguous(role.String(), name, labels)}
	case name != "":
		return Actor{}, invalid(op, fmt.Sprintf("%s has the role %v, not %v", all[0].Location.Name, all[0].Role, role))
	}
	return Actor{}, invalid(op, fmt.Sprintf("nobody here has the role %v", role))
}

// Export delegates units of a site to a broker.
func (l *Local) Export(ctx context.Context, e Export) (Delegation, error) {
	const op = "manage.export"
	a, err := l.only(op, e.Actor, actors.RoleAuthority)
	if err != nil {
		return Delegation{}, err
	}
	ev, problems := l.export(a, e)
	if len(problems) > 0 {
		return Delegation{}, invalid(op, problems...)
	}
	if err := a.Host.Ask(ctx, ev); err != nil {
		return Delegation{}, err
	}
	out := Delegation{}
	all, err := l.Delegations(ctx, string(a.Location.ID))
	for _, d := range all {
		if d.Holder.ID == string(ev.Holder) && d.Type == e.Type && d.Units == e.Units && d.Start.Equal(instant(ev.Term.Start)) &&
			d.End.Equal(ending(ev.Term.End)) && sameProperties(d.Properties, e.Properties) {
			out = d
		}
	}
	if err != nil || out.ID == "" {
		return out, errors.Join(err, errors.New("the delegation was made and cannot be shown"))
	}
	for _, b := range l.cfg.Actors {
		if b.Location.ID == ev.Holder && b.Role == actors.RoleBroker {
			out.Claimed = b.Location.Name
			return out, b.Host.Ask(ctx, actors.Claim{Reservation: actors.ReservationID(out.ID), Authority: a.Location.ID})
		}
	}
	return out, nil
}

func sameProperties(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

// export is the event that an export means, or everything that is wrong with it.
func (l *Local) export(a Actor, e Export) (actors.Export, []string) {
	var problems []string
	note := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	holder, err := l.broker(e.To)
	note(err)
	note(check.Named("to", e.To, "say to whom the units are delegated"))
	note(check.Named("type", e.Type, "say what to delegate"))
	note(check.Units(e.Units))
	note(properties("properties", e.Properties))
	now := l.now()
	start := clock.Time(max(1, a.Cycles.Begin))
	if e.Start != "" {
		start, err = ParseTime(e.Start, now)
		note(err)
	}
	from := now
	if e.Start != "" {
		from = start
	}
	end, err := until(e.End, e.Length, now, from)
	term := actors.NewTerm(clock.Millis(start), clock.Millis(end)-1)
	if err == nil {
		err = check.Form(term)
	}
	if err == nil && !end.After(now) { // it may well have begun long ago
		err = check.Term(clock.Millis(now), actors.NewTerm(term.End-1, term.End))
	}
	note(err)
	var props actors.Properties
	if len(e.Properties) > 0 {
		props = e.Properties
	}
	return actors.Export{Holder: holder, Type: actors.ResourceType(e.Type), Units: e.Units, Properties: props,
		Term: term}, problems
}

// Delegations lists what sites have exported.
func (l *Local) Delegations(ctx context.Context, actor string) ([]Delegation, error) {
	out, n := []Delegation{}, l.names()
	now := clock.Millis(l.cfg.Clock.Now())
	err := l.each(ctx, "manage.delegations", actor, func(a Actor, v actors.Viewer) {
		d, ok := v.(actors.Delegator)
		if !ok {
			return
		}
		for _, x := range d.Delegations(now, actors.Forever) {
			out = append(out, Delegation{
				ID: string(x.ID), Actor: *n.party(a.Location.ID), Holder: *n.party(x.Holder), Type: string(x.Type), Units: x.Units,
				Redeemed: x.Redeemed, Start: instant(x.Term.Start), End: ending(x.Term.End), Properties: x.Properties,
			})
		}
	})
	return out, err
}

// Claim makes a broker fetch what a site has exported to it.
func (l *Local) Claim(ctx context.Context, c Claim) error {
	const op = "manage.claim"
	a, err := l.only(op, c.Actor, actors.RoleBroker)
	if err != nil {
		return err
	}
	if err := check.Name("reservation", c.Reservation); err != nil {
		return invalid(op, err.Error())
	}
	site, err := l.someone("site", c.From)
	switch {
	case err != nil:
		return invalid(op, err.Error())
	case c.From == "" || c.Reservation == "":
		return invalid(op, "say what to claim and from whom: reservation and from")
	}
	return a.Host.Ask(ctx, actors.Claim{Reservation: actors.ReservationID(c.Reservation), Authority: site})
}

// each looks at the actors that name means, all of them if it is empty. What cannot
// be asked is told by an error that is ErrPartial, unless it is the only one.
func (l *Local) each(ctx context.Context, op, name string, look func(Actor, actors.Viewer)) error {
	hosts, err := l.actors(op, name)
	if err != nil {
		return err
	}
	var missing []error
	for _, a := range hosts {
		if err := l.inspect(ctx, a, func(v actors.Viewer) { look(a, v) }); err != nil {
			missing = append(missing, fmt.Errorf("%s: %w", a.Location.Name, err))
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case len(missing) == len(hosts):
		return missing[0]
	}
	return partial(missing)
}

func (h *handler) export(r *http.Request) (any, error) {
	var e Export
	if err := read(r, "manage.export", &e); err != nil {
		return nil, err
	}
	return h.service.Export(r.Context(), e)
}

func (h *handler) delegations(r *http.Request) (any, error) {
	q, err := query(r, "actor")
	if err != nil {
		return nil, invalid("manage.delegations", err.Error())
	}
	all, err := h.service.Delegations(r.Context(), q.Get("actor"))
	return delegations{all, incomplete(&err)}, err
}

type delegations struct {
	Delegations []Delegation `json:"delegations"`
	Incomplete  string       `json:"incomplete,omitempty"`
}

// incomplete takes an ErrPartial out of an answer that shows the rest, and says what
// is missing.
func incomplete(err *error) string {
	if !errors.Is(*err, ErrPartial) {
		return ""
	}
	why := (*err).Error()
	*err = nil
	return why
}

// rest is incomplete at the other end.
func rest(why string) error {
	if why == "" {
		return nil
	}
	p := problemOf(ErrPartial)
	p.Detail = why
	return &remoteError{p}
}

func (h *handler) claim(r *http.Request) (any, error) {
	var c Claim
	if err := read(r, "manage.claim", &c); err != nil {
		return nil, err
	}
	return struct{}{}, h.service.Claim(r.Context(), c)
}

// Export delegates units of a site to a broker.
func (c *Client) Export(ctx context.Context, e Export) (out Delegation, err error) {
	return out, c.post(ctx, "/v1/delegations", nil, e, &out)
}

// Delegations lists what sites have exported.
func (c *Client) Delegations(ctx context.Context, actor string) ([]Delegation, error) {
	var out delegations
	if err := c.get(ctx, "/v1/delegations", Filter{Actor: actor}.query(), &out); err != nil {
		return nil, err
	}
	return out.Delegations, rest(out.Incomplete)
}

// Claim makes a broker fetch what a site has exported to it.
func (c *Client) Claim(ctx context.Context, cl Claim) error {
	return c.post(ctx, "/v1/claims", nil, cl, &struct{}{})
}

// begins finds the one of several names that begins as given.
func begins(op, what, given string, names []string) (int, error) {
	var found []int
	for i, n := range names {
		if n == given {
			return i, nil
		}
		if given != "" && strings.HasPrefix(n, given) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, &actors.Error{Op: op, Kind: actors.NotFound, Err: check.Unknown(what, given, names)}
	}
	var several []string
	for _, i := range found {
		several = append(several, names[i])
	}
	slices.Sort(several)
	return 0, &actors.Error{Op: op, Kind: actors.Invalid, Err: ambiguous(what, given, several)}
}
