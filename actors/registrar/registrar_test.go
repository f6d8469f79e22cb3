package registrar_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/registrar"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/client"
	"github.com/leasehold/leasehold/wssec/keys"
)

const (
	smGUID     = "33333333-3333-4333-8333-333333333333"
	brokerGUID = "22222222-2222-4222-8222-222222222222"
	siteGUID   = "11111111-1111-4111-8111-111111111111"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func identity(t testing.TB, guid, name string) keys.Identity {
	t.Helper()
	id, err := keys.Generate(rand.NewChaCha8([32]byte([]byte(guid[:32]))), guid, name, keys.ECDSAP256, time.Now().AddDate(-1, 0, 0), time.Now().AddDate(9, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// registry is a running registry of a test.
type registry struct {
	*registrar.Registrar
	store *registrar.Store
	clock *clock.Manual
	tls   *httptest.Server
	plain *httptest.Server
	file  string
}

func newRegistry(t testing.TB, change ...func(*registrar.Config)) *registry {
	t.Helper()
	r := &registry{clock: clock.NewManual(start), file: filepath.Join(t.TempDir(), "registry.db")}
	var err error
	if r.store, err = registrar.OpenStore(r.file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	cfg := registrar.Config{Store: r.store, Clock: r.clock, Everybody: true, Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
		switch host {
		case "here.test", "127.0.0.1":
			return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")}, nil
		case "there.test":
			return []netip.Addr{netip.MustParseAddr("192.0.2.9")}, nil
		}
		return nil, errors.New("no such host")
	}}
	for _, f := range change {
		f(&cfg)
	}
	if r.Registrar, err = registrar.New(cfg); err != nil {
		t.Fatal(err)
	}
	r.tls = httptest.NewUnstartedServer(r)
	r.tls.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	r.tls.StartTLS()
	t.Cleanup(r.tls.Close)
	r.plain = httptest.NewServer(r)
	t.Cleanup(r.plain.Close)
	return r
}

// as calls a method under an identity; the zero one has no certificate.
func (r *registry) as(t testing.TB, id keys.Identity, method string, params ...xmlrpc.Value) (xmlrpc.Value, error) {
	t.Helper()
	conf := &tls.Config{InsecureSkipVerify: true}
	if id.Cert != nil {
		conf.Certificates = []tls.Certificate{{Certificate: [][]byte{id.Cert.Raw}, PrivateKey: id.Key}}
	}
	c := client.New(client.Config{HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}})
	a, err := c.Call(t.Context(), r.tls.URL+"/registry//", xmlrpc.Call{Method: registrar.Prefix + method, Params: params})
	return a.Value, err
}

func texts(s ...string) []xmlrpc.Value {
	out := make([]xmlrpc.Value, len(s))
	for i := range s {
		out[i] = xmlrpc.String(s[i])
	}
	return out
}

// registration is what an actor sends.
func registration(id keys.Identity, role, location string) []string {
	return []string{id.Name, role, id.GUID, "an actor", location, "orca.Class", "orca.Policy", "EC key", registrar.Certificate64(id.Cert.Raw)}
}

func (r *registry) status(t testing.TB, id keys.Identity, method string, s ...string) string {
	t.Helper()
	v, err := r.as(t, id, method, texts(s...)...)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := v.Text()
	return out
}

const success = "STATUS: SUCCESS"

// find is one entry of a store.
func find(s *registrar.Store, guid string) (registrar.Entry, error) {
	all, err := s.All()
	for _, e := range all {
		if e.GUID == guid {
			return e, nil
		}
	}
	return registrar.Entry{}, errors.Join(err, registrar.ErrUnknown)
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	sm, broker := identity(t, smGUID, "sm"), identity(t, brokerGUID, "broker")
	if got := r.status(t, sm, "insert", registration(sm, "1", "https://here.test:8080/orca/services/sm")...); got != success {
		t.Fatal(got)
	}
	if got := r.status(t, broker, "insert", registration(broker, "2", "https://here.test:8080/orca/xmlrpc/broker")...); got != success {
		t.Fatal(got)
	}
	e, err := find(r.store, smGUID)
	if err != nil || e.Verified || !e.Production || e.Role != "sm" || e.Protocol() != "soapaxis2" || !e.First.Equal(start) || !e.Last.Equal(start) {
		t.Fatalf("%+v, %v", e, err)
	}
	// Once more is a heartbeat, and may move the actor.
	r.clock.Advance(time.Minute)
	moved := registration(sm, "1", "https://here.test:9090/orca/services/sm")
	moved[3], moved[8] = "another text", base64.StdEncoding.EncodeToString(sm.Cert.Raw) // one line
	if got := r.status(t, sm, "insert", moved...); got != success {
		t.Fatal(got)
	}
	before := e
	if e, err = find(r.store, smGUID); err != nil || e.Location != moved[4] || e.Description != "another text" || !e.Last.Equal(start.Add(time.Minute)) || e.Certificate != before.Certificate || !e.First.Equal(start) {
		t.Fatalf("%+v, %v", e, err)
	}
	r.clock.Advance(time.Minute)
	if got := r.status(t, broker, "insert", brokerGUID); got != success {
		t.Fatal(got)
	}
	if got := r.status(t, broker, "insert", brokerGUID, "abstract", "full"); got != success {
		t.Fatal(got)
	}
	if got := r.status(t, broker, "insert", strings.ToUpper(brokerGUID), "abstract", "full", "7"); got != success {
		t.Fatal(got)
	}
	if e, err = find(r.store, brokerGUID); err != nil || e.Abstract != "abstract" || e.Full != "full" || e.Units != "7" || !e.Last.Equal(start.Add(2*time.Minute)) {
		t.Fatalf("%+v, %v", e, err)
	}
	if got := r.status(t, sm, "testSSLCert", smGUID, registrar.Certificate64(sm.Cert.Raw)); got != success {
		t.Error(got)
	}
}

// What is refused, why, and that nothing comes of it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	sm, broker, evil := identity(t, smGUID, "sm"), identity(t, brokerGUID, "broker"), identity(t, "44444444-4444-4444-8444-444444444444", "evil")
	const home = "https://here.test/orca/services/sm"
	good := registration(sm, "1", home)
	with := func(i int, s string) []string {
		out := append([]string(nil), good...)
		out[i] = s
		return out
	}
	for _, tt := range []struct {
		name string
		as   keys.Identity
		args []string
		says string
	}{
		{"no certificate", keys.Identity{}, good, "no client certificate"},
		{"certificate of another", evil, good, "another than that of the registration"},
		{"stolen guid", evil, with(8, registrar.Certificate64(evil.Cert.Raw)), "registered with another certificate"},
		{"taken name", broker, append([]string{"sm"}, registration(broker, "2", home)[1:]...), "used by another guid"},
		{"from elsewhere", sm, with(4, "https://there.test/"), "not that of the SOAP url"},
		{"unknown host", sm, with(4, "https://nowhere.test/"), "no address"},
		{"no url", sm, with(4, ""), "missing SOAP url"},
		{"bad url", sm, with(4, "javascript:1"), "no http or https"},
		{"bad type", sm, with(1, "4"), "type is none"},
		{"another type", sm, with(1, "2"), "another name or type"},
		{"another name", sm, with(0, "sm2"), "another name or type"},
		{"bad guid", sm, with(2, "x"), "no UUID"},
		{"bad name", sm, with(0, "a\nb"), "name is none"},
		{"bad base64", sm, with(8, "!"), "no base64"},
		{"no certificate inside", sm, with(8, "AAAA"), "certificate is none"},
		{"long text", sm, with(3, strings.Repeat("x", 5000)), "over the limit"},
		{"huge certificate", sm, with(8, strings.Repeat("A", 20000)), "octets"},
		{"heartbeat of a stranger", evil, []string{evil.GUID}, "unknown guid"},
		{"heartbeat for another", evil, []string{smGUID}, "another than the one registered"},
		{"heartbeat without a certificate", keys.Identity{}, []string{smGUID}, "no client certificate"},
		{"heartbeat of nobody", sm, []string{"x"}, "no UUID"},
		{"description for another", evil, []string{smGUID, "a", "b"}, "another than the one registered"},
		{"huge description", sm, []string{smGUID, "a", strings.Repeat("x", 1<<20+1)}, "over the limit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			if got := r.status(t, sm, "insert", good...); got != success {
				t.Fatal(got)
			}
			before, err := r.store.All()
			if err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(time.Second)
			if got := r.status(t, tt.as, "insert", tt.args...); !strings.HasPrefix(got, "STATUS: ERROR; ") || !strings.Contains(got, tt.says) {
				t.Errorf("it says %q", got)
			}
			after, err := r.store.All()
			if err != nil || len(after) != 1 || after[0] != before[0] {
				t.Errorf("afterwards %+v, %v", after, err)
			}
		})
	}
	r := newRegistry(t)
	a, err := client.New(client.Config{}).Call(t.Context(), r.plain.URL, xmlrpc.Call{Method: "registryService.insert", Params: texts(good...)})
	if s, _ := a.Value.Text(); err != nil || !strings.Contains(s, "over TLS only") {
		t.Errorf("without TLS: %q, %v", s, err)
	}
	var f *xmlrpc.Fault
	if _, err := r.as(t, sm, "insert", texts("a", "b")...); !errors.As(err, &f) || f.Code != xmlrpc.WrongParams {
		t.Errorf("two arguments: %v", err)
	}
	if _, err := r.as(t, sm, "insert", xmlrpc.Int(1)); !errors.As(err, &f) || f.Code != xmlrpc.WrongParams {
		t.Errorf("a number: %v", err)
	}
}

// Of what went wrong on the way the log hears the cause, and the caller a kind.
func TestCauses(t *testing.T) {
	t.Parallel()
	log, hook := logtest.NewNullLogger()
	r := newRegistry(t, func(c *registrar.Config) { c.Log = log })
	sm := identity(t, smGUID, "sm")
	got := r.status(t, sm, "insert", registration(sm, "1", "https://nowhere.test/")...)
	if got != "STATUS: ERROR; the host of the SOAP url has no address" {
		t.Errorf("it says %q", got)
	}
	if e := hook.LastEntry(); e == nil || !strings.Contains(fmt.Sprint(e.Data["error"]), "no such host") {
		t.Errorf("logged %+v", e)
	}
}

func TestLaxAndFull(t *testing.T) {
	t.Parallel()
	sm := identity(t, smGUID, "sm")
	r := newRegistry(t, func(c *registrar.Config) { c.Lax, c.AnyAddress, c.Most = true, true, 1 })
	if got := r.status(t, keys.Identity{}, "insert", registration(sm, "1", "https://there.test/")...); got != success {
		t.Errorf("lax: %s", got)
	}
	// A certificate that is shown counts all the same.
	broker := identity(t, brokerGUID, "broker")
	if got := r.status(t, broker, "insert", smGUID); !strings.Contains(got, "another than the one registered") {
		t.Errorf("lax, of another: %s", got)
	}
	if got := r.status(t, broker, "insert", registration(broker, "2", "None")...); !strings.Contains(got, "no room") {
		t.Errorf("full: %s", got)
	}
	op := operator(t, r)
	if err := op.Verify(t.Context(), smGUID); err != nil {
		t.Fatal(err)
	}
	if got := r.status(t, broker, "insert", registration(broker, "2", "None")...); got != success {
		t.Errorf("room again: %s", got)
	}
}

func operator(t testing.TB, r *registry) *registrar.Operator {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: r.Admin()}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return registrar.NewOperator(path)
}

func listed(v xmlrpc.Value) (guids []string, status string) {
	for name, e := range v.Members() {
		if name == "STATUS" {
			status, _ = e.Member("STATUS").Text()
			continue
		}
		guids = append(guids, name)
	}
	return guids, status
}

func TestQueries(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, func(c *registrar.Config) { c.Everybody = false })
	op := operator(t, r)
	sm, broker, site := identity(t, smGUID, "sm"), identity(t, brokerGUID, "broker"), identity(t, siteGUID, "site")
	for _, x := range []struct {
		id             keys.Identity
		role, location string
	}{{sm, "1", "https://here.test/orca/services/sm"}, {broker, "2", "https://here.test/orca/xmlrpc/broker"}, {site, "3", "http://127.0.0.1:8080/orca/services/site"}} {
		if got := r.status(t, x.id, "insert", registration(x.id, x.role, x.location)...); got != success {
			t.Fatal(got)
		}
	}
	ask := func(method string, params ...xmlrpc.Value) []string {
		t.Helper()
		v, err := r.as(t, keys.Identity{}, method, params...)
		if err != nil {
			t.Fatal(err)
		}
		guids, status := listed(v)
		if want := success; len(guids) == 0 && status != "No actors match the query" || len(guids) > 0 && status != want {
			t.Errorf("%s: status %q for %v", method, status, guids)
		}
		return guids
	}
	is := func(got []string, want ...string) {
		t.Helper()
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	yes := xmlrpc.Bool(true)
	is(ask("getActors", yes), brokerGUID, smGUID) // the site is on a loopback address
	is(ask("getActors"), brokerGUID, smGUID)
	is(ask("getSMs", yes), smGUID)
	is(ask("getBrokers", yes), brokerGUID)
	is(ask("getAMs", yes))
	is(ask("getActorsOtherThan", xmlrpc.Array(texts(strings.ToUpper(smGUID))...), yes), brokerGUID)
	is(ask("getActorsVerifiedOtherThan", xmlrpc.Array(), yes))
	if err := op.Verify(t.Context(), brokerGUID); err != nil {
		t.Fatal(err)
	}
	is(ask("getActorsVerifiedOtherThan", xmlrpc.Array(), yes), brokerGUID)
	is(ask("getActorsVerifiedOtherThan", xmlrpc.Array(texts(brokerGUID)...), yes))
	v, err := r.as(t, keys.Identity{}, "getActors", yes)
	if err != nil {
		t.Fatal(err)
	}
	e := v.Member(brokerGUID)
	for name, want := range map[string]string{"NAME": "broker", "GUID": brokerGUID, "TYPE": "broker", "LOCATION": "https://here.test/orca/xmlrpc/broker",
		"CERT": registrar.Certificate64(broker.Cert.Raw), "PROTOCOL": "xmlrpc", "LASTUPDATE": "2026-03-01 12:00:00", "PRODUCTION": "True", "VERIFIED": "True"} {
		if got, _ := e.Member(name).Text(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if e.Len() != 9 {
		t.Errorf("the essential is %d members", e.Len())
	}
	if v, err = r.as(t, keys.Identity{}, "getActors", xmlrpc.Bool(false)); err != nil {
		t.Fatal(err)
	}
	if s, _ := v.Member(smGUID).Member("CLASS").Text(); s != "orca.Class" || !v.Member(smGUID).Member("ABSRDF").IsNil() {
		t.Errorf("all of it: %+v", v.Member(smGUID))
	}
	if err := op.Revoke(t.Context(), brokerGUID); err != nil {
		t.Fatal(err)
	}
	is(ask("getActorsVerifiedOtherThan", xmlrpc.Array(), yes))
	// Two whole minutes, and not three.
	r.clock.Advance(3*time.Minute - time.Second)
	is(ask("getActors", yes), brokerGUID, smGUID)
	r.clock.Advance(time.Second)
	is(ask("getActors", yes))
}

func TestOperators(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	op := operator(t, r)
	sm := identity(t, smGUID, "sm")
	if got := r.status(t, sm, "insert", registration(sm, "1", "None")...); got != success {
		t.Fatal(got)
	}
	for name, act := range map[string]func(context.Context, string) error{"verify": op.Verify, "revoke": op.Revoke, "remove": op.Remove} {
		if err := act(t.Context(), brokerGUID); !errors.Is(err, registrar.ErrUnknown) {
			t.Errorf("%s of a stranger: %v", name, err)
		}
	}
	all, err := op.Actors(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "sm" {
		t.Fatalf("%+v, %v", all, err)
	}
	if err := op.Remove(t.Context(), smGUID); err != nil {
		t.Fatal(err)
	}
	if all, err := op.Actors(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	if _, err := registrar.NewOperator(filepath.Join(t.TempDir(), "none")).Actors(t.Context()); !errors.Is(err, registrar.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
}

// Records outlive the process.
func TestStoreKeeps(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	sm := identity(t, smGUID, "sm")
	if got := r.status(t, sm, "insert", registration(sm, "1", "None")...); got != success {
		t.Fatal(got)
	}
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := registrar.OpenStore(r.file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e, err := find(s, smGUID); err != nil || e.Name != "sm" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestImagesAndControllers(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, func(c *registrar.Config) {
		c.Images = []registrar.Image{{Name: "debian", Version: "12", URL: "http://images/d"}, {Name: "fedora", Default: true}}
		c.Controllers = []registrar.Controller{{Name: "c", URL: "https://c/", Enabled: true}}
	})
	v, err := r.as(t, keys.Identity{}, "getAllImages")
	if err != nil || v.Len() != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	v, err = r.as(t, keys.Identity{}, "getDefaultImage")
	for one := range v.Items() {
		if s, _ := one.Member("ImageName").Text(); s != "fedora" || !one.Member("ImageDefault").IsNil() {
			t.Errorf("%+v", one)
		}
	}
	if err != nil || v.Len() != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	v, err = r.as(t, keys.Identity{}, "getAllControllers")
	for one := range v.Items() {
		if s, _ := one.Member("CtrlEnabled").Text(); s != "True" {
			t.Errorf("%+v", one)
		}
	}
	if err != nil || v.Len() != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err = r.as(t, keys.Identity{}, "getRegistryVersion"); err != nil || v.Kind() != xmlrpc.KindString {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]actors.Role{"sm": actors.RoleManager, "service": actors.RoleManager, "broker": actors.RoleBroker, "agent": actors.RoleBroker, "SITE": actors.RoleAuthority, "authority": actors.RoleAuthority} {
		if got, ok := registrar.RoleOf(word); !ok || got != want {
			t.Errorf("%s is %v", word, got)
		}
		if got, _ := registrar.RoleOf(registrar.NumberOf(want)); got != want {
			t.Errorf("%v is %s", want, registrar.NumberOf(want))
		}
	}
	if _, ok := registrar.RoleOf("king"); ok {
		t.Error("king")
	}
	sm := identity(t, smGUID, "sm")
	text := registrar.Certificate64(sm.Cert.Raw)
	for i, line := range strings.Split(text, "\n") {
		if len(line) > 76 || line == "" {
			t.Errorf("line %d has %d octets", i, len(line))
		}
	}
	if c, err := registrar.ParseCertificate64(strings.ReplaceAll(text, "\n", "\r\n ")); err != nil || !c.Equal(sm.Cert) {
		t.Error(err)
	}
}

// A question as the library of deployed clients writes it, and nothing in the answer that
// it does not read: texts without an element, and no null (actor-registry 5).
func TestDialect(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	site := identity(t, siteGUID, "site")
	if got := r.status(t, site, "insert", registration(site, "3", "https://here.test/orca/services/site")...); got != success {
		t.Fatal(got)
	}
	if got := r.status(t, site, "insert", siteGUID, "abstract", "full"); got != success {
		t.Fatal(got)
	}
	for _, params := range []string{
		"<param><value><array><data></data></array></value></param><param><value><boolean>0</boolean></value></param>",
		"<param><value><array><data/></array></value></param><param><value><boolean>0</boolean></value></param>",
		"<param><value><array><data><value>" + smGUID + "</value></data></array></value></param><param><value><boolean>0</boolean></value></param>",
	} {
		resp, err := http.Post(r.plain.URL+"//registry//", "text/xml", strings.NewReader(
			`<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>registryService.getActorsOtherThan</methodName><params>`+params+`</params></methodCall>`))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		answer := string(body)
		for _, want := range []string{"<name>" + siteGUID + "</name>", "<name>FULLRDF</name><value>full</value>", "<name>VERIFIED</name><value>False</value>",
			"<name>STATUS</name><value>STATUS: SUCCESS</value>"} {
			if !strings.Contains(answer, want) {
				t.Errorf("no %s in %s", want, answer)
			}
		}
		elements := regexp.MustCompile(`<([^/?> ]+)`).FindAllStringSubmatch(answer, -1)
		for _, e := range elements {
			if !slices.Contains([]string{"methodResponse", "params", "param", "value", "struct", "member", "name"}, e[1]) {
				t.Errorf("%s in %s", e[1], answer)
			}
		}
		if strings.Contains(answer, "ALLOCUNITS") { // which the site did not say
			t.Error(answer)
		}
	}
}
