package remote_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

// Every operation, from one actor's step to the other's, whatever any two of them speak
// with one another.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	for name, speak := range map[string]func(manager, broker, site *node){
		"SOAP": func(manager, broker, site *node) {},
		"XML-RPC": func(manager, broker, site *node) {
			calls(t, manager, broker)
			calls(t, manager, site)
			calls(t, broker, site)
		},
		"XML-RPC with the broker": func(manager, broker, site *node) { calls(t, manager, broker) },
		"XML-RPC with the site":   func(manager, broker, site *node) { calls(t, manager, site) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manager, broker, site := federation(t)
			speak(manager, broker, site)
			everyOperation(t, manager, broker, site)
		})
	}
}

func everyOperation(t *testing.T, manager, broker, site *node) {
	granted := grant(t, broker, site)
	deliver := func(from, to *node, m actors.Message) actors.Message {
		t.Helper()
		m.From, m.To = actors.ActorID(from.id.GUID), actors.ActorID(to.id.GUID)
		from.Send(m)
		a := from.attempt(t)
		if a.Err != nil || !a.Final || a.Try != 1 || a.Sent == 0 || a.Peer != to.id.Name || a.Message.ID == "" {
			t.Fatalf("%v: %+v", m.Op, a)
		}
		all := to.messages()
		got := all[len(all)-1]
		if got.ID != a.Message.ID || got.From != m.From || got.To != m.To || got.ReplyTo != from.address(to) {
			t.Errorf("%v: got %+v", m.Op, got)
		}
		return got
	}
	same := func(got, want actors.Message) {
		t.Helper()
		want.ID, want.ReplyTo = got.ID, got.ReplyTo
		if want.Ticket != nil { // the site knows itself by one address, whatever others call
			ticket := *want.Ticket
			ticket.Authority = site.location()
			want.Ticket = &ticket
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	}
	req := ask("r1", 1)
	for _, op := range []actors.Op{actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish} {
		req.Op = op
		same(deliver(manager, broker, req), req)
	}
	update := deliver(broker, manager, granted)
	held := update.Ticket
	if held == nil || held.Text == "" || held.Authority.ID != siteGUID || held.Authority.URL != manager.where(site) || len(held.Ancestors) != 2 ||
		!reflect.DeepEqual(held.Delegation, granted.Ticket.Delegation) || held.Root().Holder != siteGUID {
		t.Fatalf("the granted ticket arrived as %+v", held)
	}
	req.To, req.Ticket = siteGUID, held
	for _, op := range []actors.Op{actors.OpRedeem, actors.OpExtendLease, actors.OpClose} {
		req.Op = op
		same(deliver(manager, site, req), req)
	}
	lease := ask("r1", 1)
	lease.Op, lease.From, lease.To = actors.OpUpdateLease, siteGUID, managerGUID
	lease.Lease = &actors.Lease{Units: []actors.Unit{{ID: "u1", State: actors.UnitActive}, {ID: "u2", State: actors.UnitActive}}}
	same(deliver(site, manager, lease), lease)

	if c := manager.Counts(); c.Queued != 6 || c.Attempts != 6 || c.Waiting != 0 || c.GivenUp != 0 || c.Delivered[actors.OpRedeem] != 1 {
		t.Errorf("counts: %+v", c)
	}
}

func TestDownThenUp(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	broker.behind(hangUp)
	manager.Send(ask("r1", 1))
	for try, pause := 1, 500*time.Millisecond; try <= 9; try++ {
		if a := manager.attempt(t); a.Err == nil || a.Final || a.Try != try {
			t.Fatalf("attempt %d: %+v", try, a)
		}
		manager.later(t, pause-time.Nanosecond)
		if n := len(manager.attempts); n != 0 {
			t.Fatalf("attempt %d came early", try+1)
		}
		if try == 9 {
			broker.behind(nil)
		}
		manager.later(t, time.Nanosecond)
		pause = min(2*pause, time.Minute)
	}
	if a := manager.attempt(t); a.Err != nil || !a.Final {
		t.Fatalf("after the broker came up: %+v", a)
	}
	if got := broker.messages(); len(got) != 1 || got[0].Reservation != "r1" {
		t.Errorf("the broker took %+v", got)
	}
	// The pause is forgotten: the next message goes at once.
	manager.Send(ask("r2", 1))
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
	// And so are the failures: the next pause is the first again.
	broker.behind(hangUp)
	manager.Send(ask("r3", 1))
	manager.attempt(t)
	broker.behind(nil)
	manager.later(t, 500*time.Millisecond)
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
}

// A peer whose server is gone, and which the administrator moves elsewhere.
func TestPeerMoves(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	p := broker.peer()
	p.URL = gone.URL
	if err := manager.registry.Replace([]registry.Peer{p}); err != nil {
		t.Fatal(err)
	}
	manager.Send(ask("r1", 1))
	if a := manager.attempt(t); a.Err == nil || a.Final {
		t.Fatalf("%+v", a)
	}
	if err := manager.registry.Replace([]registry.Peer{broker.peer()}); err != nil {
		t.Fatal(err)
	}
	manager.later(t, time.Second)
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
	// Or takes out.
	if err := manager.registry.Replace(nil); err != nil {
		t.Fatal(err)
	}
	manager.Send(ask("r2", 1))
	if f := manager.givenUp(t); f.Kind != actors.NotFound || f.Message.Reservation != "r2" {
		t.Errorf("%+v", f)
	}
}

// The answer gets lost, so the message goes again. It is a new message, not a
// replay; the captured octets of the first are a replay.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	broker.behind(func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	manager.Send(ask("r1", 1))
	manager.attempt(t)
	broker.behind(nil)
	manager.later(t, time.Second)
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
	got := broker.messages()
	if len(got) != 2 || got[0].ID == got[1].ID || got[0].Sequence != got[1].Sequence {
		t.Fatalf("the broker took %+v", got)
	}
	sent := broker.received()
	for _, field := range []string{"wsa:MessageID", "wsu:Created", "ds:SignatureValue"} {
		if a, b := between(sent[0], field), between(sent[1], field); a == "" || a == b {
			t.Errorf("both attempts have %s %q", field, a)
		}
	}
	for i, captured := range sent {
		resp, err := http.DefaultClient.Do(post(t, broker.location().URL, "ticket", captured))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 500 {
			t.Errorf("replay %d: answer %d", i, resp.StatusCode)
		}
	}
	if len(broker.messages()) != 2 {
		t.Error("a replay reached the actor")
	}
}

// between is the text of the first element of that name.
func between(b []byte, name string) string {
	_, rest, _ := strings.Cut(string(b), "<"+name)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "</")
	return text
}

func post(t testing.TB, url, op string, body []byte) *http.Request {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/xml")
	r.Header.Set("SOAPAction", op)
	return r
}

// No address but the administrator's is contacted.
func TestAddresses(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("contacted an address that a message made up") }))
	t.Cleanup(trap.Close)

	manager.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, trap.URL, http.StatusTemporaryRedirect)
	})
	m := grant(t, broker, site)
	broker.Send(m)
	if a := broker.attempt(t); a.Err == nil || a.Final {
		t.Fatalf("redirected: %+v", a)
	}
	var paths []string
	manager.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		user, _, _ := r.BasicAuth()
		paths = append(paths, user+r.URL.Path)
		next.ServeHTTP(w, r)
	})
	for _, reply := range []string{
		trap.URL + "/orca/services/manager", "://", strings.Replace(manager.server.URL, "http", "https", 1),
		strings.Replace(manager.location().URL, "http://", "http://user@", 1), "file:///etc/passwd", manager.location().URL + "/updateTicket",
	} {
		broker.clock.Advance(time.Hour)
		m.ReplyTo = reply
		broker.Send(m)
		if a := broker.attempt(t); a.Err != nil {
			t.Errorf("%s: %v", reply, a.Err)
		}
	}
	want := slices.Repeat([]string{"/orca/services/manager"}, 5)
	want = append(want, "/orca/services/manager/updateTicket")
	if !slices.Equal(paths, want) {
		t.Errorf("paths %v", paths)
	}
	// A request always goes to the registry's address: its ReplyTo is our own.
	broker.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path != "/orca/services/broker" {
			t.Errorf("request to %s", r.URL.Path)
		}
		next.ServeHTTP(w, r)
	})
	for _, reply := range []string{trap.URL, broker.location().URL + "/ticket"} {
		r := ask("r1", 1)
		r.ReplyTo = reply
		manager.Send(r)
		if a := manager.attempt(t); a.Err != nil {
			t.Error(a.Err)
		}
		if got := broker.messages(); got[len(got)-1].ReplyTo != reply {
			t.Errorf("ReplyTo %q", got[len(got)-1].ReplyTo)
		}
	}
}

// A repeated answer is the same ticket (actors.Ticket).
func TestGrantTwice(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	for range 2 {
		broker.Send(grant(t, broker, site))
		if a := broker.attempt(t); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	got := manager.messages()
	if len(got) != 2 || got[0].Ticket.Text != got[1].Ticket.Text {
		t.Error("two tickets for one grant")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	manager, _, _ := federation(t)
	good := remote.Config{Self: manager.id, Location: manager.location(), Registry: manager.registry, Failed: func(actors.SendFailed) {}}
	if _, err := remote.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*remote.Config){
		"no key":      func(c *remote.Config) { c.Self.Key = nil },
		"other guid":  func(c *remote.Config) { c.Location.ID = "x" },
		"no name":     func(c *remote.Config) { c.Location.Name = "" },
		"no registry": func(c *remote.Config) { c.Registry = nil },
		"no Failed":   func(c *remote.Config) { c.Failed = nil },
		"negative":    func(c *remote.Config) { c.Queue = -1 },
		"long life":   func(c *remote.Config) { c.Life = time.Hour },
	} {
		c := good
		change(&c)
		if _, err := remote.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
