package manage

import (
	"context"
	"net/http"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
)

// PeerClock is how far the clock of a peer is from ours, by the times in its
// messages. It is for people: no lease depends on it.
type PeerClock struct {
	Actor           Party     `json:"actor"` // of this process, whose peer it is
	Peer            Party     `json:"peer"`
	AheadMillis     int64     `json:"aheadMillis"`     // negative: behind
	UncertainMillis int64     `json:"uncertainMillis"` // by how much that may be wrong
	Measured        time.Time `json:"measured"`        // the last message that said anything
	Samples         int       `json:"samples"`
	Beyond          bool      `json:"beyond,omitempty"` // further off than a cycle
}

// Estimate says it for people.
func (c PeerClock) Estimate() string {
	ahead, by := time.Duration(c.AheadMillis)*time.Millisecond, time.Duration(c.UncertainMillis)*time.Millisecond
	return clock.Offset{Low: ahead - by, High: ahead + by}.String()
}

// Clocks lists the peers whose clocks could be measured, by actor in the order of
// configuration, then by the order of the peers.
func (l *Local) Clocks(context.Context) ([]PeerClock, error) {
	out, names := []PeerClock{}, l.names()
	for _, a := range l.cfg.Actors {
		seen := map[actors.ActorID]bool{}
		for _, peer := range l.known() {
			if seen[peer.ID] {
				continue
			}
			seen[peer.ID] = true
			o, known := a.Clocks.Of(string(peer.ID), l.cfg.Waits.Now())
			if !known {
				continue
			}
			ahead, by := o.Estimate()
			out = append(out, PeerClock{Actor: *names.party(a.Location.ID), Peer: *names.party(peer.ID),
				AheadMillis: ahead.Milliseconds(), UncertainMillis: (by + time.Millisecond - 1).Milliseconds(),
				Measured: o.Measured.UTC(), Samples: o.Samples, Beyond: o.Beyond})
		}
	}
	return out, nil
}

// clocks is the answer of GET /v1/clocks.
type clocks struct {
	Clocks []PeerClock `json:"clocks"`
}

func (h *handler) clocks(r *http.Request) (any, error) {
	if _, err := query(r); err != nil {
		return nil, invalid("manage.clocks", err.Error())
	}
	all, err := h.service.Clocks(r.Context())
	return clocks{all}, err
}

// Clocks lists the peers whose clocks could be measured.
func (c *Client) Clocks(ctx context.Context) ([]PeerClock, error) {
	var out clocks
	err := c.get(ctx, "/v1/clocks", nil, &out)
	return out.Clocks, err
}
