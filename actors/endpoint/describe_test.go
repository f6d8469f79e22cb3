package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/wsdl"
)

// TestDescription: a tool that asks for the WSDL of an actor gets that of its
// role, with its address, and finds the schema where the document says.
func TestDescription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for p, port := range map[*party]wire.PortType{&w.manager: wire.ManagerPort, &w.broker: wire.BrokerPort, &w.site: wire.AuthorityPort} {
		s := w.serve(t, *p)
		at := &url.URL{Path: endpoint.Root + p.Name, RawQuery: "wsdl"}
		schema := p.Name + "?xsd=" + wsdl.SchemaFile
		want, err := wsdl.Definitions(port, p.location().URL, schema)
		if err != nil {
			t.Fatal(err)
		}
		if got := get(s, http.MethodGet, at.String()); got.Code != http.StatusOK || got.Body.String() != string(want) ||
			!strings.HasPrefix(got.Header().Get("Content-Type"), "text/xml") {
			t.Errorf("%s: %d %v\n%s", p.Name, got.Code, got.Header(), got.Body)
		}
		ref, err := at.Parse(schema)
		if err != nil {
			t.Fatal(err)
		}
		if want, err = wsdl.Types(); err != nil {
			t.Fatal(err)
		}
		if got := get(s, http.MethodGet, ref.String()); got.Code != http.StatusOK || got.Body.String() != string(want) {
			t.Errorf("%s: %d\n%s", ref, got.Code, got.Body)
		}
		if n := len(s.traced); n != 0 {
			t.Errorf("%d exchanges were traced", n)
		}
	}
}

// TestDescriptionOfOddName: the schema is found also where a name means something
// in a URL.
func TestDescriptionOfOddName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "a:b ?c#%d"
	path := endpoint.Root + url.PathEscape(name)
	s := w.serve(t, w.site, func(c *endpoint.Config) { c.Location.Name, c.Location.URL = name, "http://host"+path })
	doc := get(s, http.MethodGet, path+"?wsdl").Body.String()
	_, rest, _ := strings.Cut(doc, `schemaLocation="`)
	schema, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no schema in\n%s", doc)
	}
	at, err := url.Parse(path + "?wsdl")
	if err != nil {
		t.Fatal(err)
	}
	if at, err = at.Parse(schema); err != nil {
		t.Fatal(err)
	}
	if got := get(s, http.MethodGet, at.String()); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "complexType") {
		t.Errorf("%s: %d", at, got.Code)
	}
	if !strings.Contains(doc, `location="http://host`+path+`"`) {
		t.Errorf("another address in\n%s", doc)
	}
}

// Whatever is not exactly a description goes the way of all requests.
func TestNoDescription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve(t, w.site)
	for target, code := range map[string]int{
		"/orca/services/site":                   http.StatusMethodNotAllowed,
		"/orca/services/site?wsdl=1":            http.StatusMethodNotAllowed,
		"/orca/services/site?xsd":               http.StatusMethodNotAllowed,
		"/orca/services/site?xsd=../types.xsd":  http.StatusMethodNotAllowed,
		"/orca/services/site/?wsdl":             http.StatusMethodNotAllowed,
		"/orca/services/site/redeem?wsdl":       http.StatusMethodNotAllowed,
		"/orca/services/Site?wsdl":              http.StatusNotFound,
		"/orca/services/broker?wsdl":            http.StatusNotFound,
		"/orca/services/?wsdl":                  http.StatusNotFound,
		"/orca/services/site?WSDL":              http.StatusOK,
		"/orca/services/site?xsd=types.xsd":     http.StatusOK,
		"/orca/services/site?xsd=types.xsd&a=b": http.StatusMethodNotAllowed,
	} {
		if got := get(s, http.MethodGet, target); got.Code != code {
			t.Errorf("%s: %d, not %d", target, got.Code, code)
		}
	}
	if got := get(s, http.MethodPost, "/orca/services/site?wsdl"); got.Code != http.StatusBadRequest {
		t.Errorf("POST: %d", got.Code)
	}
}

func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, target, nil))
	return rec
}
