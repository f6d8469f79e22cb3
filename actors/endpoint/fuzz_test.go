package endpoint_test

import (
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
)

// Whatever octet changes on the way, the actor hears what was sent or nothing.
func TestEveryOctet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	request := from.seal(t, to, w.wire(t, from, m))
	s := w.serve(t, to)
	s.post("ticket", request)
	want := s.messages()[0]
	s = w.serve(t, to)
	for i := range request {
		bad := slices.Clone(request)
		bad[i] ^= 1 << (i % 7)
		s.post("ticket", bad)
		got := s.messages()
		if len(got) == 0 {
			continue
		}
		if !reflect.DeepEqual(got[0], want) {
			t.Fatalf("octet %d changed from %q to %q: the actor hears %+v", i, request[i], bad[i], got[0])
		}
		s = w.serve(t, to) // one that has not seen the message
	}
}

// Nothing that a stranger can write reaches the actor, and every answer is a SOAP
// envelope.
func FuzzRequest(f *testing.F) {
	w := newWorld(f)
	for _, op := range ops {
		from, to, m := w.message(f, op)
		if to.GUID == w.broker.GUID {
			f.Add(op.String(), "text/xml", from.seal(f, to, w.wire(f, from, m)))
		}
	}
	from, _, m := w.message(f, actors.OpTicket)
	f.Add("ticket", "text/xml; charset=utf-8", w.evil.seal(f, w.broker, w.wire(f, w.evil, m)))
	f.Add("ticket", "text/xml", from.seal(f, w.broker2, w.wire(f, from, m)))
	f.Add("query", "application/soap+xml", []byte("<a/>"))
	var good []actors.Message
	for _, op := range ops {
		if from, to, m := w.message(f, op); to.GUID == w.broker.GUID {
			s := w.serve(f, to)
			s.post(op.String(), from.seal(f, to, w.wire(f, from, m)))
			good = append(good, s.messages()...)
		}
	}
	s := w.serve(f, w.broker)
	f.Fuzz(func(t *testing.T, action, contentType string, body []byte) {
		rec := s.post(action, body, func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
		for _, got := range s.messages() {
			if !slices.ContainsFunc(good, func(m actors.Message) bool { return reflect.DeepEqual(m, got) }) {
				t.Errorf("the actor hears what nobody sent: %+v", got)
			}
		}
		if rec.Code != http.StatusOK {
			s.kindOf(t, rec, w.manager, body)
			s.log.Reset()
			return
		}
		s = w.serve(t, w.broker) // one that has not seen the message
	})
}

func BenchmarkServe(b *testing.B) {
	w := newWorld(b)
	for _, op := range []actors.Op{actors.OpTicket, actors.OpRedeem} {
		b.Run(op.String(), func(b *testing.B) {
			from, to, m := w.message(b, op)
			s := w.serve(b, to)
			requests := make([][]byte, 0, 2000)
			for i := range cap(requests) {
				m.ID = "m" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26))
				requests = append(requests, from.seal(b, to, w.wire(b, from, m)))
			}
			b.SetBytes(int64(len(requests[0])))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i++; i%len(requests) == 0 { // else the replay cache answers
					b.StopTimer()
					s = w.serve(b, to)
					b.StartTimer()
				}
				if rec := s.post(op.String(), requests[i%len(requests)]); rec.Code != http.StatusOK {
					b.Fatalf("answer %d: %v", rec.Code, s.log.LastEntry().Data)
				}
			}
		})
	}
}

// A request of a stranger must cost less than one of a peer.
func BenchmarkRefuseStranger(b *testing.B) {
	w := newWorld(b)
	_, to, m := w.message(b, actors.OpTicket)
	request := w.evil.seal(b, to, w.wire(b, w.evil, m))
	s := w.serve(b, to, func(c *endpoint.Config) { c.Log = nil })
	b.ReportAllocs()
	for b.Loop() {
		if rec := s.post("ticket", request); rec.Code != http.StatusInternalServerError {
			b.Fatal(rec.Code)
		}
	}
}
