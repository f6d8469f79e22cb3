package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
)

// exchange is what is known about a request so far; later stages fill it in, and
// the log shows it however far it came.
type exchange struct {
	op      wire.Operation
	peer    registry.Peer // zero until the request is verified
	claim   string        // message id
	about   string        // reservation
	message actors.Message
	confirm []byte // signature value of the request; nil until it is verified
	undated string // replay key of a legacy request that was remembered
	read    int
}

// serve takes one request through all stages. The error says why it stopped.
func (e *Endpoint) serve(x *exchange, w http.ResponseWriter, r *http.Request) (err error) {
	if x.op, err = e.admit(r); err != nil {
		return err
	}
	data, err := e.read(w, r)
	if err != nil {
		return err
	}
	x.read = len(data)
	if data, err = unpack(r, data); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), e.cfg.Wait)
	defer cancel()
	if err := e.check(ctx, x, data); errors.Is(err, errTaken) {
		return nil
	} else if err != nil {
		return err
	}
	return e.ask(ctx, x)
}

// ask hands the message to the actor.
func (e *Endpoint) ask(ctx context.Context, x *exchange) error {
	err := e.cfg.Ask(ctx, actors.Receive{Message: x.message})
	switch {
	case err == nil:
		return nil
	case actors.KindOf(err) == actors.Other && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		return &actors.Error{Op: "endpoint.ask", Kind: actors.Transient, Err: err} // the actor may take it yet
	case x.undated != "":
		// The actor refused, so nothing happened: the same octets may come again. The
		// record in the journal stays, and at worst refuses them after a restart.
		e.once.Forget(string(x.peer.ID), x.undated)
	}
	return err
}

// check turns octets into a message that a permitted peer signed for this actor.
// Signatures cost a core, so no more requests are here at once than there are
// cores; the rest wait in line.
func (e *Endpoint) check(ctx context.Context, x *exchange, data []byte) error {
	select {
	case e.checks <- struct{}{}:
		defer func() { <-e.checks }()
	case <-ctx.Done():
		return &actors.Error{Op: "endpoint.check", Kind: actors.Transient, Err: ctx.Err()}
	}
	doc, err := xmltree.Parse(data, xmltree.DefaultLimits())
	if err != nil {
		return &actors.Error{Op: "endpoint.parse", Kind: actors.Invalid, Err: err}
	}
	verified, err := e.open(x, doc)
	if err != nil {
		return &actors.Error{Op: "endpoint.open", Kind: actors.Denied, Err: err}
	}
	return e.decode(x, verified)
}

// open authenticates a request: signed by the pinned key of a registered peer,
// for this actor, just now and not seen before, as far as the peer's profile says
// for whom and when.
func (e *Endpoint) open(x *exchange, doc *xmltree.Document) (wssec.Verified, error) {
	now := e.cfg.Clock.Now()
	v, err := wssec.OpenRequest(doc, e.opening(now))
	if err != nil {
		return v, err
	}
	return v, e.known(x, v, now)
}

func (e *Endpoint) opening(now time.Time) wssec.Opening {
	return wssec.Opening{
		Trust: e.cfg.Registry, Self: e.cfg.Self.GUID, Now: now, NotBefore: e.since, Skew: e.cfg.Skew,
		Policy: e.cfg.Registry.Policy, Cache: &e.certs, Strength: &e.strong,
	}
}

// known looks at who signed: a peer, under its registered name, and not with what was
// seen before.
func (e *Endpoint) known(x *exchange, v wssec.Verified, now time.Time) error {
	x.claim = v.MessageID()
	peer, ok := e.cfg.Registry.Peer(actors.ActorID(v.GUID()))
	switch {
	case !ok: // left the registry a moment ago
		return fmt.Errorf("peer %s is not registered", v.GUID())
	case v.Name() != peer.Name:
		return fmt.Errorf("peer %q calls itself %q", peer.Name, wire.Clip(v.Name()))
	case v.Dated() && e.replay.Seen(v.ReplayKey(), v.Created()):
		return fmt.Errorf("message %q of peer %q was seen before", wire.Clip(v.MessageID()), peer.Name)
	}
	if !v.Created().IsZero() {
		e.cfg.Clocks.Asked(v.GUID(), v.Created(), now)
	}
	x.peer, x.confirm = peer, v.SignatureValue()
	return nil
}

// errTaken means that the actor has taken this very message before. Java clients
// send the octets of a request again when a connection breaks (wire contract 1.2),
// and an answer that never arrived is owed to them; the actor hears nothing.
var errTaken = errors.New("message was taken before")

// remember makes sure that an undated message is acted on once, before it is.
func (e *Endpoint) remember(x *exchange, v wssec.Verified) error {
	if v.Dated() {
		return nil
	}
	record, err := e.once.First(v.GUID(), v.ReplayKey(), e.cfg.Clock.Now())
	switch {
	case errors.Is(err, wssec.ErrRepeated):
		return errTaken
	case err != nil:
		return &actors.Error{Op: "endpoint.remember", Kind: actors.Exhausted, Err: err}
	}
	if _, noted := e.noted.Load(v.GUID()); !noted && e.strong.Has(v.GUID()) {
		record = append(record, wssec.RequestsRecord(v.GUID())...)
		e.noted.Store(v.GUID(), true)
	}
	if err := e.cfg.Journal.append(record); err != nil {
		e.once.Forget(v.GUID(), v.ReplayKey())
		e.noted.Delete(v.GUID())
		return &actors.Error{Op: "endpoint.remember", Kind: actors.Transient, Err: err}
	}
	x.undated = v.ReplayKey()
	return nil
}

// decode reads what was signed and checks what signatures cannot say: that it is
// the operation that was asked for, that this peer may ask it, and that tickets
// belong where they are.
func (e *Endpoint) decode(x *exchange, v wssec.Verified) error {
	fail := func(kind actors.Kind, err error) error {
		return &actors.Error{Op: "endpoint." + x.op.Name, Kind: kind, Err: err}
	}
	if body := v.Body(); !body.Is(soap.ServicesNS, x.op.Name) {
		return fail(actors.Invalid, fmt.Errorf("SOAPAction says %q, the body {%s}%s", x.op.Name, wire.Clip(body.Space()), wire.Clip(body.Local())))
	}
	// Before the body is decoded: a peer that may not ask costs no more than this.
	if err := e.permitted(x.peer, actors.Op(x.op.Op)); err != nil {
		return fail(actors.Denied, err)
	}
	m, err := soap.DecodeBody(v.Body())
	if err != nil {
		return fail(actors.Invalid, err)
	}
	if v.Profile() == wssec.Strict && m.MessageID != v.MessageID() {
		return fail(actors.Invalid, fmt.Errorf("message id %q in the header, %q in the body", wire.Clip(v.MessageID()), wire.Clip(m.MessageID)))
	}
	return e.understand(x, v, m)
}

// understand turns a message that a permitted peer signed into what the actor is to
// hear, whatever it was written in.
func (e *Endpoint) understand(x *exchange, v wssec.Verified, m wire.Message) error {
	deny := func(err error) error {
		return &actors.Error{Op: "endpoint." + x.op.Name, Kind: actors.Denied, Err: err}
	}
	x.about, x.claim = m.Reservation.ID, m.MessageID
	var found proof
	in, err := translate.Incoming(m, x.peer.ID, func(text string) (t actors.Ticket, err error) {
		found, err = e.verify(text, x.peer)
		return found.ticket, err
	})
	if err != nil {
		return err
	}
	in.To = e.cfg.Location.ID
	if in.Ticket != nil {
		if err := e.checkTicket(in, found, v.Key()); err != nil {
			return deny(err)
		}
		if in.Ticket.Authority, err = e.site(*in.Ticket); err != nil {
			return deny(err)
		}
	}
	x.message = in
	return e.remember(x, v)
}
