package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/server"
)

const text, number, list = xmlrpc.KindString, xmlrpc.KindInt, xmlrpc.KindArray

// methods of the tests: add counts what it did, so that a test sees what happened.
func methods(done *atomic.Int32) []server.Method {
	return []server.Method{
		{Name: "sum.add", Help: "Adds two numbers.", Signatures: [][]xmlrpc.Kind{{number, number, number}, {text, text, text}}, Do: func(_ context.Context, c server.Call) (xmlrpc.Value, error) {
			done.Add(1)
			a, isInt := c.Params[0].Int()
			b, _ := c.Params[1].Int()
			if isInt {
				return xmlrpc.Int(int32(a + b)), nil
			}
			s, _ := c.Params[0].Text()
			u, _ := c.Params[1].Text()
			return xmlrpc.String(s + u), nil
		}},
		{Name: "any", Do: func(_ context.Context, c server.Call) (xmlrpc.Value, error) { return xmlrpc.Array(c.Params...), nil }},
		{Name: "fails", Do: func(context.Context, server.Call) (xmlrpc.Value, error) {
			return xmlrpc.Value{}, errors.New("the disk at /secret is full")
		}},
		{Name: "refuses", Do: func(context.Context, server.Call) (xmlrpc.Value, error) {
			return xmlrpc.Value{}, &xmlrpc.Fault{Code: 17, Text: "not today"}
		}},
		{Name: "void", Do: func(context.Context, server.Call) (xmlrpc.Value, error) { return xmlrpc.Value{}, nil }},
	}
}

func start(t testing.TB, cfg server.Config) string {
	t.Helper()
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL
}

func post(t testing.TB, url string, body []byte, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, data
}

func call(t testing.TB, url, method string, params ...xmlrpc.Value) (xmlrpc.Value, error) {
	t.Helper()
	body, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: method, Params: params}, xmlrpc.Dialect{Nil: xmlrpc.Plain})
	if err != nil {
		t.Fatal(err)
	}
	resp, data := post(t, url, body)
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") {
		t.Fatalf("%s: %s, %s", method, resp.Status, data)
	}
	return xmlrpc.ParseAnswer(data, xmlrpc.Limits{})
}

func TestCalls(t *testing.T) {
	t.Parallel()
	var done atomic.Int32
	var failed atomic.Pointer[error]
	url := start(t, server.Config{Methods: methods(&done), Failed: func(_ server.Call, err error) { failed.Store(&err) }})
	if v, err := call(t, url, "sum.add", xmlrpc.Int(2), xmlrpc.Int(3)); err != nil || !v.Equal(xmlrpc.Int(5)) {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := call(t, url, "sum.add", xmlrpc.String("a"), xmlrpc.String("b")); err != nil || !v.Equal(xmlrpc.String("ab")) {
		t.Errorf("%+v, %v", v, err)
	}
	before := done.Load()
	for _, tt := range []struct {
		method string
		params []xmlrpc.Value
		want   xmlrpc.Fault
	}{
		{"sum.add", []xmlrpc.Value{xmlrpc.Int(1)}, xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: "wrong parameters for sum.add; see system.methodSignature"}},
		{"sum.add", []xmlrpc.Value{xmlrpc.Int(1), xmlrpc.String("2")}, xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: "wrong parameters for sum.add; see system.methodSignature"}},
		{"sum.add", []xmlrpc.Value{xmlrpc.Int(1), {}}, xmlrpc.Fault{Code: xmlrpc.WrongParams, Text: "wrong parameters for sum.add; see system.methodSignature"}},
		{"sum.take", nil, xmlrpc.Fault{Code: xmlrpc.NoSuchMethod, Text: "no method sum.take"}},
		{"refuses", nil, xmlrpc.Fault{Code: 17, Text: "not today"}},
		{"fails", nil, xmlrpc.Fault{Code: xmlrpc.Internal, Text: "internal error"}},
		{"void", nil, xmlrpc.Fault{Code: xmlrpc.Internal, Text: "internal error"}},
		{"any", []xmlrpc.Value{{}}, xmlrpc.Fault{Code: xmlrpc.Internal, Text: "internal error"}},
	} {
		_, err := call(t, url, tt.method, tt.params...)
		var f *xmlrpc.Fault
		switch {
		case !errors.As(err, &f) || f.Code != tt.want.Code:
			t.Errorf("%s: %v, want %v", tt.method, err, tt.want)
		case f.Code != xmlrpc.Internal && f.Text != tt.want.Text, strings.Contains(f.Text, "secret"):
			t.Errorf("%s: %v, want %v", tt.method, err, tt.want)
		}
	}
	if done.Load() != before {
		t.Error("a call with wrong parameters was carried out")
	}
	if failed.Load() == nil {
		t.Error("nobody heard of the mistake on this side")
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	url := start(t, server.Config{Methods: methods(new(atomic.Int32))})
	v, err := call(t, url, "system.listMethods")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for item := range v.Items() {
		s, _ := item.Text()
		names = append(names, s)
	}
	want := []string{"any", "fails", "refuses", "sum.add", "system.getCapabilities", "system.listMethods", "system.methodHelp", "system.methodSignature", "system.multicall", "void"}
	if !slices.Equal(names, want) {
		t.Errorf("methods %v", names)
	}
	for _, name := range names {
		help, err := call(t, url, "system.methodHelp", xmlrpc.String(name))
		if s, ok := help.Text(); err != nil || !ok || strings.HasPrefix(name, "system.") && s == "" {
			t.Errorf("help of %s: %+v, %v", name, help, err)
		}
	}
	v, err = call(t, url, "system.methodSignature", xmlrpc.String("sum.add"))
	words := func(s ...string) xmlrpc.Value {
		var out []xmlrpc.Value
		for _, w := range s {
			out = append(out, xmlrpc.String(w))
		}
		return xmlrpc.Array(out...)
	}
	if err != nil || !v.Equal(xmlrpc.Array(words("int", "int", "int"), words("string", "string", "string"))) {
		t.Errorf("signature %+v, %v", v, err)
	}
	if v, err = call(t, url, "system.methodSignature", xmlrpc.String("any")); err != nil || !v.Equal(xmlrpc.String("undef")) {
		t.Errorf("signature %+v, %v", v, err)
	}
	if _, err = call(t, url, "system.methodHelp", xmlrpc.String("nobody")); err == nil {
		t.Error("help for a method that is not there")
	}
	v, err = call(t, url, "system.getCapabilities")
	if n, ok := v.Member("faults_interop").Member("specVersion").Int(); err != nil || !ok || n != 20010516 || v.Member("introspection").IsNil() {
		t.Errorf("capabilities %+v, %v", v, err)
	}
}

func TestMulticall(t *testing.T) {
	t.Parallel()
	var done atomic.Int32
	url := start(t, server.Config{Methods: methods(&done)})
	one := func(name string, params ...xmlrpc.Value) xmlrpc.Value {
		return xmlrpc.Struct(xmlrpc.Member{Name: "methodName", Value: xmlrpc.String(name)}, xmlrpc.Member{Name: "params", Value: xmlrpc.Array(params...)})
	}
	v, err := call(t, url, "system.multicall", xmlrpc.Array(one("sum.add", xmlrpc.Int(1), xmlrpc.Int(2)), one("refuses"), one("system.multicall", xmlrpc.Array()),
		one("nobody"), xmlrpc.String("x"), one("sum.add", xmlrpc.String("a"), xmlrpc.String("b"))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for item := range v.Items() {
		if item.Kind() == list {
			got = append(got, "done")
			continue
		}
		code, _ := item.Member("faultCode").Int()
		got = append(got, map[int64]string{17: "17", -507: "recursive", -32601: "no method", -32602: "wrong"}[code])
	}
	if want := []string{"done", "17", "recursive", "no method", "wrong", "done"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if v.Len() != 6 {
		t.Errorf("%d results of 6 calls", v.Len())
	}
	calls := make([]xmlrpc.Value, 129)
	for i := range calls {
		calls[i] = one("sum.add", xmlrpc.Int(1), xmlrpc.Int(2))
	}
	before := done.Load()
	var f *xmlrpc.Fault
	if _, err := call(t, url, "system.multicall", xmlrpc.Array(calls...)); !errors.As(err, &f) || f.Code != xmlrpc.WrongParams || done.Load() != before {
		t.Errorf("129 calls: %v, %d carried out", err, done.Load()-before)
	}
}

// One result that cannot be written is a fault in its place, and the log hears whose it
// was; calls for longer results than an answer may hold are not made.
func TestMulticallResults(t *testing.T) {
	t.Parallel()
	var done, long atomic.Int32
	var failed atomic.Value
	all := append(methods(&done), server.Method{Name: "long", Do: func(context.Context, server.Call) (xmlrpc.Value, error) {
		long.Add(1)
		return xmlrpc.String(strings.Repeat("x", 1<<20)), nil
	}})
	url := start(t, server.Config{Methods: all, Failed: func(c server.Call, _ error) { failed.Store(c.Method) }})
	ask := func(names ...string) xmlrpc.Value {
		t.Helper()
		var calls []xmlrpc.Value
		for _, name := range names {
			calls = append(calls, xmlrpc.Struct(xmlrpc.Member{Name: "methodName", Value: xmlrpc.String(name)}, xmlrpc.Member{Name: "params", Value: xmlrpc.Array()}))
		}
		body, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "system.multicall", Params: []xmlrpc.Value{xmlrpc.Array(calls...)}}, xmlrpc.Dialect{})
		if err != nil {
			t.Fatal(err)
		}
		_, data := post(t, url, body)
		v, err := xmlrpc.ParseAnswer(data, xmlrpc.Limits{Bytes: 64 << 20})
		if err != nil || v.Len() != len(names) {
			t.Fatalf("%d results, %v", v.Len(), err)
		}
		return v
	}
	var got []xmlrpc.Kind
	for item := range ask("any", "void", "any").Items() {
		got = append(got, item.Kind())
	}
	if want := []xmlrpc.Kind{list, xmlrpc.KindStruct, list}; !slices.Equal(got, want) || failed.Load() != "void" {
		t.Errorf("results %v, want %v; to blame is %v", got, want, failed.Load())
	}
	refused := 0
	for item := range ask(slices.Repeat([]string{"long"}, 40)...).Items() {
		if text, _ := item.Member("faultString").Text(); strings.HasPrefix(text, "not called") {
			refused++
		}
	}
	if n := int(long.Load()); n != 16 || refused != 40-n {
		t.Errorf("of 40 calls of 1 MiB %d were made and %d refused", n, refused)
	}
}

// What is no call to this server, and what is a broken one.
func TestHTTP(t *testing.T) {
	t.Parallel()
	var done atomic.Int32
	var refused atomic.Int32
	url := start(t, server.Config{Methods: methods(&done), Limits: xmlrpc.Limits{Bytes: 64 << 10}, Refused: func(*http.Request, error) { refused.Add(1) }})
	good, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "sum.add", Params: []xmlrpc.Value{xmlrpc.Int(1), xmlrpc.Int(2)}}, xmlrpc.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(good)
	z.Close()
	long := bytes.Replace(good, []byte("<params>"), append([]byte("<params>"), bytes.Repeat([]byte(" "), 128<<10)...), 1)
	var bomb bytes.Buffer
	z = gzip.NewWriter(&bomb)
	z.Write(long)
	z.Close()
	for _, tt := range []struct {
		name   string
		body   []byte
		header []string
		status int
		code   int32 // of a fault; 0 for a result
	}{
		{"a call", good, nil, 200, 0},
		{"zipped", zipped.Bytes(), []string{"Content-Encoding", "gzip"}, 200, 0},
		{"zipped and not said so", zipped.Bytes(), nil, 200, 0},
		{"said to be zipped", good, []string{"Content-Encoding", "gzip"}, 200, 0},
		{"another type", good, []string{"Content-Type", "application/octet-stream"}, 200, 0},
		{"no type", good, []string{"Content-Type", ""}, 200, 0},
		{"deflated", good, []string{"Content-Encoding", "deflate"}, 415, 0},
		{"too long", long, nil, 200, xmlrpc.NotACall},
		{"too long when unfolded", bomb.Bytes(), nil, 200, xmlrpc.NotACall},
		{"cut short", zipped.Bytes()[:30], nil, 200, xmlrpc.NotWellFormed},
		{"HTML", []byte("<html><body></body></html>"), nil, 200, xmlrpc.NotACall},
		{"nothing", nil, nil, 200, xmlrpc.NotWellFormed},
	} {
		before, bad := done.Load(), refused.Load()
		resp, data := post(t, url+"/any/path", tt.body, tt.header...)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: status %s", tt.name, resp.Status)
			continue
		}
		if tt.status != 200 || tt.code != 0 {
			if done.Load() != before || refused.Load() != bad+1 {
				t.Errorf("%s: carried out, or nobody heard", tt.name)
			}
		}
		if tt.status != 200 {
			continue
		}
		_, err := xmlrpc.ParseAnswer(data, xmlrpc.Limits{})
		var f *xmlrpc.Fault
		if tt.code == 0 && err != nil || tt.code != 0 && (!errors.As(err, &f) || f.Code != tt.code) {
			t.Errorf("%s: %v, want %d", tt.name, err, tt.code)
		}
	}
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s", resp.Status)
	}
}

// Answers are zipped for those who ask, and only then.
func TestZippedAnswers(t *testing.T) {
	t.Parallel()
	url := start(t, server.Config{Methods: methods(new(atomic.Int32))})
	body, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "any", Params: []xmlrpc.Value{xmlrpc.String(strings.Repeat("long ", 2000))}}, xmlrpc.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	for accept, want := range map[string]bool{"": false, "gzip": true, "deflate, GZIP;q=0.5": true, "gzip;q=0": false, "identity": false} {
		resp, data := post(t, url, body, "Accept-Encoding", accept)
		if got := resp.Header.Get("Content-Encoding") == "gzip"; got != want || xmlrpc.Zipped(data) != want {
			t.Errorf("%q: zipped %v", accept, got)
		}
		if v, err := xmlrpc.ParseAnswer(data, xmlrpc.Limits{}); err != nil || v.Len() != 1 {
			t.Errorf("%q: %v", accept, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, m := range []server.Method{{Name: "a b"}, {Name: "system.listMethods"}, {}} {
		if _, err := server.New(server.Config{Methods: []server.Method{m}}); err == nil {
			t.Errorf("%q was taken", m.Name)
		}
	}
}

// endless gives octets, and counts how many were asked for.
type endless struct{ asked int }

func (e *endless) Read(p []byte) (int, error) { e.asked += len(p); return len(p), nil }

func TestBudget(t *testing.T) {
	t.Parallel()
	b := server.NewBudget(100 << 10)
	data, first, err := b.Read(strings.NewReader(strings.Repeat("x", 40<<10)), 1<<20)
	if err != nil || len(data) != 40<<10 {
		t.Fatalf("%d octets, %v", len(data), err)
	}
	// The second does not fit beside the first, a small one does.
	_, second, err := b.Read(strings.NewReader(strings.Repeat("x", 90<<10)), 1<<20)
	if !errors.Is(err, server.ErrNoRoom) {
		t.Errorf("over the budget: %v", err)
	}
	second()
	if _, done, err := b.Read(strings.NewReader(strings.Repeat("x", 4000)), 1<<20); err != nil {
		t.Errorf("a small one: %v", err)
	} else {
		done()
	}
	first()
	first() // once is enough
	if data, done, err := b.Read(strings.NewReader(strings.Repeat("x", 60<<10)), 1<<20); err != nil || len(data) != 60<<10 {
		t.Errorf("after it was given back: %v", err)
	} else {
		done()
	}
	e := new(endless)
	if _, done, err := b.Read(e, 10<<10); !errors.Is(err, server.ErrTooLong) || e.asked > 40<<10 {
		t.Errorf("over the limit: %v after %d octets", err, e.asked)
	} else {
		done()
	}
	var none *server.Budget
	if _, done, err := none.Read(strings.NewReader(strings.Repeat("x", 1<<20)), 1<<20); err != nil {
		t.Errorf("without a budget: %v", err)
	} else {
		done()
	}
}
