package wssec_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/c14n"
)

// Every signed element, moved to every other place of the envelope, is refused;
// also when a forged twin stands where it was (wssec.md A1). Moves that leave
// the same document or only exchange neighbours in the header may open, but
// then what opens is what was sealed.
func TestMoveEverySignedNode(t *testing.T) {
	t.Parallel()
	good := request(t)
	for _, name := range []string{"env:Body", "sec:AuthToken", "wsse:BinarySecurityToken", "wsu:Timestamp", "wsa:To", "wsa:MessageID"} {
		rest, element := cut(t, good, name)
		at := strings.Index(good, element)
		twin := swap(t, element, "sec-", "forged-")
		twin = strings.NewReplacer("<units>2<", "<units>999<", `"sm"`, `"boss"`, "12:05", "12:06", siteGUID, siteGUID, messageID, "forged").Replace(twin)
		for _, base := range []string{rest, rest[:at] + twin + rest[at:]} {
			for i := range len(base) + 1 {
				// Between tags: after a '>' or before a '<'.
				if !(i > 0 && base[i-1] == '>' || i < len(base) && base[i] == '<') {
					continue
				}
				src := base[:i] + element + base[i:]
				v, err := open(src, atSite())
				if err == nil && (!same(v) || v.Name() != "sm") {
					t.Fatalf("%s moved to %d opens as something else:\n%s", name, i, src)
				}
				if err == nil && base != rest {
					t.Fatalf("%s moved to %d opens beside its twin:\n%s", name, i, src)
				}
			}
		}
	}
}

// Every octet of a sealed message, changed in a few ways or taken out: what
// still opens is what was sealed.
func TestChangeEveryOctet(t *testing.T) {
	t.Parallel()
	good := request(t)
	opened := 0
	for i := range len(good) {
		for _, c := range []string{"", string(good[i] ^ 1), string(good[i] ^ 0x20), "A", " ", good[i:i+1] + good[i:i+1]} {
			v, err := open(good[:i]+c+good[i+1:], atSite())
			if err != nil {
				continue
			}
			opened++
			if !same(v) {
				t.Fatalf("octet %d changed to %q: opened as %s", i, c, v.Body().Source())
			}
		}
	}
	t.Logf("%d changes made no difference", opened)
}

// Messages of legacy peers, good or hostile, are not what the strict profile
// accepts, whoever is pinned.
func TestVectors(t *testing.T) {
	t.Parallel()
	trust := wssec.Pins{}
	for guid, file := range map[string]string{siteGUID: "site", brokerGUID: "broker", smGUID: "sm", evilGUID: "evil"} {
		trust = append(trust, wssec.Pin{GUID: guid, Key: certificate(t, "testdata/vectors/"+file+".der").PublicKey})
	}
	o := wssec.Opening{Trust: trust, Self: siteGUID, Now: now}
	for file, cause := range map[string]error{
		"neg-authtoken-swapped":         wssec.ErrUnsigned,
		"neg-body-tampered":             wssec.ErrUnsigned,
		"neg-bst-outside-security":      wssec.ErrShape,
		"neg-comment-in-guid":           syntax,
		"neg-doctype":                   syntax,
		"neg-duplicate-id":              wssec.ErrShape,
		"neg-empty-security":            wssec.ErrUnsigned,
		"neg-fault-in-header":           wssec.ErrShape,
		"neg-forged-ticket-redeem":      wssec.ErrUnsigned,
		"neg-no-security":               wssec.ErrShape,
		"neg-only-header-signed":        wssec.ErrUnsigned,
		"neg-sha256-authtoken-swapped":  wssec.ErrUnsigned,
		"neg-timestamp-unsigned":        wssec.ErrUnsigned,
		"neg-wss4j-xsw-wrapped":         wssec.ErrShape,
		"neg-xsw-header-wrap":           wssec.ErrShape,
		"pos-sha256-body-authtoken-bst": wssec.ErrUnsigned,
		"query-request":                 wssec.ErrUnsigned,
		"redeem-request":                wssec.ErrUnsigned,
	} {
		src, err := os.ReadFile("testdata/vectors/" + file + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		_, err = open(string(src), o)
		var s *xmltree.SyntaxError
		if cause == syntax && !errors.As(err, &s) || cause != syntax && !errors.Is(err, cause) {
			t.Errorf("%s: %v; want %v", file, err, cause)
		}
	}
	files, _ := filepath.Glob("testdata/vectors/neg-*.xml")
	if len(files) != 15 {
		t.Errorf("%d hostile vectors, 15 are judged above", len(files))
	}
}

// FuzzOpenRequest: with only the service manager pinned, whatever opens is one
// of the two messages it sealed.
func FuzzOpenRequest(f *testing.F) {
	files, _ := filepath.Glob("testdata/vectors/*.xml")
	for _, file := range append(files, "testdata/response.xml") {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte(request(f)))
	o := atSite()
	o.Trust = wssec.Pins{sm.Pin()}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := xmltree.Parse(src, xmltree.Limits{})
		if err != nil {
			return
		}
		v, err := wssec.OpenRequest(doc, o)
		if err != nil {
			if !errors.Is(err, wssec.ErrRefused) {
				t.Fatalf("refused without ErrRefused: %v", err)
			}
			return
		}
		if !same(v) {
			t.Fatalf("opened something else: %s", src)
		}
	})
}

// A time has one form: an hour of one digit is another, though it can be read.
func TestHourOfOneDigit(t *testing.T) {
	t.Parallel()
	early := now.Truncate(24 * time.Hour).Add(5 * time.Hour)
	s := seal(sm, siteGUID)
	s.Created, s.Expires = early, early.Add(time.Minute)
	out, err := s.Request([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	o := atSite()
	o.Now = early.Add(time.Second)
	if _, err := open(string(out), o); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"Created>", "Expires>"} {
		day := early.Format("2006-01-02T")
		src := resign(t, swap(t, string(out), what+day+"05", what+day+"5"), sm, allIDs...)
		if _, err := open(src, o); !errors.Is(err, wssec.ErrStale) {
			t.Errorf("%s %v", what, err)
		}
	}
}

// What sealing and opening give out is not in the memory that they use again.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	type kept struct {
		v                              wssec.Verified
		body, value, envelope, confirm string
		sealed                         []byte
		sent                           []byte
	}
	var all []kept
	for n := range 20 {
		body := strings.Replace(payload, "<units>2<", "<units>"+strings.Repeat("7", 20-n)+"<", 1)
		for _, s := range []wssec.Seal{seal(sm, siteGUID), seal(smRSA(), siteGUID)} {
			o := atSite()
			if s.Signer == smRSA().Key {
				s.Profile, o = wssec.Legacy, atLegacySite()
			}
			envelope, confirm, err := s.RequestConfirm([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			v, err := open(string(envelope), o)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, kept{v, body, string(v.SignatureValue()), string(envelope), string(confirm), envelope, confirm})
		}
	}
	for i, k := range all {
		if got := string(c14n.Exclusive(nil, k.v.Body(), nil)); got != k.body || string(k.v.SignatureValue()) != k.value ||
			string(k.sealed) != k.envelope || string(k.sent) != k.confirm || k.value != k.confirm {
			t.Errorf("message %d has changed: %s", i, got)
		}
	}
}
