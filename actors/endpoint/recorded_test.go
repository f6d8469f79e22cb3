package endpoint_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// Octets that a Java client put on the wire, sent as they are to a real server: what
// it signed is taken, once, and what it did not sign is not. Files in loose differ
// from the recorded one in a way that peers have.
func TestRecordedOctets(t *testing.T) {
	t.Parallel()
	pem, err := os.ReadFile("testdata/recorded/signer-cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := keys.ParseCertificatePEM(pem)
	if err != nil {
		t.Fatal(err)
	}
	const guid = "46AEA103-1185-4E69-8AFA-53194582F5A9"
	w := newWorld(t)
	w.broker = withRSA(t, w.broker)
	for pattern, taken := range map[string]bool{"testdata/recorded/request-signed.http": true, "testdata/recorded/request-nosign.http": false, "testdata/loose/*.http": true} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			octets, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := w.serve(t, w.broker)
			s.clock.Advance(cert.NotBefore.Add(time.Hour).Sub(start))
			if err := s.registry.Replace([]registry.Peer{{
				Location: actors.Location{ID: guid, Name: "service"}, Role: actors.RoleManager, Certs: []*x509.Certificate{cert},
				Policy: wssec.Policy{Profile: wssec.Legacy, AnyCaseGUID: true},
			}}); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(s)
			for range 2 { // a client whose connection broke sends it again
				came := exchangeOctets(t, server.Listener.Addr().String(), octets)
				if strings.HasPrefix(came, "HTTP/1.1 200") != taken {
					t.Errorf("%s: %.300s", file, came)
				}
			}
			if got := s.messages(); len(got) != map[bool]int{true: 1, false: 0}[taken] || taken && (got[0].From != guid || got[0].Slice.Name != "sl & <x>") {
				t.Errorf("%s: taken %+v", file, got)
			}
			server.Close()
		}
	}
}

// exchangeOctets sends octets and gives what comes back until the server has nothing
// more to say.
func exchangeOctets(t *testing.T, addr string, octets []byte) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(octets); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	came, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(came)
}

// FuzzLegacyRequest: with the recorded Java client for a peer, whatever is sent in
// whatever packaging, its actor hears what that client signed or nothing.
func FuzzLegacyRequest(f *testing.F) {
	pem, err := os.ReadFile("testdata/recorded/signer-cert.pem")
	if err != nil {
		f.Fatal(err)
	}
	cert, err := keys.ParseCertificatePEM(pem)
	if err != nil {
		f.Fatal(err)
	}
	w := newWorld(f)
	w.broker = withRSA(f, w.broker)
	serve := func(t testing.TB) *service {
		t.Helper()
		s := w.serve(t, w.broker)
		s.clock.Advance(cert.NotBefore.Add(time.Hour).Sub(start))
		if err := s.registry.Replace([]registry.Peer{{
			Location: actors.Location{ID: "46AEA103-1185-4E69-8AFA-53194582F5A9", Name: "service"}, Role: actors.RoleManager, Certs: []*x509.Certificate{cert},
			Policy: wssec.Policy{Profile: wssec.Legacy, AnyCaseGUID: true, Tokens: wssec.TokenDirect | wssec.TokenSKI | wssec.TokenThumbprint |
				wssec.TokenIssuerSerial | wssec.TokenCertificate | wssec.TokenTransform, MTOM: true, FinalConfirmation: true},
		}}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	octets, err := os.ReadFile("testdata/recorded/request-signed.http")
	if err != nil {
		f.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(octets)))
	if err != nil {
		f.Fatal(err)
	}
	packed, err := io.ReadAll(r.Body)
	if err != nil {
		f.Fatal(err)
	}
	kind := r.Header.Get("Content-Type")
	envelope, _, err := soap.Unpack(kind, packed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ticket", kind, packed)
	f.Add("ticket", soap.PlainType, envelope)
	s := serve(f)
	if s.post("ticket", envelope); len(s.messages()) != 1 {
		f.Fatal("the recorded message is not taken")
	}
	good := s.messages()[0]
	s = serve(f)
	f.Fuzz(func(t *testing.T, action, contentType string, body []byte) {
		rec := s.post(action, body, func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
		for _, got := range s.messages() {
			if !reflect.DeepEqual(got, good) {
				t.Errorf("the actor hears what nobody sent: %+v", got)
			}
		}
		if rec.Code == http.StatusOK {
			s = serve(t) // one that has not seen the message
		}
		s.log.Reset()
	})
}
