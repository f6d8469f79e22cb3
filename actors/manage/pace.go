package manage

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Pace is how long set-up and teardown of units of a type usually take at a site of this
// process: the median, and what 19 of 20 stay below. They are 0 while nothing is known.
type Pace struct {
	Actor        Party         `json:"actor"`
	Type         string        `json:"type"`
	Setup        time.Duration `json:"setup"` // nanoseconds, as all of them
	SetupSlow    time.Duration `json:"setupSlow"`
	Setups       int           `json:"setups"` // measured, old ones counting less
	Teardown     time.Duration `json:"teardown"`
	TeardownSlow time.Duration `json:"teardownSlow"`
	Teardowns    int           `json:"teardowns"`
}

// Usable is the share of a term that is left when the units are set up, from 0 to 1, at
// the usual pace and at a slow one.
func (p Pace) Usable(term time.Duration) (usual, slow float64) {
	left := func(setup time.Duration) float64 {
		if term <= setup {
			return 0
		}
		return 1 - float64(setup)/float64(term)
	}
	return left(p.Setup), left(p.SetupSlow)
}

// Advise says what a lessee should know about a term of that length: one line, or two
// when it is short. Nothing when nothing was measured.
func (p Pace) Advise(term time.Duration) []string {
	if p.Setups == 0 || term <= 0 {
		return nil
	}
	usual, slow := p.Usable(term)
	out := []string{fmt.Sprintf("at %s set-up takes %s, up to %s, of the term itself: %.0f%% of it is of use, at least %.0f%%",
		p.Actor.Name, short(p.Setup), short(p.SetupSlow), 100*usual, 100*slow)}
	if p.Teardowns > 0 {
		out[0] += fmt.Sprintf("; teardown of the lease before may delay it by %s", short(p.TeardownSlow))
	}
	switch {
	case term <= p.Setup:
		out = append(out, "warning: the term is over before its units are usually up")
	case slow < 0.5:
		out = append(out, "warning: the term is short: half of it and more may go into setting up its units")
	}
	return out
}

// short is a duration as people say it.
func short(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// Paces lists how long set-up and teardown take, by site and type.
func (l *Local) Paces(ctx context.Context, actor string) ([]Pace, error) {
	n, out := l.names(), []Pace{}
	ms := func(m actors.Millis) time.Duration { return time.Duration(m) * time.Millisecond }
	err := l.each(ctx, "manage.paces", actor, func(a Actor, v actors.Viewer) {
		if t, ok := v.(actors.Timed); ok {
			for _, p := range t.Paces() {
				out = append(out, Pace{Actor: *n.party(a.Location.ID), Type: string(p.Type), Setup: ms(p.Setup), SetupSlow: ms(p.SetupSlow), Setups: p.Setups,
					Teardown: ms(p.Teardown), TeardownSlow: ms(p.TeardownSlow), Teardowns: p.Teardowns})
			}
		}
	})
	return out, err
}

// advise adds to forecasts what the sites of this process know about their terms.
func (l *Local) advise(ctx context.Context, requests []actors.Request, out []Forecast) {
	all, _ := l.Paces(ctx, "") // what is not known is not said
	for i, r := range requests {
		for _, p := range all {
			if p.Type == string(r.Type) {
				out[i].Details = append(out[i].Details, p.Advise(time.Duration(r.Term.End-r.Term.Start+1)*time.Millisecond)...)
			}
		}
	}
}

type paces struct {
	Paces      []Pace `json:"paces"`
	Incomplete string `json:"incomplete,omitempty"`
}

func (h *handler) paces(r *http.Request) (any, error) {
	q, err := query(r, "actor")
	if err != nil {
		return nil, invalid("manage.paces", err.Error())
	}
	all, err := h.service.Paces(r.Context(), q.Get("actor"))
	if all != nil && err != nil {
		return paces{all, err.Error()}, nil
	}
	return paces{Paces: all}, err
}

// Paces lists how long set-up and teardown take, by site and type.
func (c *Client) Paces(ctx context.Context, actor string) ([]Pace, error) {
	var out paces
	if err := c.get(ctx, "/v1/paces", Ref{Actor: actor}.query(), &out); err != nil {
		return nil, err
	}
	return out.Paces, rest(out.Incomplete)
}
