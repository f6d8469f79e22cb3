package endpoint_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// rsaKeys are made once: it takes a while.
var rsaKeys = sync.OnceValue(func() (k [2]*rsa.PrivateKey) {
	for i := range k {
		var err error
		if k[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return k
})

// deployed is a manager and a broker that talk as deployed actors do.
func deployed(t testing.TB) (w world, policy wssec.Policy) {
	w = newWorld(t)
	for i, p := range []*party{&w.manager, &w.broker} {
		p.Key = rsaKeys()[i]
		p.Cert = certify(t, p.GUID, p.Key)
	}
	return w, wssec.Legacy.Policy()
}

func withPolicy(p wssec.Policy) func(*endpoint.Config) {
	return func(c *endpoint.Config) {
		peers := c.Registry.Peers()
		for i := range peers {
			if peers[i].ID == "33333333-3333-4333-8333-333333333333" {
				peers[i].Policy = p
			}
		}
		if err := c.Registry.Replace(peers); err != nil {
			panic(err)
		}
	}
}

func as(p wssec.Profile) func(*wssec.Seal) { return func(s *wssec.Seal) { s.Profile = p } }

// A request in the manner of deployed actors is taken, in either packaging and
// under either profile, and answered in that manner.
func TestLegacyPeer(t *testing.T) {
	t.Parallel()
	for _, p := range []wssec.Policy{wssec.Legacy.Policy(), wssec.LegacyStrong.Policy(), {Profile: wssec.Legacy, MTOM: true}} {
		w, _ := deployed(t)
		from, to, m := w.message(t, actors.OpTicket)
		request := from.seal(t, to, w.wire(t, from, m), as(p.Profile))
		s := w.serve(t, to, withPolicy(p))
		kind, packed := soap.Pack("AB01", request)
		for i, rec := range []*httptest.ResponseRecorder{
			s.post("ticket", request),
			s.post("ticket", packed, func(r *http.Request) { r.Header.Set("Content-Type", kind) }), // the same message again
		} {
			if rec.Code != 200 || len(s.messages()) != 1 {
				t.Fatalf("%v, request %d: answer %d, %d messages\n%s", p.Profile, i, rec.Code, len(s.messages()), rec.Body)
			}
			answer, packaging, err := soap.Unpack(rec.Header().Get("Content-Type"), rec.Body.Bytes())
			if err != nil || (packaging == soap.MTOM) != p.MTOM {
				t.Fatalf("%v %v", packaging, err)
			}
			doc, err := xmltree.Parse(answer, xmltree.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			v, err := wssec.OpenResponse(doc, wssec.Opening{
				Trust: wssec.Pins{{GUID: to.GUID, Key: to.Cert.PublicKey}}, Self: from.GUID, Now: start,
				Policy: func(string) wssec.Policy { return p },
			}, to.GUID, signatureOf(bytes.ReplaceAll(request, []byte("\n"), nil)))
			if err != nil || v.Body().Local() != "ticketResponse" {
				t.Errorf("answer: %v", err)
			}
		}
		if got := s.messages()[0]; got.Units != 2 || got.From != from.id() || got.ID != m.ID {
			t.Errorf("taken: %+v", got)
		}
		// Whose policy says strict may not do so.
		strict := w.serve(t, to)
		if rec := strict.post("ticket", request); rec.Code != 500 || len(strict.messages()) != 0 {
			t.Errorf("strict: answer %d", rec.Code)
		}
	}
}

// What the actor refuses may come again; what it took may not, also after a
// restart and after a crash that tore the journal.
func TestLegacyRepeated(t *testing.T) {
	t.Parallel()
	w, p := deployed(t)
	from, to, m := w.message(t, actors.OpTicket)
	request := from.seal(t, to, w.wire(t, from, m), as(wssec.Legacy))
	path := filepath.Join(t.TempDir(), "taken")
	journal := func() *endpoint.Journal {
		j, err := endpoint.OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return j
	}
	with := func(j *endpoint.Journal) func(*endpoint.Config) { return func(c *endpoint.Config) { c.Journal = j } }

	first := journal()
	s := w.serve(t, to, withPolicy(p), with(first))
	s.answer = actors.Exhausted
	rec := s.post("ticket", request)
	if kind, signed := s.kindOf(t, rec, from, request); kind != actors.Exhausted || signed {
		t.Errorf("refused by the actor: %v, signed %v", kind, signed)
	}
	s.answer = nil
	for range 3 {
		if rec := s.post("ticket", request); rec.Code != 200 {
			t.Errorf("answer %d\n%s", rec.Code, rec.Body)
		}
	}
	if n := len(s.messages()); n != 1 {
		t.Errorf("%d messages taken", n)
	}

	for _, torn := range []string{"", "torn"} {
		first.Close()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, torn)
		f.Close()
		first = journal()
		s = w.serve(t, to, withPolicy(p), with(first))
		if rec := s.post("ticket", request); rec.Code != 200 || len(s.messages()) != 0 {
			t.Errorf("after a restart: answer %d, %d messages taken", rec.Code, len(s.messages()))
		}
	}
	m.ID, m.Sequence = "00000000-0000-4000-8000-00000000abce", 8
	if rec := s.post("ticket", from.seal(t, to, w.wire(t, from, m), as(wssec.Legacy))); rec.Code != 200 || len(s.messages()) != 1 {
		t.Errorf("another message: answer %d", rec.Code)
	}
	// A day later everything is forgotten: the window is over.
	s.clock.Advance(25 * time.Hour)
	if s.post("ticket", request); len(s.messages()) != 2 {
		t.Error("remembered beyond the window")
	}

	data, err := os.ReadFile(path)
	if err != nil || len(data)%65 != 0 {
		t.Fatalf("%d octets, %v", len(data), err)
	}
	data[3] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := endpoint.New(endpoint.Config{
		Self: to.Identity, Location: to.location(), Role: to.role, Registry: s.registry, Journal: journal(),
		Ask: func(context.Context, actors.Event) error { return nil },
	}); err == nil {
		t.Error("a damaged journal was taken")
	}
}

// A message that cannot be remembered is not handed over.
func TestLegacyNoRoom(t *testing.T) {
	t.Parallel()
	w, p := deployed(t)
	from, to, m := w.message(t, actors.OpTicket)
	j, err := endpoint.OpenJournal(filepath.Join(t.TempDir(), "taken"))
	if err != nil {
		t.Fatal(err)
	}
	s := w.serve(t, to, withPolicy(p), func(c *endpoint.Config) { c.Journal, c.Room = j, 2 })
	send := func(i int) *httptest.ResponseRecorder {
		m.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		return s.post("ticket", from.seal(t, to, w.wire(t, from, m), as(wssec.Legacy)))
	}
	for i, want := range []int{200, 200, 500} {
		if rec := send(i); rec.Code != want {
			t.Errorf("message %d: answer %d", i, rec.Code)
		}
	}
	j.Close()
	s.clock.Advance(25 * time.Hour)
	if rec := send(4); rec.Code != 500 || len(s.messages()) != 2 {
		t.Errorf("without a journal: answer %d, %d messages", rec.Code, len(s.messages()))
	}
}

// The journal is written anew before it grows without end.
func TestJournalStaysSmall(t *testing.T) {
	t.Parallel()
	w, p := deployed(t)
	from, to, m := w.message(t, actors.OpTicket)
	path := filepath.Join(t.TempDir(), "taken")
	// 300 KiB of what is long out of date.
	once := wssec.NewOnce(10_000, time.Hour)
	var old []byte
	for i := range 5000 {
		record, err := once.First(from.GUID, fmt.Sprint(i), start.AddDate(0, 0, -7))
		if err != nil {
			t.Fatal(err)
		}
		old = append(old, record...)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := endpoint.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s := w.serve(t, to, withPolicy(p), func(c *endpoint.Config) { c.Journal = j })
	request := from.seal(t, to, w.wire(t, from, m), as(wssec.LegacyStrong))
	if rec := s.post("ticket", request); rec.Code != 200 {
		t.Fatalf("answer %d", rec.Code)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 2*65 { // the message, and that the peer knows SHA-256
		t.Errorf("%v %d octets", err, info.Size())
	}
	again, err := endpoint.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	s = w.serve(t, to, withPolicy(p), func(c *endpoint.Config) { c.Journal = again })
	if s.post("ticket", request); len(s.messages()) != 0 {
		t.Error("forgotten when the journal was written anew")
	}
	m.ID = "00000000-0000-4000-8000-00000000abce"
	s.post("ticket", from.seal(t, to, w.wire(t, from, m), as(wssec.Legacy)))
	if err := logged(s, logrus.WarnLevel); !errors.Is(err, wssec.ErrDowngrade) {
		t.Errorf("SHA-1 after SHA-256 and a restart: %v", err)
	}
}

// logged is the error of the newest entry of that level.
func logged(s *service, level logrus.Level) error {
	all := s.log.AllEntries()
	for i := len(all) - 1; i >= 0; i-- {
		if err, ok := all[i].Data[logrus.ErrorKey].(error); ok && all[i].Level == level {
			return err
		}
	}
	return nil
}

// exchangeRaw sends octets to a real server, waiting for 100 Continue where the
// head asks for it, and gives everything that came back.
func exchangeRaw(t *testing.T, s *service, head string, body []byte) string {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, strings.ReplaceAll(head, "\n", "\r\n"))
	in := bufio.NewReader(conn)
	var came strings.Builder
	if strings.Contains(head, "100-continue") {
		for range 2 {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			came.WriteString(line)
		}
	}
	for len(body) > 0 { // as the Java client: chunks of 2048
		n := min(2048, len(body))
		fmt.Fprintf(conn, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	fmt.Fprint(conn, "0\r\n\r\n")
	rest, err := io.ReadAll(in)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // a server that refuses may not read to the end
		t.Fatal(err)
	}
	return came.String() + string(rest)
}

// Chunked, in MTOM, with and without Expect: what Java clients put on the wire.
func TestLegacyOnTheWire(t *testing.T) {
	t.Parallel()
	w, p := deployed(t)
	from, to, m := w.message(t, actors.OpTicket)
	for _, expect := range []string{"", "Expect: 100-continue\n"} {
		s := w.serve(t, to, withPolicy(p))
		kind, body := soap.Pack("B664F797C39A1080251795313378739", from.seal(t, to, w.wire(t, from, m), as(wssec.Legacy)))
		head := "POST " + endpoint.Root + to.Name + " HTTP/1.1\nSOAPAction: \"ticket\"\nUser-Agent: Axis2\nHost: x\n" + expect +
			"Transfer-Encoding: chunked\nConnection: close\nContent-Type: " + kind + "\n\n"
		came := exchangeRaw(t, s, head, body)
		if (expect != "") != strings.HasPrefix(came, "HTTP/1.1 100 Continue") || !strings.Contains(came, "HTTP/1.1 200 OK") ||
			!strings.Contains(came, "Content-Type: text/xml; charset=UTF-8") || len(s.messages()) != 1 {
			t.Errorf("%d messages; answer %s", len(s.messages()), came)
		}
	}
}

// The recorded request of the Java classes comes through packaging, scanner and
// signature; whether its ticket is believed is another question.
func TestRecordedRedeem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	der, err := os.ReadFile("testdata/sm.der")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	mime, err := os.ReadFile("testdata/redeem-request.mime")
	if err != nil {
		t.Fatal(err)
	}
	const kind = `multipart/related; boundary=MIMEBoundaryurn_uuid_889A1B47C878FF1A6F1795312421901; type="application/xop+xml"; ` +
		`start="<0.urn:uuid:889A1B47C878FF1A6F1795312421902@apache.org>"; start-info="text/xml"; charset=UTF-8`
	serve := func() *service {
		s := w.serve(t, w.site)
		peer := registry.Peer{Location: actors.Location{ID: w.manager.id(), Name: "sm"}, Role: actors.RoleManager,
			Policy: wssec.Legacy.Policy(), Certs: []*x509.Certificate{cert}}
		if err := s.registry.Replace([]registry.Peer{peer, w.broker.peer()}); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).Sub(start))
		return s
	}
	post := func(s *service, body []byte) error {
		s.post("redeem", body, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		return logged(s, logrus.WarnLevel)
	}
	if err := post(serve(), mime); errors.Is(err, wssec.ErrRefused) || errors.Is(err, soap.ErrPackaging) {
		t.Errorf("the recorded request: %v", err)
	}
	if err := post(serve(), bytes.Replace(mime, []byte("<messageID>"), []byte("<messageID>x"), 1)); !errors.Is(err, dsig.ErrDigest) {
		t.Errorf("tampered with: %v", err)
	}
}
