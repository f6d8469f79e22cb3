package remote_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
)

// roundTrip answers requests without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whatever octets answer, only the broker's signature delivers.
func FuzzAnswer(f *testing.F) {
	answers := make(chan []byte, 1)
	manager, broker, _ := federation(f, func(c *remote.Config) {
		c.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			r.Body.Close()
			return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(<-answers)), Request: r}, nil
		})}
		c.Retry = remote.Backoff{First: time.Nanosecond, Most: time.Nanosecond}
		c.Patience = time.Nanosecond
	})
	body, err := soap.EncodeBody(nil, wire.Message{Op: wire.OpQuery, MessageID: "m"})
	if err != nil {
		f.Fatal(err)
	}
	env, confirm, err := wssec.Seal{Signer: manager.id.Key, Cert: manager.id.Cert, GUID: managerGUID, Name: "manager", To: brokerGUID,
		MessageID: "m", Created: start, Expires: start.Add(time.Minute), Profile: wssec.Strict}.RequestConfirm(body)
	if err != nil || confirm == nil {
		f.Fatal(err)
	}
	f.Add(broker.answer(f, env, responseTo(wire.OpTicket), func(s *wssec.Seal, _ *[]byte) { s.MessageID = "m" }))
	f.Add(soap.EncodeEnvelope(nil, nil, responseTo(wire.OpTicket)))
	f.Add(soap.EncodeFault(nil, translate.Fault(actors.Denied)))
	f.Add(env)
	n := 0
	f.Fuzz(func(t *testing.T, answer []byte) {
		n++
		m := ask(fmt.Sprint("r", n), 1)
		m.Term = actors.NewTerm(1, 2) // over, so that it is given up
		answers <- answer
		manager.clock.Advance(time.Second)
		manager.Send(m)
		a := manager.attempt(t)
		if a.Err == nil {
			t.Errorf("believed: %q", answer)
		}
		for !a.Final {
			answers <- answer
			manager.later(t, time.Second)
			a = manager.attempt(t)
		}
		manager.givenUp(t)
	})
}

func BenchmarkDeliver(b *testing.B) {
	manager, broker, site := federation(b)
	for _, op := range []actors.Op{actors.OpTicket, actors.OpUpdateTicket} {
		b.Run(op.String(), func(b *testing.B) {
			from, m := manager, ask("r1", 1)
			if op == actors.OpUpdateTicket {
				from, m = broker, grant(b, broker, site)
			}
			b.ReportAllocs()
			for b.Loop() {
				from.Send(m)
				if a := from.attempt(b); a.Err != nil {
					b.Fatal(a.Err)
				}
			}
		})
	}
}
