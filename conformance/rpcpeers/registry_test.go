package rpcpeers

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registrar"
	"github.com/leasehold/leasehold/actors/registrar/member"
	"github.com/leasehold/leasehold/wssec/keys"
)

func identity(t testing.TB, guid, name string) (id keys.Identity, dir string) {
	t.Helper()
	id, err := keys.Generate(rand.Reader, guid, name, keys.RSA2048, time.Now().Add(-time.Hour).Truncate(time.Second), time.Now().AddDate(1, 0, 0).Truncate(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	return id, dir
}

const (
	brokerGUID = "22222222-2222-4222-8222-222222222222"
	siteGUID   = "11111111-1111-4111-8111-111111111111"
)

// A client like that of deployed containers, on Apache's library and with a certificate of
// its own, at our registry.
func TestApacheAtOurRegistry(t *testing.T) {
	t.Parallel()
	dir, err := made()
	if err != nil {
		t.Fatal(err)
	}
	store, err := registrar.OpenStore(filepath.Join(t.TempDir(), "r.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := registrar.New(registrar.Config{Store: store, Everybody: true})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(r)
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	defer s.Close()
	sum := sha256.Sum256(s.Certificate().Raw)
	pin, err := member.ParsePin(hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	// One of ours is there already, and verified.
	site, _ := identity(t, siteGUID, "site")
	m, err := member.New(member.Config{URL: s.URL + "/registry/", Pin: pin, Self: site, Role: actors.RoleAuthority,
		Location: actors.Location{ID: siteGUID, Name: "site", URL: "http://127.0.0.1:1/orca/xmlrpc/site"}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	verify(t, store, siteGUID)

	broker, keyDir := identity(t, brokerGUID, "broker")
	p12 := filepath.Join(keyDir, "keys.p12")
	if out, err := exec.Command("openssl", "pkcs12", "-export", "-in", filepath.Join(keyDir, "identity.pem"), "-passout", "pass:clientkeystore", "-name", "actorkey", "-out", p12).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	cmd := command(t, java("registry", s.URL+"/registry/", p12, "clientkeystore", "broker", "2", brokerGUID, "http://127.0.0.1:2/orca/services/broker")(dir))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs.String())
	}
	for _, want := range []string{"insert STATUS: SUCCESS", "heartbeat STATUS: SUCCESS", "ndl STATUS: SUCCESS", "cert STATUS: SUCCESS",
		"found " + siteGUID + " site site xmlrpc null", "found STATUS null null null STATUS: SUCCESS", "sites 2"} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	// And ours learns of it, once an operator has verified it.
	if found, _, err := m.Verified(t.Context(), nil); err != nil || len(found) != 1 {
		t.Errorf("before: %+v, %v", found, err)
	}
	verify(t, store, brokerGUID)
	found, skipped, err := m.Verified(t.Context(), []string{siteGUID})
	if err != nil || len(skipped) != 0 || len(found) != 1 || found[0].Name != "broker" || !found[0].Cert.Equal(broker.Cert) {
		t.Errorf("afterwards: %+v, %v, %v", found, skipped, err)
	}
}

func verify(t testing.TB, s *registrar.Store, guid string) {
	t.Helper()
	if err := s.Change(guid, func(e *registrar.Entry, known bool, _ func(func(registrar.Entry) bool) error) error {
		if !known {
			return registrar.ErrUnknown
		}
		e.Verified = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Our member at a stand-in for the deployed registry.
func TestOurMemberAtDeployedRegistry(t *testing.T) {
	t.Parallel()
	server, serverDir := identity(t, "99999999-9999-4999-8999-999999999999", "registry")
	broker, _ := identity(t, brokerGUID, "broker")
	site, _ := identity(t, siteGUID, "site")
	clients := filepath.Join(t.TempDir(), "clients.pem")
	if err := os.WriteFile(clients, append(keys.CertificatePEM(broker.Cert), keys.CertificatePEM(site.Cert)...), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, []string{"python3", "python/registry.py", filepath.Join(serverDir, "certificate.pem"), filepath.Join(serverDir, "identity.pem"), clients})
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	line, _ := bufio.NewReader(out).ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ready {
		_ = cmd.Wait()
		t.Fatalf("%q\n%s", line, errs.String())
	}
	sum := sha256.Sum256(server.Cert.Raw)
	pin, err := member.ParsePin(hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	join := func(id keys.Identity, role actors.Role) *member.Member {
		m, err := member.New(member.Config{URL: url, Pin: pin, Self: id, Role: role, Location: actors.Location{ID: actors.ActorID(id.GUID), Name: id.Name, URL: "http://127.0.0.1:1/orca/services/" + id.Name}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	a, b := join(broker, actors.RoleBroker), join(site, actors.RoleAuthority)
	if err := a.Heartbeat(t.Context()); !errors.Is(err, member.ErrRegistry) {
		t.Errorf("heartbeat of a stranger: %v", err)
	}
	if found, _, err := a.Verified(t.Context(), nil); err != nil || len(found) != 0 {
		t.Errorf("nobody is there: %+v, %v", found, err)
	}
	for _, m := range []*member.Member{a, b, a, b} { // the second time the certificate's text must be the same
		if err := m.Register(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, errs.String())
		}
		if err := m.Heartbeat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	found, skipped, err := a.Verified(t.Context(), []string{brokerGUID})
	if err != nil || len(skipped) != 0 || len(found) != 1 || found[0].Name != "site" || found[0].Role != actors.RoleAuthority || !found[0].Cert.Equal(site.Cert) {
		t.Errorf("%+v, %v, %v", found, skipped, err)
	}
}
