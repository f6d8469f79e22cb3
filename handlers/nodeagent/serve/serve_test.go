package serve_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/handlers/nodeagent/pack"
	"github.com/leasehold/leasehold/handlers/nodeagent/serve"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/agentrun"
	"github.com/leasehold/leasehold/handlers/run/runtest"
	wire "github.com/leasehold/leasehold/wire/nodeagent"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// TestMain lets this program be the supervisor of the agents that its tests start.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "supervise" {
		os.Exit(nodeagent.Supervise(os.Args[2]))
	}
	os.Exit(m.Run())
}

func identity(t *testing.T, alg keys.Algorithm) keys.Identity {
	t.Helper()
	id, err := keys.Generate(rand.Reader, uuid.NewString(), "authority", alg, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// world is an agent behind HTTP, and its authority.
type world struct {
	t         *testing.T
	dir, url  string
	agent     *nodeagent.Agent
	authority keys.Identity
	hash      string
}

// start starts an agent in a folder, or another one after the last.
func start(t *testing.T, dir string, authority keys.Identity, hash string) *world {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, authority: authority, hash: hash}
	w.agent, err = nodeagent.Open(nodeagent.Config{Dir: dir, CommandLine: "quiet AUTH_HASH=" + hash + " NODE_TOKEN=s3cret<&> ro",
		Supervisor: []string{self, "supervise"}, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	s, err := serve.New(serve.Config{Agent: w.agent, Dir: dir, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() { h.Close(); s.Close() })
	w.url = h.URL
	return w
}

// begin is a world whose authority is known.
func begin(t *testing.T) (*world, *agentrun.Runner) {
	t.Helper()
	authority := identity(t, keys.RSA2048)
	w := start(t, t.TempDir(), authority, nodeagent.Hash(authority.Cert))
	w.meet()
	return w, w.runner(authority)
}

// meet makes the authority the first key, over SOAP, and gives the node's certificate.
func (w *world) meet() *x509.Certificate {
	w.t.Helper()
	r := w.master()
	got := w.unsigned(r)
	if got.Code != 0 {
		w.t.Fatalf("%+v", got)
	}
	cert, err := nodeagent.OpenAnswer(w.authority.Key.(*rsa.PrivateKey), got.Reply, got.Key, "s3cret<&>")
	if err != nil {
		w.t.Fatal(err)
	}
	if !cert.Equal(w.agent.Identity().Cert) {
		w.t.Fatal("another node's certificate")
	}
	return cert
}

// master is the request of the first key.
func (w *world) master() wire.Request {
	r := wire.Request{Op: wire.RegisterAuthorityKey, Alias: "authoritykey", Certificate: w.authority.Cert.Raw, Message: []byte("<keymastermessage/>")}
	hash, sum := crypto.SHA256, sha256.New().Sum(nil)
	if len(w.hash) < 90 {
		m := md5.Sum(r.Message)
		hash, sum = crypto.MD5, m[:]
	} else {
		m := sha256.Sum256(r.Message)
		sum = m[:]
	}
	var err error
	if r.Signature, err = w.authority.Key.Sign(rand.Reader, sum, hash); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) runner(id keys.Identity) *agentrun.Runner {
	w.t.Helper()
	r, err := agentrun.New(agentrun.Config{URL: w.url + "/xmlrpc", Agent: w.agent.Identity().Cert, Identity: id, Pause: 10 * time.Millisecond})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { r.Close() })
	return r
}

// post sends an envelope, and gives what came back.
func (w *world) post(envelope []byte, action string) (int, []byte) {
	w.t.Helper()
	status, _, data := w.postAs(envelope, soap.PlainType, action)
	return status, data
}

// postAs sends what is said to be of a type, and gives what came back and its type.
func (w *world) postAs(envelope []byte, kind, action string) (status int, is string, body []byte) {
	w.t.Helper()
	q, err := http.NewRequest(http.MethodPost, w.url+"/axis2/services/NodeAgentService", bytes.NewReader(envelope))
	if err != nil {
		w.t.Fatal(err)
	}
	q.Header.Set("Content-Type", kind)
	if action != "" {
		q.Header.Set("SOAPAction", `"`+action+`"`)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		w.t.Fatal(err)
	}
	defer a.Body.Close()
	data, err := io.ReadAll(a.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.StatusCode, a.Header.Get("Content-Type"), data
}

// decode reads an answer: one to a signed request is signed by the agent, and confirms the
// request's signature.
func (w *world) decode(data []byte, op wire.Op, request []byte) wire.Response {
	w.t.Helper()
	doc, err := xmltree.Parse(data, xmltree.Limits{})
	if err != nil {
		w.t.Fatalf("%s: %v", data, err)
	}
	_, payload, err := soap.DecodeEnvelope(doc)
	if request != nil {
		var v wssec.Verified
		v, _, err = wssec.OpenBare(doc, time.Now(), func(c *x509.Certificate) bool { return c.Equal(w.agent.Identity().Cert) }, signatureOf(w.t, request))
		payload = v.Body()
	}
	if err != nil {
		w.t.Fatalf("%s: %v", data, err)
	}
	r, err := wire.DecodeResponse(payload, op)
	if err != nil {
		w.t.Fatalf("%s: %v", data, err)
	}
	return r
}

// signatureOf is the octets of an envelope's SignatureValue.
func signatureOf(t *testing.T, envelope []byte) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(string(envelope), "<ds:SignatureValue>")
	text, _, _ := strings.Cut(rest, "<")
	value, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(value) == 0 {
		t.Fatalf("%q is no signature: %v", text, err)
	}
	return value
}

func (w *world) unsigned(r wire.Request) wire.Response {
	w.t.Helper()
	body, err := wire.EncodeRequest(r)
	if err != nil {
		w.t.Fatal(err)
	}
	status, data := w.post(soap.EncodeEnvelope(nil, nil, body), string(r.Op))
	if status != 200 {
		w.t.Fatalf("%d %s", status, data)
	}
	return w.decode(data, r.Op, nil)
}

func seal(t *testing.T, id keys.Identity, r wire.Request) []byte {
	t.Helper()
	body, err := wire.EncodeRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := wssec.Seal{Signer: id.Key, Cert: id.Cert, MessageID: rand.Text(), Profile: wssec.Legacy}.Bare(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func (w *world) soap(r wire.Request) wire.Response {
	w.t.Helper()
	request := seal(w.t, w.authority, r)
	status, data := w.post(request, string(r.Op))
	if status != 200 {
		w.t.Fatalf("%s: %d %s", r.Op, status, data)
	}
	return w.decode(data, r.Op, request)
}

// driver builds a package whose action prints what it was told, and more.
func driver(t *testing.T, by keys.Identity, version string, files ...pack.File) []byte {
	t.Helper()
	m := pack.Manifest{ID: "web", Version: version, Install: []string{"bin/install"}, Actions: map[string]pack.Action{
		"test":   {Run: []string{"bin/test"}, Overlap: pack.Ignore},
		"fail":   {Run: []string{"sh", "-c", "echo no luck >&2; exit 7"}},
		"own":    {Run: []string{"echo", `{"code":-20,"message":"bad arguments"}`}},
		"gibber": {Run: []string{"echo", "hello"}},
		"none":   {Run: []string{"bin/nothing"}},
		"slow":   {Run: []string{"sleep", "600"}, Timeout: "100ms"},
		"wait":   {Run: []string{"bin/hold"}, Overlap: pack.Wait},
		"cancel": {Run: []string{"bin/hold"}, Overlap: pack.Cancel},
		"error":  {Run: []string{"bin/hold"}, Overlap: pack.Refuse},
		"ignore": {Run: []string{"bin/hold"}, Overlap: pack.Ignore},
	}}
	all := append([]pack.File{
		{Name: "bin/install", Exec: true, Data: []byte("#!/bin/sh\ntest ! -e broken && echo installed > marker\n")},
		{Name: "bin/test", Exec: true, Data: []byte("#!/bin/sh\nread -r line\nprintf '{\"properties\":{\"version\":\"" + version + "\",\"object\":\"%s\",\"marker\":\"%s\"}}' \"$LEASEHOLD_OBJECT\" \"$(cat marker)\"\ncase $line in *'\"a\":\"1\"'*) ;; *) exit 3;; esac\n")},
		// hold: says that it began, and waits to be let go
		{Name: "bin/hold", Exec: true, Data: []byte("#!/bin/sh\nread -r line\nd=${line#*@}; d=${d%%@*}\necho x >> \"$d/began\"\nuntil test -e \"$d/go\"; do sleep 0.02; done\necho x >> \"$d/ended\"\n")},
	}, files...)
	data, err := pack.Build(m, all, by.Key, by.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func install(id string, data []byte) wire.Request {
	return wire.Request{Op: wire.InstallDriver, Driver: id, Class: "x.Y", Package: data}
}

// files are all names below the agent's folder that a package may have left.
func (w *world) files() string {
	var out []string
	_ = filepath.Walk(filepath.Join(w.dir, "drivers"), func(p string, i os.FileInfo, err error) error {
		if err == nil && i.Mode().IsRegular() {
			rel, _ := filepath.Rel(w.dir, p)
			out = append(out, rel)
		}
		return err
	})
	return strings.Join(out, " ")
}

// Every operation of the legacy service, as deployed callers make them.
func TestSOAP(t *testing.T) {
	t.Parallel()
	w, _ := begin(t)
	if r := w.unsigned(wire.Request{Op: wire.GetServiceKey}); !bytes.Equal(r.Key, w.agent.Identity().Cert.Raw) {
		t.Error("not the agent's certificate")
	}
	if r := w.soap(wire.Request{Op: wire.TestFunc, Number: 7}); r.Code != 17 {
		t.Error(r)
	}
	if r := w.soap(wire.Request{Op: wire.ExecuteScript, Script: "printf", Arguments: `a\nb\n`}); r.Code != 0 || r.Stdout != "a\nb" {
		t.Errorf("%+v", r)
	}
	if r := w.soap(wire.Request{Op: wire.ExecuteScript, Script: "/no/such", Arguments: ""}); r.Code != wire.InternalDriverError || r.Message == "" {
		t.Errorf("%+v", r)
	}
	props := []wire.Property{{Name: "a", Value: "1"}}
	call := func(op wire.Op, action, object string) wire.Response {
		return w.soap(wire.Request{Op: op, Driver: "web", Action: action, Object: object, Properties: append(props, wire.Property{Name: "nonce", Value: rand.Text()})})
	}
	if r := call(wire.ExecuteDriver, "test", ""); r.Code != wire.InvalidDriver {
		t.Errorf("%+v", r)
	}
	if r := w.soap(wire.Request{Op: wire.UpgradeDriver, Driver: "web", Package: driver(t, w.authority, "1")}); r.Code != wire.NotInstalled {
		t.Errorf("%+v", r)
	}
	if r := w.soap(wire.Request{Op: wire.UninstallDriver, Driver: "web"}); r.Code != wire.NotInstalled {
		t.Errorf("%+v", r)
	}
	if r := w.soap(install("web", driver(t, w.authority, "1"))); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := w.soap(install("web", driver(t, w.authority, "1.1"))); r.Code != wire.AlreadyInstalled {
		t.Errorf("%+v", r)
	}
	want := map[string]string{"version": "1", "object": "o 1", "marker": "installed"}
	if r := call(wire.ExecuteObjectDriver, "test", "o 1"); r.Code != 0 || fmt.Sprint(wire.Map(r.Properties)) != fmt.Sprint(want) {
		t.Errorf("%+v", r)
	}
	for action, code := range map[string]int32{"fail": -10007, "own": wire.BadArguments, "gibber": wire.InternalDriverError, "none": wire.InternalDriverError,
		"other": wire.UnknownAction, "slow": wire.Interrupted} {
		if r := call(wire.ExecuteDriver, action, ""); r.Code != code || wire.Map(r.Properties)["driver.exception.message"] == "" {
			t.Errorf("%s: %+v, want %d", action, r, code)
		}
	}
	if r := w.soap(wire.Request{Op: wire.UpgradeDriver, Driver: "web", Package: driver(t, w.authority, "2")}); r.Code != 0 {
		t.Errorf("%+v", r)
	}
	if r := call(wire.ExecuteDriver, "test", ""); wire.Map(r.Properties)["version"] != "2" {
		t.Errorf("%+v", r)
	}
	if table, err := os.ReadFile(filepath.Join(w.dir, "drivers.xml")); err != nil || !strings.Contains(string(table), `<drivers xmlns="http://orca/drivers">`) || !strings.Contains(string(table), "<className>x.Y</className>") && !strings.Contains(string(table), "<id>web</id>") {
		t.Errorf("%s, %v", table, err)
	}
	second := identity(t, keys.RSA2048)
	register := wire.Request{Op: wire.RegisterKey, Alias: "actorkey", Certificate: second.Cert.Raw}
	for n, code := range []int32{0, wire.KeyAlready} {
		if n == 1 {
			register.Certificate = identity(t, keys.RSA2048).Cert.Raw
		}
		if r := w.soap(register); r.Code != code {
			t.Errorf("%+v, want %d", r, code)
		}
	}
	// Another key may run things, and not let others in.
	request := seal(t, second, wire.Request{Op: wire.TestFunc, Number: 1})
	status, data := w.post(request, "testFunc")
	if status != 200 || w.decode(data, wire.TestFunc, request).Code != 11 {
		t.Errorf("%d %s", status, data)
	}
	request = seal(t, second, wire.Request{Op: wire.RegisterKey, Alias: "third", Certificate: second.Cert.Raw})
	status, data = w.post(request, "registerKey")
	if status != 200 || w.decode(data, wire.RegisterKey, request).Code != wire.InvalidArguments {
		t.Errorf("%d %s", status, data)
	}
	// The authority under another name too, with the rights of that one, is the authority.
	if r := w.soap(wire.Request{Op: wire.RegisterKey, Alias: "again", Certificate: w.authority.Cert.Raw}); r.Code != 0 {
		t.Errorf("%+v", r)
	}
	for alias, code := range map[string]int32{"again": 0, "firstkey": wire.InvalidArguments, "nobody": wire.InvalidArguments, "../x": wire.InvalidArguments, "actorkey": 0} {
		if r := w.soap(wire.Request{Op: wire.UnregisterKey, Alias: alias}); r.Code != code {
			t.Errorf("%s: %+v", alias, r)
		}
	}
	if status, data := w.post(seal(t, second, wire.Request{Op: wire.TestFunc, Number: 2}), "testFunc"); status != 500 || !strings.Contains(string(data), "refused") {
		t.Errorf("%d %s", status, data)
	}
	if r := w.soap(wire.Request{Op: wire.UninstallDriver, Driver: "web"}); r.Code != 0 || w.files() != "" {
		t.Errorf("%+v, left %s", r, w.files())
	}
}

// What is signed by nobody, changed or sent again is refused, also after a restart.
func TestRefused(t *testing.T) {
	t.Parallel()
	w, _ := begin(t)
	mark := filepath.Join(t.TempDir(), "mark")
	count := func() int { data, _ := os.ReadFile(mark); return strings.Count(string(data), "x") }
	script := filepath.Join(t.TempDir(), "do.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho x >> "+mark+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	good := seal(t, w.authority, wire.Request{Op: wire.ExecuteScript, Script: script})
	body, err := wire.EncodeRequest(wire.Request{Op: wire.ExecuteScript, Script: script})
	if err != nil {
		t.Fatal(err)
	}
	for name, envelope := range map[string][]byte{
		"nobody":    seal(t, identity(t, keys.RSA2048), wire.Request{Op: wire.ExecuteScript, Script: script}),
		"unsigned":  soap.EncodeEnvelope(nil, nil, body),
		"changed":   bytes.Replace(good, []byte("<script>"), []byte("<script> "), 1),
		"no SOAP":   []byte("<a/>"),
		"no XML":    []byte("hello"),
		"an entity": append([]byte(`<!DOCTYPE a [<!ENTITY b "c">]>`), good...),
	} {
		if status, data := w.post(envelope, "executeScript"); status != 500 || !bytes.Contains(data, []byte("Fault")) || count() != 0 {
			t.Errorf("%s: %d %s, done %d times", name, status, data, count())
		}
	}
	if status, data := w.post(good, "executeScript"); status != 200 || count() != 1 {
		t.Fatalf("%d %s, done %d times", status, data, count())
	}
	again := start(t, w.dir, w.authority, w.hash)
	for _, x := range []*world{w, again} {
		if status, data := x.post(good, "executeScript"); status != 500 || count() != 1 {
			t.Errorf("%d %s, done %d times", status, data, count())
		}
	}
	// XML-RPC: nobody's key, and another agent's address.
	if _, err := w.runner(identity(t, keys.ECDSAP256)).Do(t.Context(), wire.Request{Op: wire.TestFunc}); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	other, _ := begin(t)
	wrong, err := agentrun.New(agentrun.Config{URL: w.url + "/xmlrpc", Agent: other.agent.Identity().Cert, Identity: w.authority})
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if _, err := wrong.Do(t.Context(), wire.Request{Op: wire.TestFunc}); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

// The first key is the one that the node was booted for, and no other ever; both ways of
// the exchange.
func TestFirstKey(t *testing.T) {
	t.Parallel()
	for name, hash := range map[string]func(*x509.Certificate) string{"strong": nodeagent.Hash, "as deployed": nodeagent.LegacyHash} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authority, evil := identity(t, keys.RSA2048), identity(t, keys.RSA2048)
			w := start(t, t.TempDir(), authority, hash(authority.Cert))
			wrong := func(change func(*wire.Request)) {
				t.Helper()
				r := w.master()
				change(&r)
				if got := w.unsigned(r); got.Code != wire.InvalidArguments || len(got.Reply) != 1 || len(got.Key) != 1 {
					t.Errorf("%+v", got)
				}
			}
			wrong(func(r *wire.Request) { r.Certificate = evil.Cert.Raw })
			wrong(func(r *wire.Request) { r.Certificate = []byte("none") })
			wrong(func(r *wire.Request) { r.Message = []byte("other") })
			wrong(func(r *wire.Request) { r.Signature[5] ^= 1 })
			if w.agent.Known(authority.Cert) != nil {
				t.Fatal("known already")
			}
			w.meet()
			w.meet() // the answer was lost
			wrong(func(r *wire.Request) { r.Certificate = evil.Cert.Raw })
			got := w.unsigned(w.master())
			if _, err := nodeagent.OpenAnswer(evil.Key.(*rsa.PrivateKey), got.Reply, got.Key, "s3cret<&>"); err == nil {
				t.Error("anybody reads the answer")
			}
			if _, err := nodeagent.OpenAnswer(authority.Key.(*rsa.PrivateKey), got.Reply, got.Key, "guess"); err == nil {
				t.Error("the token does not matter")
			}
			again := start(t, w.dir, authority, "")
			if again.agent.Known(authority.Cert) == nil {
				t.Error("forgotten after a restart")
			}
		})
	}
	nothing := start(t, t.TempDir(), identity(t, keys.RSA2048), "")
	if got := nothing.unsigned(nothing.master()); got.Code != wire.InvalidArguments {
		t.Errorf("%+v", got)
	}
}

// A package that is refused, and an installation that fails, leave nothing behind; a
// version that fails leaves the one before.
func TestPackages(t *testing.T) {
	t.Parallel()
	w, r := begin(t)
	do := func(q wire.Request) wire.Response {
		t.Helper()
		got, err := r.Do(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	good := driver(t, w.authority, "1")
	tampered := bytes.Clone(good)
	tampered[len(tampered)/2] ^= 0x40
	for name, c := range map[string]struct {
		q    wire.Request
		code int32
	}{
		"nobody's":     {install("web", driver(t, identity(t, keys.ECDSAP256), "1")), wire.InvalidArguments},
		"tampered":     {install("web", tampered), wire.NotExpanded},
		"nothing":      {install("web", nil), wire.NotExpanded},
		"another name": {install("mail", good), wire.InvalidArguments},
		"a path":       {install("../web", good), wire.InvalidArguments},
		"broken":       {install("web", driver(t, w.authority, "1", pack.File{Name: "broken"})), 1},
	} {
		if got := do(c.q); got.Code != c.code {
			t.Errorf("%s: %+v", name, got)
		}
		if left, _ := os.ReadDir(filepath.Join(w.dir, "drivers")); len(left) != 0 {
			t.Errorf("%s: left %s", name, w.files())
		}
	}
	if got := do(install("web", good)); got.Code != 0 {
		t.Fatalf("%+v", got)
	}
	version := func() string {
		t.Helper()
		got := do(wire.Request{Op: wire.ExecuteDriver, Driver: "web", Action: "test", Properties: []wire.Property{{Name: "a", Value: "1"}}})
		return wire.Map(got.Properties)["version"]
	}
	upgrade := func(v string, files ...pack.File) wire.Response {
		t.Helper()
		return do(wire.Request{Op: wire.UpgradeDriver, Driver: "web", Package: driver(t, w.authority, v, files...)})
	}
	before := w.files()
	if got := upgrade("2", pack.File{Name: "broken"}); got.Code == 0 || version() != "1" || w.files() != before {
		t.Errorf("%+v, %s", got, w.files())
	}
	if got := upgrade("1"); got.Code != wire.InvalidArguments {
		t.Errorf("%+v", got)
	}
	if got := do(wire.Request{Op: wire.RollbackDriver, Driver: "web"}); got.Code != wire.InvalidArguments {
		t.Errorf("%+v", got)
	}
	for _, v := range []string{"2", "3"} {
		if got := upgrade(v); got.Code != 0 || version() != v {
			t.Errorf("%+v", got)
		}
	}
	if strings.Contains(w.files(), "drivers/web/1/") {
		t.Errorf("the version before the one before is there: %s", w.files())
	}
	w = start(t, w.dir, w.authority, w.hash) // what counts is on disk
	r = w.runner(w.authority)
	if got := do(wire.Request{Op: wire.RollbackDriver, Driver: "web"}); got.Code != 0 || version() != "2" {
		t.Errorf("%+v, %s", got, version())
	}
	// What a crash left over goes when the agent starts.
	if err := os.MkdirAll(filepath.Join(w.dir, "drivers/web/9/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(w.dir, "drivers/half/1"), 0o755); err != nil {
		t.Fatal(err)
	}
	w = start(t, w.dir, w.authority, w.hash)
	if left, _ := os.ReadDir(filepath.Join(w.dir, "drivers")); len(left) != 1 {
		t.Error("left over: ", left)
	}
	if left, _ := os.ReadDir(filepath.Join(w.dir, "drivers/web")); len(left) != 1 {
		t.Error("left over: ", left)
	}
}

// The four rules of overlap.
func TestOverlap(t *testing.T) {
	t.Parallel()
	w, r := begin(t)
	if got, err := r.Do(t.Context(), install("web", driver(t, w.authority, "1"))); err != nil || got.Code != 0 {
		t.Fatal(got, err)
	}
	for _, c := range []struct {
		rule          string
		first, second int32
		together      bool // the second begins while the first goes on
	}{{"wait", 0, 0, false}, {"ignore", 0, 0, true}, {"error", 0, wire.Overlap, false}, {"cancel", wire.Interrupted, 0, true}} {
		t.Run(c.rule, func(t *testing.T) {
			dir := t.TempDir()
			lines := func(name string) int {
				data, _ := os.ReadFile(filepath.Join(dir, name))
				return strings.Count(string(data), "\n")
			}
			until := func(what string, ok func() bool) {
				t.Helper()
				for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal(what)
					}
				}
			}
			call := func() chan int32 {
				out := make(chan int32, 1)
				go func() {
					got, err := r.Do(t.Context(), wire.Request{Op: wire.ExecuteObjectDriver, Driver: "web", Object: c.rule, Action: c.rule,
						Properties: []wire.Property{{Name: "dir", Value: "@" + dir + "@"}}})
					if err != nil {
						t.Error(err)
					}
					out <- got.Code
				}()
				return out
			}
			one := call()
			until("the first does not begin", func() bool { return lines("began") == 1 })
			if got, err := r.Do(t.Context(), wire.Request{Op: wire.UninstallDriver, Driver: "web"}); err != nil || got.Code != wire.Overlap {
				t.Error("uninstalled while it was busy: ", got, err)
			}
			two := call()
			if c.together {
				until("the second does not begin", func() bool { return lines("began") == 2 })
			}
			if c.rule == "error" {
				if code := <-two; code != c.second {
					t.Error(code)
				}
				two <- c.second
			}
			if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if code := <-one; code != c.first {
				t.Errorf("the first ends with %d", code)
			}
			if code := <-two; code != c.second {
				t.Errorf("the second ends with %d", code)
			}
		})
	}
}

// The runner passes the suite of runners.
func TestRunner(t *testing.T) {
	t.Parallel()
	_, r := begin(t)
	runtest.Suite(t, r)
}

// Input and arguments of a command are octets, whatever they mean.
func TestOctets(t *testing.T) {
	t.Parallel()
	_, r := begin(t)
	got, err := r.Run(t.Context(), run.Cmd{Args: []string{"sh", "-c", `printf %s "$1"; cat`, "sh", "\xfe"}, Stdin: "\xff\x00\r\n"})
	if err != nil || got.Code != 0 || got.Stdout != "\xfe\xff\x00\r\n" {
		t.Errorf("%+v, %v", got, err)
	}
}

// An action under a key is run once, however often it is asked for.
func TestKeys(t *testing.T) {
	t.Parallel()
	w, r := begin(t)
	if got, err := r.Do(t.Context(), install("web", driver(t, w.authority, "1"))); err != nil || got.Code != 0 {
		t.Fatal(got, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	q := wire.Request{Op: wire.ExecuteDriver, Driver: "web", Action: "wait", Properties: []wire.Property{{Name: "dir", Value: "@" + dir + "@"}, {Name: "action.key", Value: "k1"}}}
	for range 3 {
		if got, err := r.Do(t.Context(), q); err != nil || got.Code != 0 {
			t.Fatal(got, err)
		}
	}
	w = start(t, w.dir, w.authority, w.hash)
	if got, err := w.runner(w.authority).Do(t.Context(), q); err != nil || got.Code != 0 {
		t.Fatal(got, err)
	}
	if data, _ := os.ReadFile(dir + "/ended"); string(data) != "x\n" {
		t.Errorf("ran %q", data)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := r.Do(ctx, q); err == nil {
		t.Error("a call after its time")
	}
}
