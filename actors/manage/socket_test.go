package manage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
)

// TestRefusedRequests: what the handler refuses before it asks the service.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("sm-blue", "r1", "web", actors.Active)
	h := manage.Handler(o.local)
	const order = `{"actor":"sm-blue","slice":"web","type":"site.node","units":1,"length":"1h"`
	tests := []struct {
		method, target, body string
		status               int
		says                 string
	}{
		{"GET", "/v1/actors", "", 200, "sm-blue"},
		{"GET", "/v1/actor", "", 404, `there is no GET \"/v1/actor\" here`},
		{"PUT", "/v1/reservations", "", 404, "there is no PUT"},
		{"GET", "/v1/actors?x=1", "", 400, `parameter \"x\" is not known here`},
		{"GET", "/v1/reservations?actr=site", "", 400, `did you mean \"actor\"?`},
		{"GET", "/v1/reservations?actor=site&actor=broker", "", 400, `parameter \"actor\" is given 2 times`},
		{"GET", "/v1/reservations?state=%zz", "", 400, "bad query"},
		{"GET", "/v1/reservations/r1?stat=x", "", 400, `parameter \"stat\"`},
		{"GET", "/v1/reservations/r1/wait?state=Active&timeout=soon", "", 400, "timeout: length"},
		{"GET", "/v1/watch?sclie=web", "", 400, `did you mean \"slice\"?`},
		{"POST", "/v1/reservations", order + `}`, 200, "Nascent"},
		{"POST", "/v1/reservations", order + `,"unit":1}`, 400, `field \"unit\" is not known here; did you mean \"units\"?`},
		{"POST", "/v1/reservations", order + `,"submarine":1}`, 400, `field \"submarine\" is not known here"`},
		{"POST", "/v1/reservations", strings.Replace(order, `:1,`, `:"1",`, 1) + `}`, 400, `field \"units\" must be a whole number, not a JSON string`},
		{"POST", "/v1/reservations", strings.Replace(order, `:1,`, `:1.5,`, 1) + `}`, 400, `field \"units\" must be a whole number, not a JSON number 1.5`},
		{"POST", "/v1/reservations", order + `,"config":["a"]}`, 400, `field \"config\" must be an object, not a JSON array`},
		{"POST", "/v1/reservations", order + `,"renewable":"yes"}`, 400, `field \"renewable\" must be true or false`},
		{"POST", "/v1/reservations", order + `} {}`, 400, "goes on after its one object"},
		{"POST", "/v1/reservations", order, 400, "ends too early"},
		{"POST", "/v1/reservations", ``, 400, "ends too early"},
		{"POST", "/v1/reservations", `[]`, 400, "must be a JSON object, not a JSON array"},
		{"POST", "/v1/reservations", `{nonsense}`, 400, "is not JSON"},
		{"POST", "/v1/reservations?actor=sm-red", order + `}`, 400, `parameter \"actor\" is not known`},
		{"POST", "/v1/reservations", `{"slice":"` + strings.Repeat("s", 1<<20) + `"}`, 400, "exceeds the limit of 1048576 octets"},
		{"POST", "/v1/reservations/r1/extend", `{"lenght":"1h"}`, 400, `did you mean \"length\"?`},
		{"POST", "/v1/reservations/r1/extend?state=x", `{"length":"1h"}`, 400, `parameter \"state\"`},
		{"POST", "/v1/reservations/r1/close", `{"now":true}`, 400, `field \"now\" is not known`},
		{"POST", "/v1/reservations/r1/close", `{}`, 200, "CloseWait"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %.80s %.120s: %d %s; want %d saying %s", tt.method, tt.target, tt.body, w.Code, w.Body, tt.status, tt.says)
		}
		kind := w.Header().Get("Content-Type")
		if want := map[bool]string{true: "application/json", false: "application/problem+json"}[w.Code == 200]; kind != want {
			t.Errorf("%s %s: content type %q, want %q", tt.method, tt.target, kind, want)
		}
	}
	r := httptest.NewRequest("POST", "/v1/reservations/r1/close", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "must be of type application/json") {
		t.Errorf("a form's content type: %d %s", w.Code, w.Body)
	}
}

// FuzzBodies: no body brings the handler down, and what is refused changes nothing.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"units":1}`, `{"Units":1,"slice":"web","type":"t","length":"1h"}`, `null`, `{"config":{"a":null}}`,
		`{"units":1e99}`, `{"slice":"\ud800"}`, `{"length":"9999999w","units":1,"slice":"a","type":"b"}`,
		`{"units":1,"units":2,"start":"0000-01-01T00:00:00Z","end":"9999-12-31T23:59:59Z","slice":"a","type":"b"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := &counting{}
		local, err := manage.New(manage.Config{NewID: func() string { return "id" }, Actors: []manage.Actor{{
			Location: actors.Location{ID: "g", Name: "sm"}, Role: actors.RoleManager, Host: s, Cycles: actors.Cycles{Length: 1000},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/v1/reservations", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		manage.Handler(local).ServeHTTP(w, r)
		if (w.Code == 200) != (s.asked == 1) {
			t.Fatalf("answered %d and asked the actor %d times: %s", w.Code, s.asked, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("the answer is not JSON: %s", w.Body)
		}
		if s.asked == 1 && (s.ev.Units < 1 || s.ev.Term.Validate() != nil || s.ev.Type == "" || s.ev.Slice.ID == "") {
			t.Fatalf("nonsense reached the actor: %+v", s.ev)
		}
	})
}

func TestSocketFile(t *testing.T) {
	t.Parallel()
	o := newOffice(t).overSocket()
	info, err := os.Stat(o.path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v; want 0660", info.Mode(), err)
	}
	serve := func(path string) error { return manage.Socket{Path: path, Service: o.local}.Serve(t.Context()) }
	if err := serve(o.path); err == nil || !strings.Contains(err.Error(), "another server listens there") {
		t.Errorf("a second server: %v", err)
	}
	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := serve(file); err == nil || !strings.Contains(err.Error(), "another file of that name") {
		t.Errorf("in the place of a file: %v", err)
	}
	if data, _ := os.ReadFile(file); string(data) != "data" {
		t.Error("the file was touched")
	}
	if err := serve(filepath.Join(t.TempDir(), "no", "s")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in no directory: %v", err)
	}
	if err := serve("/" + strings.Repeat("p", 100)); err == nil || !strings.Contains(err.Error(), "limit 100") {
		t.Errorf("a long path: %v", err)
	}
}

// TestAbandonedSocket: a file left by a crash is no obstacle; and the end of the
// context ends the server, its streams too, and removes the file.
func TestAbandonedSocket(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- manage.Socket{Path: path, Service: o.local}.Serve(ctx) }()
	c := manage.NewClient(path)
	defer c.Disconnect()
	var s manage.Stream
	for {
		if s, err = c.Watch(t.Context(), manage.Filter{}); err == nil {
			break
		}
		if !errors.Is(err, manage.ErrUnreachable) {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve returned %v", err)
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v, want io.EOF", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket file is still there: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	c := manage.NewClient(path)
	_, err := c.Actors(t.Context())
	refused(t, err, manage.ErrUnreachable, 7, "there is no socket "+path, "is the server running?")

	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = other.Serve(l) }()
	defer other.Close()
	_, err = c.Actors(t.Context())
	refused(t, err, manage.ErrUnreachable, 7, "is that the server's socket?")
	c.Disconnect()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Actors(ctx)
	refused(t, err, context.Canceled, 1)
}

// TestAudit: what changes something is logged with the user who asked.
func TestAudit(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	log := logrus.New()
	log.SetOutput(&buf)
	o := newOffice(t)
	o.put("sm-blue", "r1", "web", actors.Active)
	path := filepath.Join(t.TempDir(), "s")
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- manage.Socket{Path: path, Service: o.local, Log: log}.Serve(ctx) }()
	c := manage.NewClient(path)
	defer c.Disconnect()
	for {
		if _, err := c.Close(t.Context(), manage.Ref{Reservation: "r1"}); err == nil {
			break
		}
	}
	cancel()
	<-served
	for _, part := range []string{"an operator asked", fmt.Sprintf("uid=%d", os.Getuid()), "path=/v1/reservations/r1/close", "status=200"} {
		if !strings.Contains(buf.String(), part) {
			t.Errorf("the log lacks %q: %s", part, buf.String())
		}
	}
}

// TestStarting: who comes while the server starts waits for it, and is told so when it
// takes too long; how the actors do is to be seen at any time.
func TestStarting(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("sm-blue", "r1", "web", actors.Active)
	begin := func(patience time.Duration) (*manage.Client, chan struct{}) {
		dir, err := os.MkdirTemp("", "lh-start-") // t.TempDir's path is too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		ready, path := make(chan struct{}), filepath.Join(dir, "admin")
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- manage.Socket{Path: path, Service: o.local, Ready: ready, Patience: patience}.Serve(ctx)
		}()
		t.Cleanup(func() { stop(); <-served })
		c := manage.NewClient(path)
		for {
			if list, err := c.Actors(t.Context()); err == nil {
				if len(list) == 0 {
					t.Error("no actors are shown")
				}
				return c, ready
			} else if !errors.Is(err, manage.ErrUnreachable) {
				t.Fatal(err)
			}
		}
	}
	c, _ := begin(time.Nanosecond)
	_, err := c.List(t.Context(), manage.Filter{})
	refused(t, err, actors.Transient, 7, "still starting")
	c, ready := begin(time.Hour)
	type answer struct {
		list []manage.Reservation
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		list, err := c.List(t.Context(), manage.Filter{Actor: "sm-blue"})
		got <- answer{list, err}
	}()
	if _, err := c.Actors(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case a := <-got:
		t.Errorf("answered before it was ready: %+v", a)
	default:
	}
	close(ready)
	if a := <-got; a.err != nil || len(a.list) != 1 {
		t.Errorf("%+v", a)
	}
}
