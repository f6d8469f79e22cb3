package wssec_test

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
	"github.com/leasehold/leasehold/wssec/keys"
)

const (
	siteGUID   = "11111111-1111-4111-8111-111111111111"
	brokerGUID = "22222222-2222-4222-8222-222222222222"
	smGUID     = "33333333-3333-4333-8333-333333333333"
	evilGUID   = "44444444-4444-4444-8444-444444444444"

	messageID = "7a1d1c1e-0000-4000-8000-000000000002"

	soapNS = "http://schemas.xmlsoap.org/soap/envelope/"
	wsuNS  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)

// The cast: identities from fixed seeds, so that golden messages stay the same.
var (
	now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

	sm        = identity(smGUID, "sm", keys.ECDSAP256)
	site      = identity(siteGUID, "site", keys.ECDSAP256)
	broker    = identity(brokerGUID, "broker", keys.ECDSAP256)
	evil      = identity(evilGUID, "evil", keys.ECDSAP256)
	everybody = wssec.Pins{sm.Pin(), site.Pin(), broker.Pin(), evil.Pin()}

	// Making an RSA key takes a while, so tests that need none do not wait.
	smRSA   = sync.OnceValue(func() keys.Identity { return identity(smGUID, "sm", keys.RSA2048) })
	siteRSA = sync.OnceValue(func() keys.Identity { return identity(siteGUID, "site", keys.RSA2048) })
)

func identity(guid, name string, alg keys.Algorithm) keys.Identity {
	id, err := keys.Generate(rand.NewChaCha8([32]byte([]byte(guid[:32]))), guid, name, alg, now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0))
	if err != nil {
		panic(err)
	}
	return id
}

const payload = `<ns2:redeem xmlns:ns2="http://orca/shirako/proxies/soapaxis2/services">` +
	`<messageID>` + messageID + `</messageID><units>2</units><note>a &lt; b &amp; "c" é</note></ns2:redeem>`

func seal(from keys.Identity, to string) wssec.Seal {
	return wssec.Seal{
		Signer: from.Key, Cert: from.Cert, GUID: from.GUID, Name: from.Name, To: to, MessageID: messageID,
		Created: now, Expires: now.Add(5 * time.Minute), Profile: wssec.Strict,
	}
}

// atSite is how the site opens messages a second after they were made.
func atSite() wssec.Opening {
	return wssec.Opening{Trust: everybody, Self: siteGUID, Now: now.Add(time.Second), Skew: time.Minute}
}

// request is a good request from the service manager to the site.
func request(t testing.TB) string {
	t.Helper()
	out, err := seal(sm, siteGUID).Request([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func parse(t testing.TB, src string) *xmltree.Document {
	t.Helper()
	doc, err := xmltree.Parse([]byte(src), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return doc
}

// open parses and opens, as an endpoint does.
func open(src string, o wssec.Opening) (wssec.Verified, error) {
	doc, err := xmltree.Parse([]byte(src), xmltree.Limits{})
	if err != nil {
		return wssec.Verified{}, err
	}
	return wssec.OpenRequest(doc, o)
}

func swap(t testing.TB, src, old, new string) string {
	t.Helper()
	out := strings.Replace(src, old, new, 1)
	if out == src {
		t.Fatalf("no %q in the message", old)
	}
	return out
}

// cut takes the first element with this name, written with its prefix, out of
// src and gives both.
func cut(t testing.TB, src, name string) (rest, element string) {
	t.Helper()
	doc := parse(t, src)
	for i := range doc.Len() {
		if n := doc.At(i); n.Name() == name {
			element = string(n.Source())
			return swap(t, src, element, ""), element
		}
	}
	t.Fatalf("no element %s", name)
	return "", ""
}

// resign signs src anew with the key of an identity, over the elements with
// these ids wherever they stand: what an insider with a pinned key can do.
func resign(t testing.TB, src string, by keys.Identity, ids ...string) string {
	t.Helper()
	doc := parse(t, src)
	var signed []dsig.Part
	for _, id := range ids {
		found := false
		for i := range doc.Len() {
			n := doc.At(i)
			for a := range n.Attrs() {
				if !found && strings.EqualFold(a.Local, "id") && a.Value == id {
					signed = append(signed, dsig.Part{ID: id, Octets: c14n.Exclusive(nil, n, nil)})
					found = true
				}
			}
		}
		if !found {
			t.Fatalf("no element with id %s", id)
		}
	}
	method, err := dsig.MethodFor(by.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	info := dsig.AppendSignedInfo(nil, method, signed)
	value, err := dsig.Sign(by.Key, info)
	if err != nil {
		t.Fatal(err)
	}
	_, old := cut(t, src, "ds:SignedInfo")
	src = strings.Replace(src, old, string(info), 1)
	_, old = cut(t, src, "ds:SignatureValue")
	return strings.Replace(src, old, "<ds:SignatureValue>"+base64.StdEncoding.EncodeToString(value)+"</ds:SignatureValue>", 1)
}

// allIDs are the parts of a strict request.
var allIDs = []string{"sec-body", "sec-auth", "sec-token", "sec-timestamp", "sec-to", "sec-message"}

// same reports whether v is what request seals, to the octet.
func same(v wssec.Verified) bool {
	return v.GUID() == smGUID && v.Name() == "sm" && v.MessageID() == messageID && v.Created().Equal(now) &&
		bytes.Equal(c14n.Exclusive(nil, v.Body(), nil), []byte(payload))
}
