package endpoint

import (
	"context"
	"net/http"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wire/xmlrpc/server"
	"github.com/leasehold/leasehold/wssec"
)

// callPath takes <leasing.Root><name>, with or without a slash behind.
func (e *Endpoint) callPath(p string) bool {
	name, under := strings.CutPrefix(p, leasing.Root)
	return under && strings.TrimSuffix(name, "/") == e.cfg.Location.Name
}

// rpc is the table of the actor's operations as methods, under their full names and
// under their bare ones.
func (e *Endpoint) rpc() (*server.Server, error) {
	var methods []server.Method
	for op := range wire.Operations() {
		if op.Offered&portOf(e.cfg.Role) == 0 {
			continue
		}
		for _, name := range []string{leasing.Method(op), op.Name} {
			methods = append(methods, server.Method{
				Name: name,
				Help: "Takes the message " + op.Name + " of the leasing protocol: auth says who calls and proves it, request are the parts of the message. What the actor thinks of it comes later, as a call in the other direction.",
				Signatures: [][]xmlrpc.Kind{
					{xmlrpc.KindStruct, xmlrpc.KindStruct, xmlrpc.KindStruct},
				},
				Do: func(ctx context.Context, c server.Call) (xmlrpc.Value, error) { return e.callTo(ctx, op, c) },
			})
		}
	}
	return server.New(server.Config{
		Methods: methods, Limits: xmlrpc.Limits{Bytes: int(e.cfg.Body)}, Budget: e.cfg.Budget,
		Failed: func(c server.Call, err error) {
			e.cfg.Log.WithError(err).WithField("op", wire.Clip(c.Method)).Error("call failed")
		},
		Refused: func(r *http.Request, err error) {
			e.record(exchange{}, r, &actors.Error{Op: "endpoint.call", Kind: actors.Invalid, Err: err})
		},
	})
}

// callTo takes one call of an operation through all stages. The result says what the
// actor made of it; there is no error that a peer could have caused.
func (e *Endpoint) callTo(ctx context.Context, op wire.Operation, c server.Call) (xmlrpc.Value, error) {
	began := e.cfg.Clock.Now()
	x := exchange{op: op, read: c.Octets}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Wait)
	defer cancel()
	err := e.checkCall(ctx, &x, c)
	if err == nil {
		err = e.ask(ctx, &x)
	}
	result := leasing.Taken()
	if err != nil {
		result = leasing.Refused(translate.Fault(err))
	}
	var failed error      // to sign: then there is no result, but a fault
	if x.confirm != nil { // a stranger gets no signature of ours
		if result, failed = e.seal(x).Result(c.Method, result, x.confirm); failed != nil {
			err = failed
		}
	}
	e.record(x, c.Request, err)
	e.cfg.Trace(Exchange{
		Op: op.Name, Peer: x.peer.Name, Message: x.message, Took: e.cfg.Clock.Now().Sub(began), Read: x.read, Err: err,
	})
	return result, failed
}

// checkCall turns a call into a message that a permitted peer signed for this actor.
func (e *Endpoint) checkCall(ctx context.Context, x *exchange, c server.Call) error {
	select {
	case e.checks <- struct{}{}:
		defer func() { <-e.checks }()
	case <-ctx.Done():
		return &actors.Error{Op: "endpoint.check", Kind: actors.Transient, Err: ctx.Err()}
	}
	fail := func(kind actors.Kind, err error) error {
		return &actors.Error{Op: "endpoint." + x.op.Name, Kind: kind, Err: err}
	}
	auth, request := c.Params[0], c.Params[1]
	now := e.cfg.Clock.Now()
	v, err := wssec.OpenCall(c.Method, auth, request, e.opening(now))
	if err == nil {
		err = e.known(x, v, now)
	}
	if err != nil {
		return fail(actors.Denied, err)
	}
	// Before the message is decoded: a peer that may not ask costs no more than this.
	if err := e.permitted(x.peer, actors.Op(x.op.Op)); err != nil {
		return fail(actors.Denied, err)
	}
	m, err := leasing.Decode(c.Method, request)
	if err != nil {
		return fail(actors.Invalid, err)
	}
	return e.understand(x, v, m)
}
