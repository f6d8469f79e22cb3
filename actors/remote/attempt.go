package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
)

// maxAnswer bounds the octets of a response. Answers are empty and faults are
// short; legacy servers add a stack trace.
const maxAnswer = 256 << 10

// attempt makes one try at delivering m, from signing its ticket to checking who
// signed the answer.
func (r *Remote) attempt(ctx context.Context, m actors.Message) result {
	peer, ok := r.cfg.Registry.Peer(m.To)
	if !ok || peer.URL == "" {
		return result{answer: unsendable, kind: actors.NotFound, err: fmt.Errorf("no address is known for %s", m.To)}
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Limit)
	defer cancel()
	if peer.Policy.Protocol == wssec.XMLRPC {
		return r.call(ctx, m, peer)
	}
	op, request, confirm, err := r.seal(m, peer)
	if err != nil {
		return unsent(err)
	}
	kind := soap.PlainType
	if peer.Policy.MTOM {
		kind, request = soap.Pack(strings.ToUpper(strings.ReplaceAll(r.cfg.NewID(), "-", "")), request)
	}
	sent := r.cfg.Clock.Now()
	doc, date, err := r.post(ctx, target(peer, m), op, kind, request)
	if err != nil {
		return result{answer: unanswered, err: err, sent: len(request)}
	}
	received := r.cfg.Clock.Now()
	res := r.read(doc, peer, op, confirm)
	r.compare(peer, res, date, sent, received)
	res.sent = len(request)
	return res
}

// unsent is the end of an attempt at a message that cannot be written or signed.
func unsent(err error) result {
	kind := actors.KindOf(err)
	if kind == actors.Other {
		kind = actors.Invalid
	}
	return result{answer: unsendable, kind: kind, err: err}
}

// compare takes in what an answer says about the clock of its peer. A time that the
// peer signed is better than one that its server, or anybody on the way, wrote above the
// answer; an undated answer has no other.
func (r *Remote) compare(peer registry.Peer, res result, date string, sent, received time.Time) {
	if at := res.created; !at.IsZero() {
		r.cfg.Clocks.Answered(string(peer.ID), sent, at, received, time.Millisecond)
	} else if at, err := http.ParseTime(date); err == nil && peer.Policy.Profile != wssec.Strict {
		r.cfg.Clocks.Answered(string(peer.ID), sent, at, received, time.Second)
	}
}

// seal makes the octets of a request, and what its answer has to confirm.
func (r *Remote) seal(m actors.Message, peer registry.Peer) (op wire.Op, request, confirm []byte, err error) {
	w, err := r.outgoing(m, r.cfg.Location)
	if err != nil {
		return 0, nil, nil, err
	}
	body, err := soap.EncodeBody(nil, w)
	if err != nil {
		return 0, nil, nil, err
	}
	request, confirm, err = r.sealed(m, peer).RequestConfirm(body)
	return w.Op, request, confirm, err
}

// outgoing is a message as it crosses the wire, its ticket signed.
func (r *Remote) outgoing(m actors.Message, self actors.Location) (wire.Message, error) {
	m, err := r.signed(m)
	if err != nil {
		return wire.Message{}, err
	}
	return translate.Outgoing(m, self)
}

func (r *Remote) sealed(m actors.Message, peer registry.Peer) wssec.Seal {
	now := r.cfg.Clock.Now()
	return wssec.Seal{
		Signer: r.cfg.Self.Key, Cert: r.cfg.Self.Cert, GUID: r.cfg.Self.GUID, Name: r.cfg.Location.Name,
		To: string(peer.ID), MessageID: m.ID, Created: now, Expires: now.Add(r.cfg.Life), Profile: peer.Policy.Profile,
	}
}

// post carries a request over and parses what comes back, in either packaging:
// which one a deployed server uses depends on how a file of its configuration is
// laid out (wire contract 1.3). An answer that is no XML of a SOAP status is an
// error like a lost connection. date is what its server says the time is.
func (r *Remote) post(ctx context.Context, url string, op wire.Op, kind string, request []byte) (doc *xmltree.Document, date string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(request))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("SOAPAction", `"`+op.String()+`"`)
	req.Header.Set("User-Agent", "leasehold")
	resp, err := r.cfg.Client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("read the answer: %w", err)
	case len(data) > maxAnswer:
		return nil, "", fmt.Errorf("the answer is over the limit of %d octets", maxAnswer)
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusInternalServerError:
		return nil, "", fmt.Errorf("HTTP status %s", resp.Status)
	}
	// Whatever is not packed is taken for XML: the signature decides, not the label.
	if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		if data, _, err = soap.Unpack(kind, data); err != nil {
			return nil, "", fmt.Errorf("HTTP status %s: %w", resp.Status, err)
		}
	}
	doc, err = xmltree.Parse(data, xmltree.DefaultLimits())
	if err != nil {
		return nil, "", fmt.Errorf("HTTP status %s: %w", resp.Status, err)
	}
	return doc, resp.Header.Get("Date"), nil
}

// read judges an answer. Only what the peer signed, confirming this very
// request, is its word.
func (r *Remote) read(doc *xmltree.Document, peer registry.Peer, op wire.Op, confirm []byte) result {
	known := r.cfg.Strength.Has(string(peer.ID)) // nobody else asks this peer meanwhile
	verified, err := wssec.OpenResponse(doc, wssec.Opening{
		Trust: r.cfg.Registry, Self: r.cfg.Self.GUID, Now: r.cfg.Clock.Now(), Skew: r.cfg.Skew,
		Policy: r.cfg.Registry.Policy, Cache: &r.certs, Strength: r.cfg.Strength,
	}, string(peer.ID), confirm)
	if err != nil {
		if _, payload, e := soap.DecodeEnvelope(doc); e == nil {
			if fault, e := soap.DecodeFault(payload); e == nil {
				return result{answer: hinted, kind: translate.KindOf(fault), err: fmt.Errorf("unsigned %w", fault)}
			}
		}
		return result{answer: unanswered, err: err}
	}
	if !known && r.cfg.Strength.Has(string(peer.ID)) {
		r.cfg.Stronger(string(peer.ID))
	}
	err = soap.DecodeResponse(verified.Body(), op)
	var fault wire.Fault
	switch {
	case err == nil:
		return result{answer: delivered, created: verified.Created()}
	case errors.As(err, &fault):
		return result{answer: faulted, kind: translate.KindOf(fault), err: fault, created: verified.Created()}
	}
	return result{answer: unanswered, err: err, created: verified.Created()}
}

// target is where a message goes: to the administrator's URL for the peer. An
// update may go to another path of that same host, if its request asked for it.
func target(peer registry.Peer, m actors.Message) string {
	if m.ReplyTo == "" || m.Op != actors.OpUpdateTicket && m.Op != actors.OpUpdateLease {
		return peer.URL
	}
	want, err1 := url.Parse(m.ReplyTo)
	have, err2 := url.Parse(peer.URL)
	if err1 != nil || err2 != nil || want.Scheme != have.Scheme || want.Host != have.Host || want.User != nil {
		return peer.URL
	}
	// A reservation may be older than the protocol that its peer speaks now.
	if calls, known := leasing.Spoken(m.ReplyTo); known && calls != (peer.Policy.Protocol == wssec.XMLRPC) {
		return peer.URL
	}
	return m.ReplyTo
}
