package endpoint_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
)

// Every operation reaches the actor as the event its sender meant, and the
// answer is the endpoint's signed word about this very request.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.site = withRSA(t, w.site)
	for _, op := range ops {
		t.Run(op.String(), func(t *testing.T) {
			t.Parallel()
			from, to, m := w.message(t, op)
			s := w.serve(t, to)
			request := from.seal(t, to, w.wire(t, from, m))
			rec := s.post(op.String(), request)
			if rec.Code != http.StatusOK {
				t.Fatalf("answer %d\n%s\n%v", rec.Code, rec.Body, s.log.LastEntry())
			}
			got := s.messages()
			if len(got) != 1 {
				t.Fatalf("%d messages taken", len(got))
			}
			want := m
			want.ReplyTo = from.location().URL
			if want.Ticket != nil {
				tk := *want.Ticket
				tk.Authority = w.site.location()
				want.Ticket = &tk
			}
			if !reflect.DeepEqual(got[0], want) {
				t.Errorf("got\n%+v\nwant\n%+v", got[0], want)
			}
			doc, err := xmltree.Parse(rec.Body.Bytes(), xmltree.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			v, err := s.openAnswer(doc, from, request)
			if err != nil {
				t.Fatal(err)
			}
			if err := soap.DecodeResponse(v.Body(), wire.Op(op)); err != nil {
				t.Error(err)
			}
			if _, err := s.openAnswer(doc, w.evil, request); !errors.Is(err, wssec.ErrDestination) {
				t.Errorf("the answer serves another caller: %v", err)
			}
			if _, err := s.openAnswer(doc, from, from.seal(t, to, w.wire(t, from, m), func(s *wssec.Seal) { s.Created = start.Add(time.Second) })); !errors.Is(err, wssec.ErrConfirmation) {
				t.Errorf("the answer serves another request: %v", err)
			}
			if c := s.Counts(); c.Taken[op.String()] != 1 || len(c.Refused) != 0 || c.Octets != len(request) {
				t.Errorf("counts: %+v", c)
			}
			if len(s.traced) != 1 || s.traced[0].Peer != from.Name || s.traced[0].Err != nil || s.traced[0].Message.Op != op {
				t.Errorf("trace: %+v", s.traced)
			}
		})
	}
}

func TestPathsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	request := from.seal(t, to, w.wire(t, from, m))
	for path, status := range map[string]int{
		"/orca/services/broker":               200,
		"/orca/services/broker/":              200,
		"/orca/services/broker/ticket":        200,
		"/orca/services/broker/ticket/":       200,
		"/orca/services/broker/relinquish":    500,
		"/orca/services/broker/ticket/ticket": 500,
		"/orca/services/Broker":               404,
		"/orca/services/broker2":              404,
		"/orca/services/":                     404,
		"/orca/services":                      404,
		"/services/broker":                    404,
		"/":                                   404,
	} {
		s := w.serve(t, to)
		rec := s.post("ticket", request, func(r *http.Request) { r.URL.Path = path })
		if rec.Code != status || len(s.messages()) != map[bool]int{true: 1}[status == 200] {
			t.Errorf("%s: answer %d, %d messages", path, rec.Code, len(s.messages()))
		}
	}
}

// SOAPAction against body, 13 by 13, at each role: what passes is the diagonal, and
// of that only what the roles of caller and callee allow.
func TestOperationMatrix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, to := range []party{w.manager, w.broker, w.site} {
		for _, from := range []party{w.manager2, w.broker2, w.site} {
			if from.GUID == to.GUID {
				continue
			}
			t.Run(to.Name+" from "+from.Name, func(t *testing.T) {
				t.Parallel()
				s := w.serve(t, to)
				n := 0
				for body := range wire.Operations() {
					m := wire.Message{Op: body.Op, Properties: []wire.Property{}}
					if body.List != wire.NoList {
						_, _, am := w.message(t, cmp.Or(actors.Op(body.Op)*known(body.Op), actors.OpTicket))
						if am.Ticket != nil && body.Op != wire.OpUpdateTicket {
							tk := w.leaf(t, w.broker, from)
							am.Ticket = &tk
						}
						if body.Op == wire.OpUpdateTicket {
							tk := w.leaf(t, from, to)
							am.Ticket = &tk
						}
						m = w.wire(t, from, am)
						m.Op = body.Op
					}
					for action := range wire.Operations() {
						n++
						m.MessageID = fmt.Sprint("m", n)
						before := len(s.messages())
						rec := s.post(action.Name, from.seal(t, to, m))
						want := action.Op == body.Op && from.peer().May(to.role, actors.Op(body.Op))
						if got := len(s.messages()) > before; got != want || (rec.Code == 200) != want {
							t.Errorf("action %s, body %s: taken %v, answer %d, want %v", action.Name, body.Name, got, rec.Code, want)
						}
					}
				}
			})
		}
	}
}

// known is 1 for operations that actors perform and 0 for others.
func known(op wire.Op) actors.Op {
	for _, o := range ops {
		if wire.Op(o) == op {
			return 1
		}
	}
	return 0
}

// The actor's refusal crosses as its kind, signed; its cause stays here and is
// logged once.
func TestActorRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	for _, tt := range []struct {
		err  error
		want actors.Kind
	}{
		{&actors.Error{Op: "broker.ticket", Kind: actors.Stale, Err: errors.New("secret cause")}, actors.Stale},
		{&actors.Error{Kind: actors.Denied, Err: errors.New("secret cause")}, actors.Denied},
		{fmt.Errorf("secret cause: %w", actors.Exhausted), actors.Exhausted},
		{fmt.Errorf("secret cause: %w", actors.NotFound), actors.NotFound},
		{fmt.Errorf("secret cause: %w", actors.Transient), actors.Transient},
		{errors.New("secret cause"), actors.Other},
		{fmt.Errorf("secret cause: %w", context.DeadlineExceeded), actors.Transient},
	} {
		t.Run(tt.want.Error(), func(t *testing.T) {
			t.Parallel()
			s := w.serve(t, to)
			s.answer = tt.err
			request := from.seal(t, to, w.wire(t, from, m))
			rec := s.post("ticket", request)
			if kind, signed := s.kindOf(t, rec, from, request); kind != tt.want || !signed || rec.Code != 500 {
				t.Errorf("answer %d, %v, signed %v", rec.Code, kind, signed)
			}
			if strings.Contains(rec.Body.String(), "secret") || strings.Contains(fmt.Sprint(rec.Header()), "secret") {
				t.Errorf("the cause went out:\n%s", rec.Body)
			}
			entries := s.log.AllEntries()
			if len(entries) != 1 {
				t.Fatalf("%d log entries", len(entries))
			}
			e := entries[0]
			want := logrus.Fields{"actor": "broker", "peer": "manager", "reservation": "r1", "msg_id": m.ID, "kind": tt.want.Error(), "op": "ticket"}
			for k, v := range want {
				if e.Data[k] != v {
					t.Errorf("log field %s is %v, want %v", k, e.Data[k], v)
				}
			}
			if !strings.Contains(fmt.Sprint(e.Data[logrus.ErrorKey]), "secret cause") {
				t.Errorf("the cause is not in the log: %v", e.Data)
			}
			if level := map[bool]logrus.Level{true: logrus.ErrorLevel, false: logrus.WarnLevel}[tt.want == actors.Other]; e.Level != level {
				t.Errorf("level %v", e.Level)
			}
		})
	}
}

func TestStrangersAreLoggedByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to)
	s.post("ticket", w.evil.seal(t, to, w.wire(t, w.evil, m)), func(r *http.Request) { r.RemoteAddr = "192.0.2.1:99" })
	if e := s.log.AllEntries(); len(e) != 1 || e[0].Data["peer"] != "192.0.2.1:99" || !errors.Is(e[0].Data[logrus.ErrorKey].(error), wssec.ErrRefused) {
		t.Errorf("log: %+v", e)
	}
}

func TestActorTooSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to, func(c *endpoint.Config) {
		c.Wait = time.Millisecond
		c.Ask = func(ctx context.Context, _ actors.Event) error { <-ctx.Done(); return ctx.Err() }
	})
	request := from.seal(t, to, w.wire(t, from, m))
	if kind, _ := s.kindOf(t, s.post("ticket", request), from, request); kind != actors.Transient {
		t.Errorf("kind %v", kind)
	}
}

// One check at a time, many clients: all served, none twice.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to, func(c *endpoint.Config) { c.Checks = 1 })
	server := httptest.NewServer(s)
	var wg sync.WaitGroup
	for i := range 20 {
		m.ID = fmt.Sprint("m", i)
		request := from.seal(t, to, w.wire(t, from, m))
		for range 3 {
			wg.Go(func() {
				r, err := http.NewRequest(http.MethodPost, server.URL+endpoint.Root+"broker", bytes.NewReader(request))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "text/xml")
				r.Header.Set("SOAPAction", "ticket")
				resp, err := server.Client().Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			})
		}
	}
	wg.Wait()
	server.Close() // every handler has counted
	if n := len(s.messages()); n != 20 {
		t.Errorf("%d of 20 messages taken", n)
	}
	if c := s.Counts(); c.Taken["ticket"] != 20 || c.Refused[actors.Denied.Error()] != 40 {
		t.Errorf("counts: %+v", c)
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	b, b2 := w.serve(t, to), w.serve(t, w.broker2)
	all, err := endpoint.NewServices(b.Endpoint, b2.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := endpoint.NewServices(b.Endpoint, b.Endpoint); err == nil {
		t.Error("two actors of one name")
	}
	request := from.seal(t, to, w.wire(t, from, m))
	for path, want := range map[string]int{
		"/orca/services/broker": 200, "/orca/services/broker2/ticket": 500, "/orca/services/nobody": 404, "/orca/services/": 404, "/": 404,
	} {
		r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(request))
		r.Header.Set("Content-Type", "text/xml")
		r.Header.Set("SOAPAction", `"ticket"`)
		rec := httptest.NewRecorder()
		all.ServeHTTP(rec, r)
		if rec.Code != want {
			t.Errorf("%s: answer %d, want %d", path, rec.Code, want)
		}
	}
	if len(b.messages()) != 1 || len(b2.messages()) != 0 {
		t.Error("the wrong actor took it")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := endpoint.Config{
		Self: w.broker.Identity, Location: w.broker.location(), Role: actors.RoleBroker,
		Registry: w.serve(t, w.broker).registry, Ask: func(context.Context, actors.Event) error { return nil },
	}
	if _, err := endpoint.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*endpoint.Config){
		"no key":         func(c *endpoint.Config) { c.Self.Key = nil },
		"no certificate": func(c *endpoint.Config) { c.Self.Cert = nil },
		"other guid":     func(c *endpoint.Config) { c.Location.ID = "x" },
		"no name":        func(c *endpoint.Config) { c.Location.Name = "" },
		"name with path": func(c *endpoint.Config) { c.Location.Name = "a/b" },
		"no role":        func(c *endpoint.Config) { c.Role = 0 },
		"no registry":    func(c *endpoint.Config) { c.Registry = nil },
		"no actor":       func(c *endpoint.Config) { c.Ask = nil },
		"negative":       func(c *endpoint.Config) { c.Body = -1 },
	} {
		c := good
		change(&c)
		if _, err := endpoint.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
