package rpcpeers

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	kolo "github.com/kolo/xmlrpc"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/client"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// BenchmarkXMLRPC gives the rows of conformance/doc/bench-xmlrpc.md: make bench-xmlrpc
// reads them. The unit of a row carries its target.
func BenchmarkXMLRPC(b *testing.B) {
	row := func(name, unit, target string, value func(b *testing.B) float64) {
		b.Run(name, func(b *testing.B) {
			v := value(b)
			for b.Loop() {
				continue // the value is measured above, in turns with what it is compared to
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(v, unit+":"+target)
		})
	}
	ours, theirs := list(2000)
	doc, err := xmlrpc.AppendAnswer(nil, ours, xmlrpc.Dialect{})
	if err != nil {
		b.Fatal(err)
	}
	must := func(b *testing.B, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	decode := func(b *testing.B) (here, there time.Duration) {
		return turns(func() {
			_, err := xmlrpc.ParseAnswer(doc, xmlrpc.Limits{})
			must(b, err)
		}, func() {
			var v any
			must(b, kolo.Response(doc).Unmarshal(&v))
		})
	}
	encode := func(b *testing.B) (here, there time.Duration) {
		return turns(func() {
			_, err := xmlrpc.AppendCall(make([]byte, 0, len(doc)), xmlrpc.Call{Method: "m", Params: []xmlrpc.Value{ours}}, xmlrpc.Dialect{})
			must(b, err)
		}, func() {
			_, err := kolo.EncodeMethodCall("m", theirs)
			must(b, err)
		})
	}
	rate := func(d time.Duration) float64 { return float64(len(doc)) / d.Seconds() / 1e6 }
	row("decode_against_kolo", "x", ">=:3", func(b *testing.B) float64 { here, there := decode(b); return there.Seconds() / here.Seconds() })
	row("encode_against_kolo", "x", ">=:2", func(b *testing.B) float64 { here, there := encode(b); return there.Seconds() / here.Seconds() })
	row("signed_calls_served", "per_second_and_core", ">=:2000", func(b *testing.B) float64 { served, _ := signed(b); return served })
	row("signed_calls_made_served_and_answered", "per_second_and_core", ">=:2000", func(b *testing.B) float64 { _, both := signed(b); return both })
	row("a_thousand_slow_clients", "MB", "<=:200", func(b *testing.B) float64 { return slow(b, 3<<10, 2<<10) })
	row("a_thousand_slow_clients_of_1MB", "MB", "<=:200", func(b *testing.B) float64 { return slow(b, 2<<20, 1<<20) })
	row("decode_here", "MB_per_second", "info:0", func(b *testing.B) float64 { here, _ := decode(b); return rate(here) })
	row("decode_kolo", "MB_per_second", "info:0", func(b *testing.B) float64 { _, there := decode(b); return rate(there) })
	row("encode_here", "MB_per_second", "info:0", func(b *testing.B) float64 { here, _ := encode(b); return rate(here) })
	row("encode_kolo", "MB_per_second", "info:0", func(b *testing.B) float64 { _, there := encode(b); return rate(there) })
}

// turns measures two things in turns and gives the fastest turn of each: machines are noisy.
func turns(f, g func()) (fastestF, fastestG time.Duration) {
	fastestF, fastestG = time.Hour, time.Hour
	for range 25 {
		for _, x := range []struct {
			do   func()
			best *time.Duration
		}{{f, &fastestF}, {g, &fastestG}} {
			begin := time.Now()
			x.do()
			*x.best = min(*x.best, time.Since(begin))
		}
	}
	return fastestF, fastestG
}

// list is a document of the size that measurements of libraries use, some 400 KB, for us
// and for kolo/xmlrpc.
func list(n int) (ours xmlrpc.Value, theirs any) {
	var items []xmlrpc.Value
	var others []any
	for i := range n {
		name, raw := fmt.Sprintf("node%d & friends", i), []byte{byte(i), 1, 2, 3, 4, 5}
		items = append(items, xmlrpc.Struct(
			xmlrpc.Member{Name: "name", Value: xmlrpc.String(name)}, xmlrpc.Member{Name: "units", Value: xmlrpc.Int(int32(i))},
			xmlrpc.Member{Name: "up", Value: xmlrpc.Bool(i%2 == 0)}, xmlrpc.Member{Name: "load", Value: xmlrpc.Double(0.5)}, xmlrpc.Member{Name: "key", Value: xmlrpc.Base64(raw)}))
		others = append(others, map[string]any{"name": name, "units": i, "up": i%2 == 0, "load": 0.5, "key": kolo.Base64(base64.StdEncoding.EncodeToString(raw))})
	}
	return xmlrpc.Array(items...), others
}

// pair is a manager and a broker that speak XML-RPC with one another.
func pair(b testing.TB) (sm, broker keys.Identity, e *endpoint.Endpoint) {
	b.Helper()
	make := func(guid, name string) keys.Identity {
		id, err := keys.Generate(rand.Reader, guid, name, keys.ECDSAP256, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
		if err != nil {
			b.Fatal(err)
		}
		return id
	}
	sm, broker = make("33333333-3333-4333-8333-333333333333", "sm"), make(brokerGUID, "broker")
	known, err := registry.New(brokerGUID, []registry.Peer{{Location: actors.Location{ID: actors.ActorID(sm.GUID), Name: "sm"}, Role: actors.RoleManager,
		Policy: wssec.Policy{Profile: wssec.Strict, Protocol: wssec.XMLRPC}, Certs: []*x509.Certificate{sm.Cert}}})
	if err != nil {
		b.Fatal(err)
	}
	e, err = endpoint.New(endpoint.Config{Self: broker, Location: actors.Location{ID: brokerGUID, Name: "broker", URL: "http://127.0.0.1:2/orca/services/broker"},
		Role: actors.RoleBroker, Registry: known, Ask: func(context.Context, actors.Event) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	return sm, broker, e
}

// order is a message of the usual size, made and signed.
func order(b testing.TB, sm keys.Identity, n int) (c xmlrpc.Call, nonce string) {
	b.Helper()
	properties := actors.Properties{}
	for i := range 12 {
		properties[fmt.Sprintf("request.property%d", i)] = "a value of some length <&>"
	}
	m, err := translate.Outgoing(actors.Message{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Op: actors.OpTicket, Reservation: "2b7b9a40-9d0b-4b0f-8a65-0d3c6c5a1001",
		Slice: actors.Slice{ID: "9a1d3c77-52c6-44b2-93a5-5f5b7d0a2001", Name: "demo"}, Sequence: 1, Type: "unc.vm", Units: 2, Term: actors.NewTerm(1700000000000, 1700086399999), Properties: properties},
		actors.Location{ID: actors.ActorID(sm.GUID), Name: "sm", URL: "http://127.0.0.1:1/orca/xmlrpc/sm"})
	if err != nil {
		b.Fatal(err)
	}
	method, request, err := leasing.Encode(m)
	if err != nil {
		b.Fatal(err)
	}
	auth, err := wssec.Seal{Signer: sm.Key, Cert: sm.Cert, GUID: sm.GUID, Name: "sm", To: brokerGUID, MessageID: m.MessageID, Created: time.Now()}.Call(method, request)
	if err != nil {
		b.Fatal(err)
	}
	return xmlrpc.Call{Method: method, Params: []xmlrpc.Value{auth, request}}, m.MessageID
}

// beside carries requests to a handler in this process, and counts how long that takes.
type beside struct {
	to   http.Handler
	took time.Duration
}

// RoundTrip is http.RoundTripper's.
func (s *beside) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	began := time.Now()
	s.to.ServeHTTP(w, r)
	s.took += time.Since(began)
	return w.Result(), nil
}

// signed is how many signed calls a core serves in a second, and how many it makes, serves
// and checks the answers of. The fastest of many batches counts.
func signed(b *testing.B) (served, both float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	sm, broker, e := pair(b)
	opening := wssec.Opening{Trust: wssec.Pins{broker.Pin()}, Self: sm.GUID, Skew: time.Minute, Cache: new(wssec.Certificates),
		Policy: func(string) wssec.Policy { return wssec.Policy{Profile: wssec.Strict, Protocol: wssec.XMLRPC} }}
	way := &beside{to: e}
	calls := client.New(client.Config{HTTP: &http.Client{Transport: way}})
	const batch = 10 // short, so that some are not disturbed
	n := 0
	bestServed, bestBoth := time.Hour, time.Hour
	for range 250 {
		began := time.Now()
		way.took = 0
		for range batch {
			n++
			c, nonce := order(b, sm, n)
			a, err := calls.Call(b.Context(), "http://broker"+leasing.Root+"broker", c)
			if err == nil {
				err = leasing.Outcome(a.Value)
			}
			if err == nil {
				opening.Now = time.Now()
				_, err = wssec.OpenResult(c.Method, a.Value, opening, brokerGUID, []byte(nonce))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		bestServed, bestBoth = min(bestServed, way.took), min(bestBoth, time.Since(began))
	}
	return batch / bestServed.Seconds(), batch / bestBoth.Seconds()
}

// slow is the memory of a process whose endpoint a thousand clients send to at once, each
// so much of a call and no more for now. All of them that are not refused for lack of room
// are answered when they go on.
func slow(b *testing.B, whole, part int) float64 {
	const clients = 1000
	_, _, e := pair(b)
	s := httptest.NewServer(e)
	defer s.Close()
	body := []byte("<methodCall><methodName>m</methodName></methodCall>" + strings.Repeat(" ", whole))[:whole]
	head := fmt.Sprintf("POST %sbroker HTTP/1.1\r\nHost: broker\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n", leasing.Root, whole)
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	send := func(c net.Conn, p []byte) { // one that was refused hears no more
		_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
		_, _ = c.Write(p)
	}
	for range clients {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, c)
		send(c, append([]byte(head), body[:part]...))
	}
	var mem runtime.MemStats
	most := uint64(0)
	for range 20 { // until what was sent has been read
		time.Sleep(100 * time.Millisecond)
		runtime.ReadMemStats(&mem)
		most = max(most, mem.HeapInuse+mem.StackInuse)
	}
	answered := 0
	for _, c := range conns {
		send(c, body[part:])
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		var first [12]byte
		if _, err := io.ReadFull(c, first[:]); err == nil && strings.HasSuffix(string(first[:]), "200") {
			answered++
		}
		c.Close() // makes room for the others
	}
	if part < 4<<10 && answered != clients || answered == 0 {
		b.Fatalf("%d of %d were answered", answered, clients)
	}
	return float64(most) / 1e6
}
