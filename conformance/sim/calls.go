package sim

import (
	"bytes"
	"errors"
	"regexp"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// What post.go does in SOAP, this file does in XML-RPC, for the pairs of actors that
// speak it with one another.

// speak is what two actors agreed on.
func (w *world) speak(a, b *member) wssec.Protocol {
	odd := (a.key.GUID[0] ^ b.key.GUID[0] ^ a.key.GUID[1] ^ b.key.GUID[1]) & 1
	if w.cfg.Calls == AllCalls || w.cfg.Calls == SomeCalls && odd == 1 {
		return wssec.XMLRPC
	}
	return wssec.SOAP
}

// policyOf is what an actor agreed with the others.
func (w *world) policyOf(self *member) func(string) wssec.Policy {
	return func(guid string) wssec.Policy {
		p := wssec.Strict.Policy()
		if peer := w.cast.find(actors.ActorID(guid)); peer != nil {
			p.Protocol = w.speak(self, peer)
		}
		return p
	}
}

func (w *world) sealCall(s *sealed, from, to *process, m wire.Message) error {
	method, request, err := leasing.Encode(m)
	if err != nil {
		return err
	}
	s.method = method
	auth := development(from)
	if w.cfg.Signed {
		if auth, err = w.sealing(from, to.member, m.MessageID).Call(method, request); err != nil {
			return err
		}
		s.confirm = []byte(m.MessageID)
	}
	s.octets, err = document(method, auth, request)
	return err
}

// development is who calls in a world where nobody signs.
func development(from *process) xmlrpc.Value {
	return xmlrpc.Struct(xmlrpc.Member{Name: "name", Value: xmlrpc.String(from.Name)}, xmlrpc.Member{Name: "guid", Value: xmlrpc.String(from.key.GUID)})
}

func document(method string, params ...xmlrpc.Value) ([]byte, error) {
	return xmlrpc.AppendCall(nil, xmlrpc.Call{Method: method, Params: params}, xmlrpc.Dialect{})
}

// openCall reads a call.
func (w *world) openCall(in *inbound, octets []byte, seems, to *process) (m wire.Message, err error) {
	fail := func(kind actors.Kind, err error) (wire.Message, error) { return m, unopened(to, kind, err) }
	c, err := xmlrpc.ParseCall(octets, xmlrpc.Limits{})
	if err != nil {
		return fail(actors.Invalid, err)
	}
	in.method = c.Method
	if len(c.Params) != 2 {
		return fail(actors.Invalid, errors.New("a call of an operation has two parameters"))
	}
	from := seems
	if w.cfg.Signed && w.cfg.mutant != skipsSignatures {
		v, err := wssec.OpenCall(c.Method, c.Params[0], c.Params[1], w.opening(to))
		if err == nil {
			err = w.once(v, to)
		}
		if err != nil {
			return fail(actors.Denied, err)
		}
		from, in.confirm, in.created = w.byID[actors.ActorID(v.GUID())], v.SignatureValue(), v.Created()
	}
	in.from = from
	if m, err = leasing.Decode(c.Method, c.Params[1]); err != nil {
		return fail(actors.Invalid, err)
	}
	return m, nil
}

// answerCall is what goes back: a result that says what became of the message.
func (w *world) answerCall(by *process, in inbound, err error) []byte {
	result := leasing.Taken()
	if err != nil {
		result = leasing.Refused(translate.Fault(err))
	}
	if in.confirm != nil {
		if result, err = w.sealing(by, in.from.member, in.id).Result(in.method, result, in.confirm); err != nil {
			w.fail(saysSendable, "%s answers %v: %v", by.Name, in.op, err)
		}
	}
	octets, err := xmlrpc.AppendAnswer(nil, result, xmlrpc.Dialect{})
	if err != nil {
		w.fail(saysSendable, "%s answers %v: %v", by.Name, in.op, err)
	}
	return octets
}

// readResult is what the sender learns from the result of a call.
func (w *world) readResult(octets []byte, s sealed, self, peer *process) (outcome, actors.Kind) {
	result, err := xmlrpc.ParseAnswer(octets, xmlrpc.Limits{})
	if err != nil {
		w.fail(saysSendable, "answer to %s: %v", about(s.message), err)
		return unanswered, 0
	}
	trusted := !w.cfg.Signed || w.cfg.mutant == skipsSignatures
	if !trusted {
		v, err := wssec.OpenResult(s.method, result, wssec.Opening{
			Trust: w.cast.pins, Self: self.key.GUID, Now: self.wall(), Skew: skew, Cache: &w.certs, Policy: w.policyOf(self.member),
		}, peer.key.GUID, s.confirm)
		if trusted = err == nil; trusted {
			w.answered(self, peer, s, v.Created())
		}
	}
	var fault wire.Fault
	err = leasing.Outcome(result)
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

var callDigits = regexp.MustCompile(`<name>(units|endTime|sequence|newStartTime)</name><value><(?:i4|string)>([0-9]+)<`)

// changedCall is the call with another number in it.
func (w *world) changedCall(t tapped) []byte {
	found := callDigits.FindAllSubmatchIndex(t.octets, -1)
	if len(found) == 0 {
		return nil
	}
	at := found[w.rnd.IntN(len(found))]
	out := bytes.Clone(t.octets)
	out[at[5]-1] = '0' + (out[at[5]-1]-'0'+1)%10
	return out
}

// strippedCall is the call without what proves who made it.
func strippedCall(t tapped) []byte {
	request, ok := requestOf(t)
	if !ok {
		return nil
	}
	octets, err := document(t.method, development(t.from), request)
	if err != nil {
		return nil
	}
	return octets
}

// resignedCall is the call signed with another key, under some name.
func (w *world) resignedCall(t tapped, s keys.Identity, as string) []byte {
	request, ok := requestOf(t)
	if !ok {
		return nil
	}
	auth, err := wssec.Seal{
		Signer: s.Key, Cert: s.Cert, GUID: as, Name: t.from.Name, To: t.to.key.GUID, MessageID: t.message.ID, Created: t.from.wall(),
	}.Call(t.method, request)
	if err != nil {
		return nil // not even that
	}
	octets, err := document(t.method, auth, request)
	if err != nil {
		return nil
	}
	return octets
}

// requestOf is what a call asks for.
func requestOf(t tapped) (xmlrpc.Value, bool) {
	c, err := xmlrpc.ParseCall(t.octets, xmlrpc.Limits{})
	if err != nil || len(c.Params) != 2 {
		return xmlrpc.Value{}, false
	}
	return c.Params[1], true
}
