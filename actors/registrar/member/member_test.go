package member_test

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registrar"
	"github.com/leasehold/leasehold/actors/registrar/member"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

const (
	smGUID     = "33333333-3333-4333-8333-333333333333"
	brokerGUID = "22222222-2222-4222-8222-222222222222"
	siteGUID   = "11111111-1111-4111-8111-111111111111"
)

func identity(t testing.TB, guid, name string) keys.Identity {
	t.Helper()
	id, err := keys.Generate(rand.NewChaCha8([32]byte([]byte(guid[:32]))), guid, name, keys.ECDSAP256, time.Now().AddDate(-1, 0, 0), time.Now().AddDate(9, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func location(id keys.Identity, form string) actors.Location {
	return actors.Location{ID: actors.ActorID(id.GUID), Name: id.Name, URL: "http://127.0.0.1:8080/orca/" + form + "/" + id.Name}
}

// serve is a TLS server that asks for certificates, and its pins.
func serve(t testing.TB, h http.Handler) (url string, sha, short member.Pin) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	raw := s.Certificate().Raw
	a, b := sha256.Sum256(raw), md5.Sum(raw)
	pin := func(sum []byte) member.Pin {
		p, err := member.ParsePin(hex.EncodeToString(sum))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return s.URL + "/registry/", pin(a[:]), pin(b[:])
}

func ours(t testing.TB, auto bool) http.Handler {
	t.Helper()
	store, err := registrar.OpenStore(filepath.Join(t.TempDir(), "r.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	r, err := registrar.New(registrar.Config{Store: store, Everybody: true, AutoVerify: auto})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func join(t testing.TB, url string, pin member.Pin, id keys.Identity, role actors.Role, form string) *member.Member {
	t.Helper()
	m, err := member.New(member.Config{URL: url, Pin: pin, Self: id, Location: location(id, form), Role: role, Description: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// Our client at our server: register, heartbeat, and see one another.
func TestJoin(t *testing.T) {
	t.Parallel()
	url, sha, short := serve(t, ours(t, true))
	sm, broker, site := identity(t, smGUID, "sm"), identity(t, brokerGUID, "broker"), identity(t, siteGUID, "site")
	members := []*member.Member{
		join(t, url, sha, sm, actors.RoleManager, "services"), join(t, strings.TrimRight(url, "/"), short, broker, actors.RoleBroker, "xmlrpc"), join(t, url+"//", sha, site, actors.RoleAuthority, "services"),
	}
	for _, m := range members {
		if err := m.Heartbeat(t.Context()); !errors.Is(err, member.ErrRegistry) || !strings.Contains(err.Error(), "unknown guid") {
			t.Errorf("heartbeat of a stranger: %v", err)
		}
		for range 2 {
			if err := m.Register(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Heartbeat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	found, skipped, err := members[0].Verified(t.Context(), []string{smGUID})
	if err != nil || len(skipped) != 0 || len(found) != 2 {
		t.Fatalf("%+v, %v, %v", found, skipped, err)
	}
	if f := found[1]; f.Location != location(broker, "xmlrpc") || f.Role != actors.RoleBroker || f.Protocol != wssec.XMLRPC || !f.Cert.Equal(broker.Cert) {
		t.Errorf("%+v", f)
	}
	if f := found[0]; f.Protocol != wssec.SOAP || f.Role != actors.RoleAuthority || !f.Same(f) || f.Same(found[1]) {
		t.Errorf("%+v", f)
	}
}

// Until an operator has verified it, nobody is listed.
func TestNotVerified(t *testing.T) {
	t.Parallel()
	url, sha, _ := serve(t, ours(t, false))
	m := join(t, url, sha, identity(t, smGUID, "sm"), actors.RoleManager, "services")
	if err := m.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, _, err := m.Verified(t.Context(), nil); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// Another server than the pinned one is sent nothing and believed nothing.
func TestPin(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url, _, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); io.Copy(io.Discard, r.Body) }))
	for _, text := range []string{strings.Repeat("ab", 32), strings.Repeat("AB:", 15) + "AB"} {
		pin, err := member.ParsePin(text)
		if err != nil {
			t.Fatal(err)
		}
		m := join(t, url, pin, identity(t, smGUID, "sm"), actors.RoleManager, "services")
		for range 2 {
			if err := m.Register(t.Context()); !errors.Is(err, member.ErrPin) {
				t.Errorf("register: %v", err)
			}
			if _, _, err := m.Verified(t.Context(), nil); !errors.Is(err, member.ErrPin) {
				t.Errorf("query: %v", err)
			}
			if err := m.Heartbeat(t.Context()); !errors.Is(err, member.ErrPin) {
				t.Errorf("heartbeat: %v", err)
			}
		}
	}
	if asked.Load() != 0 {
		t.Error("it was sent something")
	}
	for _, bad := range []string{"", "ab", "zz", strings.Repeat("ab", 20)} {
		if _, err := member.ParsePin(bad); err == nil {
			t.Errorf("%q is a pin", bad)
		}
	}
	p, err := member.ParsePin(strings.Repeat("0f", 16))
	if err != nil || !p.Weak() || !strings.HasPrefix(p.String(), "0F:0F") {
		t.Errorf("%v, %v", p, err)
	}
	sm := identity(t, smGUID, "sm")
	for _, c := range []member.Config{{URL: "http://r/", Pin: p, Self: sm}, {URL: "https://r/", Self: sm}, {URL: "https://r/", Pin: p}, {URL: "https://u:p@r/", Pin: p, Self: sm}, {Pin: p, Self: sm}} {
		if _, err := member.New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// What of an answer makes no sense is left out, and the rest is taken.
func TestAnswers(t *testing.T) {
	t.Parallel()
	broker := identity(t, brokerGUID, "broker")
	entry := func(change func(map[string]string)) xmlrpc.Value {
		m := map[string]string{"NAME": "broker", "GUID": brokerGUID, "TYPE": "broker", "LOCATION": "None", "PROTOCOL": "soapaxis2", "CERT": registrar.Certificate64(broker.Cert.Raw), "VERIFIED": "True"}
		if change != nil {
			change(m)
		}
		var out []xmlrpc.Member
		for k, v := range m {
			out = append(out, xmlrpc.Member{Name: k, Value: xmlrpc.String(v)})
		}
		return xmlrpc.Struct(out...)
	}
	status := func(s string) xmlrpc.Member {
		return xmlrpc.Member{Name: "STATUS", Value: xmlrpc.Struct(xmlrpc.Member{Name: "STATUS", Value: xmlrpc.String(s)})}
	}
	ask := func(v xmlrpc.Value) ([]member.Found, []error, error) {
		doc, err := xmlrpc.AppendAnswer(nil, v, xmlrpc.Dialect{Bare: true})
		if err != nil {
			t.Fatal(err)
		}
		url, sha, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(doc) }))
		return join(t, url, sha, identity(t, smGUID, "sm"), actors.RoleManager, "services").Verified(t.Context(), nil)
	}
	found, skipped, err := ask(xmlrpc.Struct(xmlrpc.Member{Name: brokerGUID, Value: entry(func(m map[string]string) { delete(m, "VERIFIED"); delete(m, "PROTOCOL"); m["NEW"] = "x" })}, status("STATUS: SUCCESS")))
	if err != nil || len(skipped) != 0 || len(found) != 1 || found[0].URL != "" {
		t.Errorf("members missing: %+v, %v, %v", found, skipped, err)
	}
	for name, change := range map[string]func(map[string]string){
		"another guid": func(m map[string]string) { m["GUID"] = smGUID }, "no type": func(m map[string]string) { delete(m, "TYPE") },
		"unknown protocol": func(m map[string]string) { m["PROTOCOL"] = "local" }, "no certificate": func(m map[string]string) { delete(m, "CERT") },
		"not verified": func(m map[string]string) { m["VERIFIED"] = "False" },
	} {
		found, skipped, err := ask(xmlrpc.Struct(xmlrpc.Member{Name: brokerGUID, Value: entry(change)}, status("STATUS: SUCCESS")))
		if err != nil || len(skipped) != 1 || len(found) != 0 {
			t.Errorf("%s: %+v, %v, %v", name, found, skipped, err)
		}
	}
	if _, skipped, err := ask(xmlrpc.Struct(xmlrpc.Member{Name: "x", Value: xmlrpc.Int(1)})); err != nil || len(skipped) != 1 {
		t.Errorf("a guid that is none: %v, %v", skipped, err)
	}
	for _, v := range []xmlrpc.Value{xmlrpc.String("x"), xmlrpc.Struct(status("STATUS ERROR; database"))} {
		if _, _, err := ask(v); err == nil {
			t.Errorf("%+v was taken", v)
		}
	}
}

// Who is to know whom, and who is left out.
func TestLearn(t *testing.T) {
	t.Parallel()
	sm, broker, site := identity(t, smGUID, "sm"), identity(t, brokerGUID, "broker"), identity(t, siteGUID, "site")
	evil := identity(t, "44444444-4444-4444-8444-444444444444", "evil")
	is := func(id keys.Identity, role actors.Role) member.Found {
		return member.Found{Location: location(id, "services"), Role: role, Cert: id.Cert}
	}
	all := []member.Found{is(sm, actors.RoleManager), is(broker, actors.RoleBroker), is(site, actors.RoleAuthority)}
	names := func(peers []registry.Peer) string {
		var out []string
		for _, p := range peers {
			out = append(out, p.Name)
		}
		return strings.Join(out, " ")
	}
	for role, want := range map[actors.Role]string{actors.RoleManager: "site broker", actors.RoleBroker: "site sm", actors.RoleAuthority: "broker sm"} {
		peers, left := member.Learn(actors.ActorID("99999999-9999-4999-8999-999999999999"), role, nil, all, wssec.Strict)
		if names(peers) != want || len(left) != 0 {
			t.Errorf("%v knows %s, %v", role, names(peers), left)
		}
		for _, p := range peers {
			if p.Policy.Profile != wssec.Strict || len(p.Certs) != 1 {
				t.Errorf("%+v", p)
			}
		}
	}
	// The administrator's word counts: another key for a known guid changes nothing.
	mine := registry.Peer{Location: location(broker, "services"), Role: actors.RoleBroker, Certs: []*x509.Certificate{broker.Cert}}
	false1 := is(broker, actors.RoleBroker)
	false1.Cert = evil.Cert
	peers, left := member.Learn(smGUID, actors.RoleManager, []registry.Peer{mine}, []member.Found{false1}, wssec.Strict)
	if len(peers) != 1 || len(left) != 0 || !peers[0].Certs[0].Equal(broker.Cert) {
		t.Errorf("%+v, %v", peers, left)
	}
	// A taken name, a certificate of another, an own guid.
	named := is(evil, actors.RoleBroker)
	named.Name = "broker"
	foreign := is(site, actors.RoleAuthority)
	foreign.Cert = evil.Cert
	peers, left = member.Learn(smGUID, actors.RoleManager, []registry.Peer{mine}, []member.Found{named, foreign, is(sm, actors.RoleBroker)}, wssec.Strict)
	if len(peers) != 1 || len(left) != 2 {
		t.Errorf("%s, %v", names(peers), left)
	}
}

// What is sent, octet by octet where deployed registries look: one slash at the end
// whatever the configuration says, nine texts, the certificate in the same lines for ever, and
// an empty list of guids as their library writes it (actor-registry 4).
func TestSent(t *testing.T) {
	t.Parallel()
	type sent struct{ path, body string }
	calls := make(chan sent, 1)
	url, sha, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		calls <- sent{r.URL.Path, string(body)}
		w.Header().Set("Content-Type", "text/xml")
		answer := "<value>STATUS: SUCCESS</value>"
		if strings.Contains(string(body), "getActors") {
			answer = "<value><struct></struct></value>"
		}
		_, _ = io.WriteString(w, "<?xml version=\"1.0\"?><methodResponse><params><param>"+answer+"</param></params></methodResponse>")
	}))
	site := identity(t, siteGUID, "site")
	lines := strings.Split(registrar.Certificate64(site.Cert.Raw), "\n")
	for n, line := range lines {
		if last := n == len(lines)-1; !last && len(line) != 76 || last && (line == "" || len(line) > 76) {
			t.Errorf("line %d of the certificate has %d columns", n, len(line))
		}
	}
	var first string
	for _, form := range []string{strings.TrimRight(url, "/"), url, url + "/"} {
		m := join(t, form, sha, site, actors.RoleAuthority, "services")
		for what, do := range map[string]func() error{
			"9": func() error { return m.Register(t.Context()) },
			"1": func() error { return m.Heartbeat(t.Context()) },
			"?": func() error { _, _, err := m.Verified(t.Context(), nil); return err },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
			got := <-calls
			if got.path != "/registry/" {
				t.Errorf("%s goes to %s", form, got.path)
			}
			c, err := xmlrpc.ParseCall([]byte(got.body), xmlrpc.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if what == "?" {
				if yes, ok := c.Params[1].Bool(); !ok || !yes || len(c.Params) != 2 || !strings.Contains(got.body, "<array><data></data></array>") {
					t.Errorf("the question is %s", got.body)
				}
				continue
			}
			if fmt.Sprint(len(c.Params)) != what {
				t.Errorf("%d parameters, want %s: %s", len(c.Params), what, got.body)
			}
			for n, p := range c.Params {
				if p.Kind() != xmlrpc.KindString {
					t.Errorf("parameter %d is a %v", n, p.Kind())
				}
			}
			if what == "9" {
				if first == "" {
					first = got.body
				}
				if text, _ := c.Params[8].Text(); text != strings.Join(lines, "\n") || got.body != first {
					t.Errorf("registered again as %s, before as %s", got.body, first)
				}
				if role, _ := c.Params[1].Text(); role != "3" {
					t.Errorf("a site is %q", role)
				}
			}
		}
	}
}
