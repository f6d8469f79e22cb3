package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
)

// call makes one try at delivering m as a call of XML-RPC.
func (r *Remote) call(ctx context.Context, m actors.Message, peer registry.Peer) result {
	self := r.cfg.Location
	self.URL = r.cfg.Calls
	w, err := r.outgoing(m, self)
	if err != nil {
		return unsent(err)
	}
	method, request, err := leasing.Encode(w)
	if err != nil {
		return unsent(err)
	}
	auth, err := r.sealed(m, peer).Call(method, request)
	if err != nil {
		return unsent(err)
	}
	sent := r.cfg.Clock.Now()
	a, err := r.calls.Call(ctx, target(peer, m), xmlrpc.Call{Method: method, Params: []xmlrpc.Value{auth, request}})
	received := r.cfg.Clock.Now()
	var res result
	var fault *xmlrpc.Fault
	switch {
	case err == nil:
		res = r.outcome(method, a.Value, peer, m.ID)
	case errors.As(err, &fault): // nobody signs those
		f := leasing.FaultOf(fault)
		res = result{answer: hinted, kind: translate.KindOf(f), err: fmt.Errorf("unsigned %w", fault)}
	case errors.As(err, new(*wire.Error)):
		return unsent(err)
	default:
		return result{answer: unanswered, err: err, sent: a.Sent}
	}
	r.compare(peer, res, a.Date, sent, received)
	res.sent = a.Sent
	return res
}

// outcome judges the result of a call. Only what the peer signed for this very call is
// its word.
func (r *Remote) outcome(method string, value xmlrpc.Value, peer registry.Peer, nonce string) result {
	verified, err := wssec.OpenResult(method, value, wssec.Opening{
		Trust: r.cfg.Registry, Self: r.cfg.Self.GUID, Now: r.cfg.Clock.Now(), Skew: r.cfg.Skew,
		Policy: r.cfg.Registry.Policy, Cache: &r.certs,
	}, string(peer.ID), []byte(nonce))
	said := leasing.Outcome(value)
	var fault wire.Fault
	refused := errors.As(said, &fault)
	switch {
	case err != nil && refused:
		return result{answer: hinted, kind: translate.KindOf(fault), err: fmt.Errorf("unsigned %w", fault)}
	case err != nil:
		return result{answer: unanswered, err: err}
	case said == nil:
		return result{answer: delivered, created: verified.Created()}
	case refused:
		return result{answer: faulted, kind: translate.KindOf(fault), err: fault, created: verified.Created()}
	}
	return result{answer: unanswered, err: said, created: verified.Created()}
}
