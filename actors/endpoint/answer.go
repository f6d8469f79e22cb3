package endpoint

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
)

// life is how long an answer is good for. Its caller is waiting.
const life = 5 * time.Minute

// ServeHTTP answers one request for the actor, or for its WSDL.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.public.answer(w, r, e.cfg.Location.Name) {
		return
	}
	if e.callPath(r.URL.Path) {
		e.calls.ServeHTTP(w, r)
		return
	}
	began := e.cfg.Clock.Now()
	var x exchange
	err := e.serve(&x, w, r)
	if err == nil {
		err = e.accept(w, x)
	} else {
		e.fault(w, x, err)
	}
	e.record(x, r, err)
	e.cfg.Trace(Exchange{
		Op: x.op.Name, Peer: x.peer.Name, Message: x.message, Took: e.cfg.Clock.Now().Sub(began), Read: x.read, Err: err,
	})
}

// accept answers a message that the actor has taken.
func (e *Endpoint) accept(w http.ResponseWriter, x exchange) error {
	body, err := soap.EncodeResponse(nil, x.op.Op)
	if err == nil {
		body, err = e.seal(x).Response(body, x.confirm)
	}
	if err != nil { // the actor has it; the peer will ask again and be told so
		e.fault(w, x, err)
		return err
	}
	kind := soap.PlainType
	if x.peer.Policy.MTOM {
		kind, body = soap.Pack(strings.ToUpper(strings.ReplaceAll(e.cfg.Self.GUID, "-", "")), body)
	}
	send(w, http.StatusOK, kind, body)
	return nil
}

func (e *Endpoint) seal(x exchange) wssec.Seal {
	now := e.cfg.Clock.Now()
	return wssec.Seal{
		Signer: e.cfg.Self.Key, Cert: e.cfg.Self.Cert, GUID: e.cfg.Self.GUID, Name: e.cfg.Location.Name,
		To: string(x.peer.ID), MessageID: x.claim, Created: now, Expires: now.Add(life), Profile: x.peer.Policy.Profile,
		FinalConfirmation: x.peer.Policy.FinalConfirmation,
	}
}

// fault answers with the kind of an error and nothing else of it. A caller that
// was verified gets it signed, unless it is a deployed actor: those neither sign
// faults nor look for signatures on them (wssec 4.4).
func (e *Endpoint) fault(w http.ResponseWriter, x exchange, err error) {
	f := translate.Fault(err)
	status := http.StatusInternalServerError // what SOAP 1.1 wants for every fault
	var r *refusal
	if errors.As(err, &r) {
		status = r.status
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if x.confirm != nil && x.peer.Policy.Profile == wssec.Strict {
		if data, err := e.seal(x).Response(faultBody(f), x.confirm); err == nil {
			send(w, status, soap.PlainType, data)
			return
		}
	}
	send(w, status, soap.PlainType, soap.EncodeFault(nil, f))
}

func send(w http.ResponseWriter, status int, kind string, envelope []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(envelope)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(envelope) // whoever does not hear the answer asks again
}

// Counts are totals since New.
type Counts struct {
	Taken   map[string]int `json:"taken"`   // messages the actor took, by operation
	Refused map[string]int `json:"refused"` // requests refused, by the text of their kind
	Octets  int            `json:"octets"`  // of requests, as far as they were read
}

// Counts are the totals so far.
func (e *Endpoint) Counts() Counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Counts{Taken: maps.Clone(e.counts.Taken), Refused: maps.Clone(e.counts.Refused), Octets: e.counts.Octets}
}

// record counts a request and logs it: the cause of a refusal here and nowhere
// else.
func (e *Endpoint) record(x exchange, r *http.Request, err error) {
	kind := actors.KindOf(err)
	e.mu.Lock()
	e.counts.Octets += x.read
	if err == nil {
		e.counts.Taken[x.op.Name]++
	} else {
		e.counts.Refused[kind.Error()]++
	}
	e.mu.Unlock()

	log := e.cfg.Log.WithFields(logrus.Fields{
		"peer": x.peer.Name, "op": x.op.Name, "reservation": wire.Clip(x.about), "msg_id": wire.Clip(x.claim),
	})
	switch {
	case err == nil:
		log.Debug("message taken")
		return
	case x.confirm == nil:
		log = log.WithField("peer", r.RemoteAddr)
	}
	log = log.WithField("kind", kind.Error()).WithError(err)
	if kind == actors.Other {
		log.Error("request failed")
		return
	}
	log.Warn("request refused")
}
