package wssec_test

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/c14n"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// Every attack of the wire document, wssec.md 11, A1 to A30, has a test with its
// name: here, in this package's other files, or where the attack arrives.
func TestEveryAttackHasATest(t *testing.T) {
	t.Parallel()
	found := map[int]string{}
	name := regexp.MustCompile(`(?m)^func TestA([0-9]+)[A-Z]\w*\(t \*testing\.T\)`)
	for _, dir := range []string{".", "../wire", "../actors/endpoint", "../actors/remote"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			src, err := os.ReadFile(path)
			for _, m := range name.FindAllSubmatch(src, -1) {
				n, _ := strconv.Atoi(string(m[1]))
				if other, twice := found[n]; twice && other != path {
					t.Errorf("A%d is tested in %s and in %s: one name, one place", n, other, path)
				}
				found[n] = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 30 {
		if found[n+1] == "" {
			t.Errorf("A%d has no test", n+1)
		}
		delete(found, n+1)
	}
	for n, path := range found {
		t.Errorf("there is no attack A%d (%s)", n, path)
	}
}

// legacyGood is a request of a deployed service manager's kind, and the ids in it.
func legacyGood(t testing.TB, p wssec.Profile) (src string, id map[string]string) {
	t.Helper()
	s := seal(smRSA(), siteGUID)
	s.Profile = p
	out, err := s.Request([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	doc := parse(t, string(out))
	id = map[string]string{}
	for i := range doc.Len() {
		n := doc.At(i)
		for a := range n.Attrs() {
			if a.Local == "Id" {
				id[n.Local()] = a.Value
			}
		}
	}
	return string(out), id
}

// atLegacySite is a site that knows a legacy service manager, and an evil peer.
func atLegacySite() wssec.Opening {
	return wssec.Opening{
		Trust: wssec.Pins{smRSA().Pin(), siteRSA().Pin(), evil.Pin()}, Self: siteGUID, Now: now,
		Policy: under(wssec.Legacy.Policy()),
	}
}

// legacyCase is one attack on a legacy request. The attacker sees it on the wire;
// insider attacks sign again with the manager's key.
type legacyCase struct {
	name  string
	make  func(t *testing.T, good string, id map[string]string) string
	cause error
}

func runLegacy(t *testing.T, cases []legacyCase) {
	t.Helper()
	t.Parallel()
	good, id := legacyGood(t, wssec.Legacy)
	if _, err := open(good, atLegacySite()); err != nil {
		t.Fatalf("the good request: %v", err)
	}
	for _, c := range cases {
		src := c.make(t, good, id)
		v, err := open(src, atLegacySite())
		if c.cause == syntax {
			if err == nil || errors.Is(err, wssec.ErrRefused) {
				t.Errorf("%s: %v; want the scanner to refuse", c.name, err)
			}
			continue
		}
		if !errors.Is(err, c.cause) || (err == nil) != (c.cause == nil) {
			t.Errorf("%s: %v; want %v", c.name, err, c.cause)
		}
		if err != nil && v.Body().Valid() {
			t.Errorf("%s: refused, but something came out", c.name)
		}
	}
}

// subst is an attack that replaces a piece of the message; {Body} and so on stand
// for ids.
func subst(old, new string) func(*testing.T, string, map[string]string) string {
	return func(t *testing.T, good string, id map[string]string) string {
		return swap(t, good, withIDs(old, id), withIDs(new, id))
	}
}

func withIDs(s string, id map[string]string) string {
	for name, value := range id {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}

// insider is subst with the service manager's signature made again.
func insider(old, new string, ids ...string) func(*testing.T, string, map[string]string) string {
	return func(t *testing.T, good string, id map[string]string) string {
		for i := range ids {
			ids[i] = withIDs(ids[i], id)
		}
		if len(ids) == 0 {
			ids = []string{id["Body"]}
		}
		return resign(t, subst(old, new)(t, good, id), smRSA(), ids...)
	}
}

// wrapped moves the signed Body to another place and puts a forged one, with or
// without an id, where it was.
func wrapped(forgedID, at, before, after string) func(*testing.T, string, map[string]string) string {
	return func(t *testing.T, good string, id map[string]string) string {
		rest, signed := cut(t, good, "soapenv:Body")
		forged := `<soapenv:Body` + withIDs(forgedID, id) + `><ns2:redeem xmlns:ns2="urn:s"><units>1000</units></ns2:redeem></soapenv:Body>`
		rest = swap(t, rest, "</soapenv:Header>", "</soapenv:Header>"+forged)
		return swap(t, rest, at, before+signed+after)
	}
}

func TestA1SignatureWrapping(t *testing.T) {
	const (
		same  = ` xmlns:wsu="` + wsuNS + `" wsu:Id="{Body}"`
		other = ` xmlns:wsu="` + wsuNS + `" wsu:Id="x"`
	)
	var cases []legacyCase
	for _, forged := range []string{same, other, ""} {
		for _, place := range []struct {
			name, at, before, after string
		}{
			{"wrapper in Header", "</soapenv:Header>", "<x>", "</x></soapenv:Header>"},
			{"in Header", "</soapenv:Header>", "", "</soapenv:Header>"},
			{"in Security", "</wsse:Security>", "", "</wsse:Security>"},
			{"in Object", "</ds:Signature>", "<ds:Object>", "</ds:Object></ds:Signature>"},
			{"in KeyInfo", "</ds:KeyInfo>", "", "</ds:KeyInfo>"},
			{"in the token reference", "</wsse:SecurityTokenReference>", "", "</wsse:SecurityTokenReference>"},
			{"in AuthToken", `sec:name="sm"/>`, `sec:name="sm">`, `</sec:AuthToken>`},
			{"in the token", "</wsse:BinarySecurityToken>", "", "</wsse:BinarySecurityToken>"},
			{"sibling after", "</soapenv:Envelope>", "", "</soapenv:Envelope>"},
			{"sibling before", "</soapenv:Header>", "</soapenv:Header>", ""},
			{"Body in Body", "<units>1000</units>", "", ""},
			{"nested Envelope", "<units>1000</units>", `<soapenv:Envelope><soapenv:Header/>`, `</soapenv:Envelope>`},
			{"second payload", "</soapenv:Body></soapenv:Envelope>", "", "</soapenv:Body></soapenv:Envelope>"},
		} {
			// Shape, target or id: which of them depends on what is looked at first.
			cases = append(cases, legacyCase{place.name + forged, wrapped(forged, place.at, place.before, place.after), wssec.ErrRefused})
		}
	}
	cases = append(cases,
		legacyCase{"whole Envelope in another", func(_ *testing.T, good string, _ map[string]string) string {
			inner := strings.TrimPrefix(good, `<?xml version='1.0' encoding='UTF-8'?>`)
			return `<soapenv:Envelope xmlns:soapenv="` + soapNS + `"><soapenv:Header/><soapenv:Body>` + inner + `</soapenv:Body></soapenv:Envelope>`
		}, wssec.ErrRefused},
		legacyCase{"Body of another namespace", func(t *testing.T, good string, _ map[string]string) string {
			return swap(t, swap(t, good, "<soapenv:Body", `<soapenv:Body xmlns:soapenv="urn:x"`), "<soapenv:Header>", "<soapenv:Header >")
		}, wssec.ErrShape},
	)
	runLegacy(t, cases)

	// The generated ones: the signed Body, or AuthToken or token of a strong peer, at
	// a random place of the message, a forged twin where it was, fixed seed.
	rng := rand.New(rand.NewPCG(1, 1))
	for _, p := range []wssec.Policy{wssec.Legacy.Policy(), {Profile: wssec.LegacyStrong, Mutual: true}} {
		good, _ := legacyGood(t, p.Profile)
		names := map[wssec.Profile][]string{
			wssec.Legacy:       {"soapenv:Body"},
			wssec.LegacyStrong: {"soapenv:Body", "sec:AuthToken", "wsse:BinarySecurityToken"},
		}[p.Profile]
		o := atLegacySite()
		o.Policy = under(p)
		opened := 0
		for range 1500 {
			name := names[rng.IntN(len(names))]
			rest, element := cut(t, good, name)
			at := strings.Index(good, element)
			twin := strings.NewReplacer("<units>2<", "<units>999<", `"sm"`, `"boss"`).Replace(element)
			switch rng.IntN(3) {
			case 0:
				twin = regexp.MustCompile(` wsu:Id="[^"]*"`).ReplaceAllString(twin, "")
			case 1:
				twin = regexp.MustCompile(`wsu:Id="[^"]*"`).ReplaceAllString(twin, `wsu:Id="other"`)
			}
			if name == "wsse:BinarySecurityToken" {
				twin = strings.Replace(twin, base64.StdEncoding.EncodeToString(smRSA().Cert.Raw), base64.StdEncoding.EncodeToString(evil.Cert.Raw), 1)
			}
			base := rest[:at] + twin + rest[at:]
			to := rng.IntN(len(base) + 1)
			for to < len(base) && base[to] != '<' {
				to++
			}
			v, err := open(base[:to]+element+base[to:], o)
			if err == nil {
				opened++
				if string(c14n.Exclusive(nil, v.Body(), nil)) != payload || v.Name() != "sm" || v.GUID() != smGUID {
					t.Fatalf("%s moved to %d opens as something else", name, to)
				}
			}
		}
		if opened > 0 {
			t.Errorf("%v: %d moves open beside a twin", p.Profile, opened)
		}
	}
}

func TestA2UnsignedBody(t *testing.T) {
	runLegacy(t, []legacyCase{
		{"only AuthToken signed", insider("<sec:AuthToken ", `<sec:AuthToken xmlns:wsu="`+wsuNS+`" wsu:Id="auth" `, "auth"), wssec.ErrUnsigned},
		{"only the token signed", insider("</soapenv:Body>", "</soapenv:Body>\n", "{BinarySecurityToken}"), wssec.ErrUnsigned},
		{"no References", func(t *testing.T, good string, _ map[string]string) string {
			_, ref := cut(t, good, "ds:Reference")
			return swap(t, good, ref, "")
		}, dsig.ErrShape},
		{"Security signed", insider("<wsse:Security ", `<wsse:Security xmlns:wsu="`+wsuNS+`" wsu:Id="sec" `, "sec"), wssec.ErrRefused},
		{"the payload signed instead", insider("<ns2:redeem ", `<ns2:redeem Id="p" `, "p"), wssec.ErrTarget},
		{"KeyInfo signed instead", insider("</soapenv:Body>", "</soapenv:Body>\n", "{KeyInfo}"), wssec.ErrTarget},
		{"no Signature", func(t *testing.T, good string, _ map[string]string) string {
			rest, _ := cut(t, good, "ds:Signature")
			return rest
		}, wssec.ErrUnsigned},
	})
}

func TestA3ConfusableIDs(t *testing.T) {
	at := `<units>`
	runLegacy(t, []legacyCase{
		{"wsu:Id again", subst(at, `<units xmlns:w="`+wsuNS+`" w:Id="{Body}">`), wssec.ErrID},
		{"Id again", subst(at, `<units Id="{Body}">`), wssec.ErrID},
		{"ID again", subst(at, `<units ID="{Body}">`), wssec.ErrID},
		{"id again", subst(at, `<units id="{Body}">`), wssec.ErrID},
		{"xml:id again", subst(at, `<units xml:id="{Body}">`), wssec.ErrID},
		{"id of another namespace again", subst(at, `<units xmlns:w="urn:w" w:iD="{Body}">`), wssec.ErrID},
		{"two ids on Body", subst(` wsu:Id="{Body}"`, ` wsu:Id="{Body}" Id="b"`), wssec.ErrShape},
		{"plain Id on Body", subst(` wsu:Id="{Body}"`, ` Id="{Body}"`), wssec.ErrShape},
		{"id on Envelope", subst(`<soapenv:Envelope `, `<soapenv:Envelope Id="{Body}" `), wssec.ErrShape},
		{"id of strange characters", subst(at, `<units Id="a b">`), wssec.ErrID},
		{"reference to nothing", subst(`URI="#{Body}"`, `URI="#nothing"`), wssec.ErrTarget},
	})
}

// A4, and that nothing a message says changes what is known of anybody: Trust has
// no way to write.
func TestA4AuthTokenSwapped(t *testing.T) {
	runLegacy(t, []legacyCase{
		{"guid of another peer", subst(smGUID, evilGUID), wssec.ErrUntrusted},
		{"guid of a stranger", subst(smGUID, brokerGUID), wssec.ErrUntrusted},
		{"our guid", subst(smGUID, siteGUID), wssec.ErrIdentity},
		{"no AuthToken", func(t *testing.T, good string, _ map[string]string) string {
			rest, _ := cut(t, good, "sec:AuthToken")
			return rest
		}, wssec.ErrIdentity},
		{"attributes without namespace", subst("sec:guid=", "guid="), wssec.ErrShape},
	})
	for _, file := range []string{"neg-authtoken-swapped", "neg-sha256-authtoken-swapped"} {
		o := legacySite(t, wssec.Legacy.Policy())
		if _, err := open(read(t, "vectors/"+file+".xml"), o); !errors.Is(err, wssec.ErrUntrusted) {
			t.Errorf("%s: %v", file, err)
		}
		o.Trust = o.Trust.(wssec.Pins)[:0] // nor when nobody has that guid
		if _, err := open(read(t, "vectors/"+file+".xml"), o); !errors.Is(err, wssec.ErrUntrusted) {
			t.Errorf("%s, nobody pinned: %v", file, err)
		}
	}
}

func TestA8Reflection(t *testing.T) {
	good, _ := legacyGood(t, wssec.Legacy)
	o := atLegacySite()
	o.Self = smGUID // the sender receives its own message
	if _, err := open(good, o); !errors.Is(err, wssec.ErrIdentity) {
		t.Errorf("our own message: %v", err)
	}
	for _, alias := range []string{"actorKey", "ACTORKEY", "actorkey", strings.ToUpper("aaaaaaaa-3333-4333-8333-333333333333")} {
		o := atLegacySite()
		o.Self = "aaaaaaaa-3333-4333-8333-333333333333"
		o.Trust = wssec.Pins{{GUID: alias, Key: smRSA().Key.Public()}}
		o.Policy = under(wssec.Policy{Profile: wssec.Legacy, AnyCaseGUID: true})
		if _, err := open(swap(t, good, smGUID, alias), o); !errors.Is(err, wssec.ErrIdentity) {
			t.Errorf("as %s: %v", alias, err)
		}
	}
}

func TestA10FaultBypass(t *testing.T) {
	runLegacy(t, []legacyCase{
		{"Fault in Header", subst("</soapenv:Header>", "<soapenv:Fault/></soapenv:Header>"), wssec.ErrShape},
		{"Fault in Security", subst("</wsse:Security>", "<soapenv:Fault/></wsse:Security>"), wssec.ErrShape},
		{"Fault in a value, Body changed", subst("<units>2", "<units><soapenv:Fault/>9"), dsig.ErrDigest},
		{"Fault in a value, signed", insider("<units>2", "<units><soapenv:Fault/>2"), nil}, // is data
		{"Fault for payload, unsigned", func(t *testing.T, good string, _ map[string]string) string {
			_, inner := cut(t, good, "ns2:redeem")
			return swap(t, good, inner, "<soapenv:Fault/>")
		}, wssec.ErrShape},
		{"Fault for payload, signed", func(t *testing.T, good string, id map[string]string) string {
			_, inner := cut(t, good, "ns2:redeem")
			return resign(t, swap(t, good, inner, "<soapenv:Fault></soapenv:Fault>"), smRSA(), id["Body"])
		}, wssec.ErrShape},
	})
}
