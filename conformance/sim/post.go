package sim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
)

// Every message becomes octets and is read from them again, in the order in which
// actors/remote and actors/endpoint use the codecs.

// skew is how far clocks may differ; life how long a sealed message is good for.
const (
	skew = 2 * time.Minute
	life = 5 * time.Minute
)

// sealed is a message as it crosses the network.
type sealed struct {
	octets  []byte
	confirm []byte // what the answer has to confirm; nil in worlds without signatures
	op      wire.Op
	method  string // of a call of XML-RPC; empty in SOAP
	message actors.Message
	written actors.Millis // when, by the world's time
	local   actors.Millis // and by the sender's clock
}

// inbound is what a receiver knows about a message, as far as it came.
type inbound struct {
	method  string // of a call of XML-RPC; empty in SOAP
	message actors.Message
	from    *process // nil until it is verified
	op      wire.Op
	id      string
	confirm []byte
	created time.Time // when its sender says that it was written; zero where nobody signs
}

func (p *process) messageID() string { return fmt.Sprintf("%s-%d-%d", p.Name, p.life, p.sent) }

// seal writes a message.
func (w *world) seal(from, to *process, m actors.Message) (sealed, error) {
	if m.Ticket != nil && m.Ticket.Text == "" {
		t, err := *m.Ticket, error(nil)
		if from.role == actors.RoleAuthority { // what it exported, to a broker that claims it
			t, err = w.export(from.member, t.Delegation)
		} else {
			t, err = w.grant(from.member, t)
		}
		if err != nil {
			return sealed{}, err
		}
		m.Ticket = &t
	}
	out, err := translate.Outgoing(m, from.Location)
	if err != nil {
		return sealed{}, err
	}
	s := sealed{op: out.Op, message: m, written: w.now, local: from.local()}
	if w.speak(from.member, to.member) == wssec.XMLRPC {
		err := w.sealCall(&s, from, to, out)
		return s, err
	}
	body, err := soap.EncodeBody(nil, out)
	if err != nil {
		return sealed{}, err
	}
	if !w.cfg.Signed {
		s.octets = soap.EncodeEnvelope(nil, nil, body)
		return s, nil
	}
	s.octets, s.confirm, err = w.sealing(from, to.member, m.ID).RequestConfirm(body)
	return s, err
}

func (w *world) sealing(from *process, to *member, id string) wssec.Seal {
	return wssec.Seal{
		Signer: from.key.Key, Cert: from.key.Cert, GUID: from.key.GUID, Name: from.Name, To: to.key.GUID,
		MessageID: id, Created: from.wall(), Expires: from.wall().Add(life), Profile: wssec.Strict,
	}
}

// open reads a message that seems to come from someone. Its errors have a kind. What
// the message is written in shows it itself, as the path does that it is posted to.
func (w *world) open(octets []byte, seems, to *process) (in inbound, err error) {
	var m wire.Message
	if bytes.Contains(octets, []byte("<methodCall>")) {
		m, err = w.openCall(&in, octets, seems, to)
	} else {
		m, err = w.openEnvelope(&in, octets, seems, to)
	}
	if err != nil {
		return in, err
	}
	err = w.understand(&in, m, to)
	return in, err
}

// opening is what a receiver knows when a message arrives.
func (w *world) opening(to *process) wssec.Opening {
	return wssec.Opening{
		Trust: w.cast.pins, Self: to.key.GUID, Now: to.wall(), NotBefore: time.UnixMilli(int64(to.booted)), Skew: skew,
		Cache: &w.certs, Policy: w.policyOf(to.member),
	}
}

// once refuses what was opened before.
func (w *world) once(v wssec.Verified, to *process) error {
	if to.seen.Seen(v.ReplayKey(), v.Created()) && w.cfg.mutant != admitsReplays {
		return errors.New("seen before")
	}
	return nil
}

func unopened(to *process, kind actors.Kind, err error) error {
	return &actors.Error{Op: "sim.open", Actor: to.ID, Kind: kind, Err: err}
}

// openEnvelope reads a message in SOAP.
func (w *world) openEnvelope(in *inbound, octets []byte, seems, to *process) (m wire.Message, err error) {
	fail := func(kind actors.Kind, err error) (wire.Message, error) { return m, unopened(to, kind, err) }
	doc, err := xmltree.Parse(octets, xmltree.DefaultLimits())
	if err != nil {
		return fail(actors.Invalid, err)
	}
	payload, from := xmltree.Node{}, seems
	if w.cfg.Signed && w.cfg.mutant != skipsSignatures {
		v, err := wssec.OpenRequest(doc, w.opening(to))
		if err == nil {
			err = w.once(v, to)
		}
		if err != nil {
			return fail(actors.Denied, err)
		}
		payload, from = v.Body(), w.byID[actors.ActorID(v.GUID())]
		in.confirm, in.id, in.created = v.SignatureValue(), v.MessageID(), v.Created()
	} else if _, payload, err = soap.DecodeEnvelope(doc); err != nil {
		return fail(actors.Invalid, err)
	}
	in.from = from
	if m, err = soap.DecodeBody(payload); err != nil {
		return fail(actors.Invalid, err)
	}
	return m, nil
}

// understand turns a message into what its receiver is to hear.
func (w *world) understand(in *inbound, m wire.Message, to *process) error {
	fail := func(kind actors.Kind, err error) error { return unopened(to, kind, err) }
	from := in.from
	in.op = m.Op
	if !slices.Contains(registry.Rights(to.role, from.role), actors.Op(m.Op)) {
		return fail(actors.Denied, fmt.Errorf("%v may not ask %v of %v", from.role, m.Op, to.role))
	}
	if in.id != "" && in.id != m.MessageID {
		return fail(actors.Invalid, errors.New("another message id in the header"))
	}
	in.id = m.MessageID
	var found verified
	msg, err := translate.Incoming(m, from.ID, func(text string) (t actors.Ticket, err error) {
		found, err = w.verify(text)
		return found.ticket, err
	})
	if err != nil {
		return err
	}
	msg.To = to.ID
	if msg.Ticket != nil {
		if err := belongs(msg.Op, found, from.member, to.member); err != nil {
			return fail(actors.Denied, err)
		}
		site := w.byID[msg.Ticket.Root().Issuer]
		if site == nil || msg.Ticket.Authority.ID != site.ID {
			return fail(actors.Denied, errors.New("the ticket names another site than its root"))
		}
		msg.Ticket.Authority = site.Location
	}
	in.message = msg
	return nil
}

// answer is what goes back: an empty response, or a fault that gives a kind.
func (w *world) answer(by *process, in inbound, err error) []byte {
	if in.method != "" {
		return w.answerCall(by, in, err)
	}
	if err == nil {
		body, err := soap.EncodeResponse(nil, in.op)
		switch {
		case err != nil:
			w.fail(saysSendable, "%s answers %v: %v", by.Name, in.op, err)
		case in.confirm == nil:
			return soap.EncodeEnvelope(nil, nil, body)
		}
		return w.respond(by, in, body)
	}
	f := translate.Fault(err)
	if in.confirm == nil {
		return soap.EncodeFault(nil, f)
	}
	return w.respond(by, in, []byte(`<soapenv:Fault xmlns:orcafault="`+soap.FaultNS+`" xmlns:soapenv="`+soap.EnvelopeNS+
		`" orcafault:signed="true"><faultcode>orcafault:`+f.Code.String()+`</faultcode><faultstring>`+
		strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(f.String)+`</faultstring></soapenv:Fault>`))
}

func (w *world) respond(by *process, in inbound, body []byte) []byte {
	octets, err := w.sealing(by, in.from.member, in.id).Response(body, in.confirm)
	if err != nil {
		w.fail(saysSendable, "%s answers %v: %v", by.Name, in.op, err)
	}
	return octets
}

// readAnswer is what the sender learns from an answer. Where messages are signed,
// only a signed answer to this very request is the peer's word.
func (w *world) readAnswer(octets []byte, s sealed, self, peer *process) (outcome, actors.Kind) {
	if s.method != "" {
		return w.readResult(octets, s, self, peer)
	}
	doc, err := xmltree.Parse(octets, xmltree.DefaultLimits())
	if err != nil {
		w.fail(saysSendable, "answer to %s: %v", about(s.message), err)
		return unanswered, 0
	}
	_, payload, err := soap.DecodeEnvelope(doc)
	if err != nil {
		return unanswered, 0
	}
	trusted := !w.cfg.Signed || w.cfg.mutant == skipsSignatures
	if !trusted {
		v, err := wssec.OpenResponse(doc, wssec.Opening{
			Trust: w.cast.pins, Self: self.key.GUID, Now: self.wall(), Skew: skew, Cache: &w.certs, Policy: w.policyOf(self.member),
		}, peer.key.GUID, s.confirm)
		if err == nil {
			payload, trusted = v.Body(), true
			w.answered(self, peer, s, v.Created())
		}
	}
	var fault wire.Fault
	err = soap.DecodeResponse(payload, s.op)
	switch {
	case errors.As(err, &fault) && trusted:
		return faulted, translate.KindOf(fault)
	case errors.As(err, &fault):
		return hinted, translate.KindOf(fault)
	case err == nil && trusted:
		return delivered, 0
	}
	return unanswered, 0
}
