package peers

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
)

// wrapBody moves the signed body below a header of no meaning and puts a forged
// one in its place, the classic attack on XML signatures (wssec A1).
func wrapBody(t testing.TB, text, prefix string) string {
	t.Helper()
	opens, closes := strings.Index(text, "<"+prefix+":Body"), strings.Index(text, "</"+prefix+":Body>")
	if opens < 0 || closes < 0 {
		t.Fatal("no body")
	}
	closes += len("</" + prefix + ":Body>")
	signed := text[opens:closes]
	id := signed[strings.Index(signed, `wsu:Id="`)+len(`wsu:Id="`):]
	id = id[:strings.IndexByte(id, '"')]
	forged := tamper(t, strings.Replace(signed, `wsu:Id="`+id+`"`, `wsu:Id="forged"`, 1))
	header := "</" + prefix + ":Header>"
	return strings.Replace(text[:opens], header, `<w:W xmlns:w="urn:w">`+signed+"</w:W>"+header, 1) + forged + text[closes:]
}

// TestWrapped: every peer here finds the signature of a wrapped message good, and
// Axis2 behind Rampart acts on the forged body. This is what conformance/doc/peers.md
// says of them, and why wssec asks where the signed element stands.
func TestWrapped(t *testing.T) {
	t.Parallel()
	axis, ids := useRampart(t)
	wss, zeep, x := use(t, startWSS4J), use(t, startZeep), newXMLSec(t, ids)
	id, s, m := signers(t, wss)[1], suites[1], message(3<<10)
	forged := wrapBody(t, seal(t, shapes["ours"](body(t, m)), id, s), "soapenv")

	wss.ask(t, "verify", []byte("bsp"), []byte(forged))
	zeep.ask(t, "verify", []byte(filepath.Join(x.dir, id.name+".key")), []byte(filepath.Join(x.dir, id.name+".crt")), []byte(forged))
	if log, err := x.run(t, "--verify", "--pubkey-cert-pem", id.name+".crt", forged, soapBody); err != nil {
		t.Errorf("xmlsec1 has become careful: %v\n%s", err, log)
	}
	inbox.Lock()
	defer inbox.Unlock()
	at := string(axis.ask(t, "serveSigned", []byte(id.name), []byte(s.method), []byte(s.digest))[0])
	_, answer := post(t, at, wire.OpRedeem.String(), []byte(forged))
	if err := answered(t, answer, wire.OpRedeem); err != nil {
		t.Errorf("Rampart has become careful: %v", err)
	}
	got := axis.ask(t, "received")
	if len(got) != 1 {
		t.Fatalf("%d messages arrived", len(got))
	}
	if back, err := soap.DecodeBody(parse(t, string(got[0])).Root()); err != nil || back.MessageID == m.MessageID {
		t.Errorf("Axis2 acted on %+v, %v", back, err)
	}
}

// TestWrappedRefused: the same done to a message of ours.
func TestWrappedRefused(t *testing.T) {
	t.Parallel()
	id := signers(t, nil)[1]
	const from, to = "33333333-3333-4333-8333-333333333333", "11111111-1111-4111-8111-111111111111"
	now := time.Now()
	m := message(3 << 10)
	octets, err := wssec.Seal{
		Signer: id.key, Cert: id.cert, GUID: from, Name: "sm", To: to, MessageID: "m", Created: now, Expires: now.Add(time.Minute), Profile: wssec.Strict,
	}.Request([]byte(body(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	opening := wssec.Opening{
		Trust: wssec.Pins{{GUID: from, Key: &id.key.PublicKey}}, Self: to, Now: now, Skew: time.Minute,
		Policy: func(string) wssec.Policy { return wssec.Strict.Policy() },
	}
	if _, err := wssec.OpenRequest(parse(t, string(octets)), opening); err != nil {
		t.Fatalf("the message itself: %v", err)
	}
	if _, err := wssec.OpenRequest(parse(t, wrapBody(t, string(octets), "env")), opening); !errors.Is(err, wssec.ErrRefused) {
		t.Errorf("wrapped: %v", err)
	}
}
