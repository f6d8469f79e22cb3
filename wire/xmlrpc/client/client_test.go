package client_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/client"
	"github.com/leasehold/leasehold/wire/xmlrpc/server"
)

func member(name string, v xmlrpc.Value) xmlrpc.Member { return xmlrpc.Member{Name: name, Value: v} }

// echo is a server that gives back what it was called with.
func echo(t testing.TB) string {
	t.Helper()
	s, err := server.New(server.Config{Methods: []server.Method{{Name: "echo", Do: func(_ context.Context, c server.Call) (xmlrpc.Value, error) {
		return xmlrpc.Array(c.Params...), nil
	}}}, Dialect: xmlrpc.Dialect{Nil: xmlrpc.Plain, Long: xmlrpc.Plain}})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL
}

func says(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// Everything that can be sent arrives as it is: the library underneath would lose or
// change half of it.
func TestCarries(t *testing.T) {
	t.Parallel()
	url := echo(t)
	params := []xmlrpc.Value{
		xmlrpc.String(" <a> & \"b\"\té\r\n]]> "), xmlrpc.String(""), xmlrpc.Int(-1 << 31), xmlrpc.Bool(false), xmlrpc.Double(-0.25), xmlrpc.Double(1e300),
		xmlrpc.Base64([]byte{0, 1, 255}), xmlrpc.Base64(nil), xmlrpc.Date(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)),
		xmlrpc.Array(), xmlrpc.Array(xmlrpc.Array(xmlrpc.Int(1)), xmlrpc.String("x")), xmlrpc.Struct(),
		xmlrpc.Struct(member("a & <b>", xmlrpc.Int(1)), member("", xmlrpc.String("")), member("é", xmlrpc.Struct(member("x", xmlrpc.Array())))),
	}
	for _, d := range []xmlrpc.Dialect{{}, {Bare: true}, {Nil: xmlrpc.Apache, Long: xmlrpc.Apache}} {
		a, err := client.New(client.Config{Dialect: d}).Call(t.Context(), url, xmlrpc.Call{Method: "echo", Params: params})
		if err != nil || !a.Value.Equal(xmlrpc.Array(params...)) || a.Sent == 0 || a.Date == "" {
			t.Errorf("%+v: %+v, %v", d, a, err)
		}
	}
	a, err := client.New(client.Config{}).Call(t.Context(), url, xmlrpc.Call{Method: "echo"})
	if err != nil || a.Value.Len() != 0 {
		t.Errorf("without parameters: %+v, %v", a, err)
	}
	more := []xmlrpc.Value{{}, xmlrpc.Long(1 << 40)}
	a, err = client.New(client.Config{Dialect: xmlrpc.Dialect{Nil: xmlrpc.Plain, Long: xmlrpc.Apache}}).Call(t.Context(), url, xmlrpc.Call{Method: "echo", Params: more})
	if err != nil || !a.Value.Equal(xmlrpc.Array(more...)) {
		t.Errorf("extensions: %+v, %v", a, err)
	}
}

// What the peer could not read, or what would be another call, never leaves.
func TestRefusesToSend(t *testing.T) {
	t.Parallel()
	called := false
	url := says(t, func(http.ResponseWriter, *http.Request) { called = true })
	zoned, err := xmlrpc.ParseCall([]byte(`<methodCall><methodName>m</methodName><params><param><value><dateTime.iso8601>20200102T03:04:05Z</dateTime.iso8601></value></param></params></methodCall>`), xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]xmlrpc.Value{
		"nil": {}, "i8": xmlrpc.Long(5), "infinity": xmlrpc.Double(math.Inf(1)), "no number": xmlrpc.Double(math.NaN()), "NUL": xmlrpc.String("\x00"), "no UTF-8": xmlrpc.String("\xff"),
		"a name": xmlrpc.Struct(member("\x01", xmlrpc.Int(1))), "a name twice": xmlrpc.Struct(member("a", xmlrpc.Int(1)), member("a", xmlrpc.Int(2))),
		"deep": xmlrpc.Array(xmlrpc.Struct(member("x", xmlrpc.Value{}))), "zone": zoned.Params[0],
	} {
		if _, err := client.New(client.Config{}).Call(t.Context(), url, xmlrpc.Call{Method: "m", Params: []xmlrpc.Value{v}}); !errors.As(err, new(*wire.Error)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, method := range []string{"", "a</methodName><params/>", "a b", strings.Repeat("m", 300)} {
		if _, err := client.New(client.Config{}).Call(t.Context(), url, xmlrpc.Call{Method: method}); !errors.As(err, new(*wire.Error)) {
			t.Errorf("method %.20q: %v", method, err)
		}
	}
	if called {
		t.Error("something was sent")
	}
}

// What comes back, however badly.
func TestReads(t *testing.T) {
	t.Parallel()
	answer := func(inner string) string {
		return `<?xml version="1.0"?><methodResponse>` + inner + `</methodResponse>`
	}
	var fault *xmlrpc.Fault
	var broken *xmlrpc.Error
	var status *client.StatusError
	for _, tt := range []struct {
		name string
		says http.HandlerFunc
		want any
	}{
		{"fault", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, answer(`<fault ><value><struct><member><name>faultCode</name><value><int>5</int></value></member><member><name>faultString</name><value>no</value></member></struct></value></fault>`))
		}, &fault},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html><value>x</value></html>") }, &broken},
		{"nested deeply", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, answer("<params><param>"+strings.Repeat("<value><array><data>", 100_000)))
		}, &broken},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			chunk := strings.Repeat("<value>", 8192)
			for range 200 {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		}, &broken},
		{"bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 64<<20))
			z.Close()
		}, &broken},
		{"not found", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, &status},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
		}, &status},
		{"server error with an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			io.WriteString(w, answer(`<params><param><value>x</value></param></params>`))
		}, &status},
	} {
		a, err := client.New(client.Config{}).Call(t.Context(), says(t, tt.says), xmlrpc.Call{Method: "m"})
		if !errors.As(err, tt.want) || !a.Value.IsNil() {
			t.Errorf("%s: %+v, %v", tt.name, a.Value, err)
		}
	}
	if fault.Code != 5 || fault.Text != "no" || status.Code != 500 {
		t.Errorf("%+v, %+v", fault, status)
	}
	a, err := client.New(client.Config{}).Call(t.Context(), says(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, answer(`<params><param><value>abc<![CDATA[<fault>]]></value></param></params>`))
	}), xmlrpc.Call{Method: "m"})
	if s, ok := a.Value.Text(); err != nil || !ok || s != "abc<fault>" {
		t.Errorf("untyped text with CDATA: %q, %v", s, err)
	}
}

// A server that takes the call and never answers holds nobody longer than agreed, and
// no more calls go at once than agreed.
func TestHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hung := make(chan struct{}, 2)
	hangs := says(t, func(http.ResponseWriter, *http.Request) {
		hung <- struct{}{}
		<-release
	})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	alone := client.New(client.Config{})
	go func() {
		_, err := alone.Call(ctx, hangs, xmlrpc.Call{Method: "m"})
		failed <- err
	}()
	<-hung
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := client.New(client.Config{Limit: time.Millisecond}).Call(t.Context(), hangs, xmlrpc.Call{Method: "m"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("over the limit: %v", err)
	}

	var mu sync.Mutex
	under, most := 0, 0
	arrived := make(chan struct{}, 6)
	url := says(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		under++
		most = max(most, under)
		mu.Unlock()
		arrived <- struct{}{}
		<-release
		mu.Lock()
		under--
		mu.Unlock()
		io.WriteString(w, `<methodResponse><params><param><value>x</value></param></params></methodResponse>`)
	})
	c := client.New(client.Config{Parallel: 2, Limit: time.Hour})
	var wait sync.WaitGroup
	errs := make(chan error, 6)
	for range 6 {
		wait.Go(func() {
			_, err := c.Call(t.Context(), url, xmlrpc.Call{Method: "m"})
			errs <- err
		})
	}
	<-arrived
	<-arrived
	close(release)
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if most != 2 {
		t.Errorf("%d calls at once", most)
	}
	c.CloseIdle()
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	if _, err := client.New(client.Config{}).Call(t.Context(), url, xmlrpc.Call{Method: "m"}); err == nil {
		t.Error("nobody answered, and no error")
	}
}
