package ticket

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

var update = flag.Bool("update", false, "rewrite golden files")

// party is an actor of the tests: keys follow from the GUID, so golden files
// stay the same.
type party struct {
	guid string
	key  crypto.Signer
	cert *x509.Certificate
}

func newParty(t testing.TB, guid string) party {
	t.Helper()
	seed := sha256.Sum256([]byte("test key of " + guid))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return party{guid, key, certify(t, key, pkix.Name{CommonName: guid, Organization: []string{"test"}})}
}

func certify(t testing.TB, key crypto.Signer, subject pkix.Name) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: subject,
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

const (
	siteGUID   = "11111111-1111-4111-8111-111111111111"
	brokerGUID = "22222222-2222-4222-8222-222222222222"
	smGUID     = "33333333-3333-4333-8333-333333333333"
	evilGUID   = "44444444-4444-4444-8444-444444444444"
)

func at(s string) int64 {
	t, err := time.Parse("2006-01-02T15:04:05.000", s)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

func rootRecord() Record {
	return Record{
		GUID: "5a267969-7769-4717-8162-53e3933f971c", Issuer: siteGUID, Holder: siteGUID,
		Units: 100, Type: "ben.vlan",
		Start: at("2026-01-01T00:00:00.000"), NewStart: at("2026-01-01T00:00:00.000"), End: at("2026-12-31T23:59:59.999"),
	}
}

func exportRecord() Record {
	r := rootRecord()
	r.GUID, r.Holder = "4ef3848b-540d-4e49-83ed-67252e1f36e5", brokerGUID
	return r
}

func leafRecord() Record {
	return Record{
		GUID: "89e109ab-4dcb-4e31-b803-37ca76f86ed4", Issuer: brokerGUID, Holder: smGUID,
		Units: 1, Type: "ben.vlan",
		Start: at("2026-02-01T00:00:00.005"), NewStart: at("2026-02-01T00:00:00.005"), End: at("2026-02-01T01:59:59.999"),
		Properties: map[string]string{
			"type": "ben.vlan", "resource.bandwidth": "10000000",
			"label": "BEN \"VLAN\" <1>\nsecond line",
		},
	}
}

// world is the usual three parties and an attacker.
type world struct{ site, broker, sm, evil party }

func newWorld(t testing.TB) world {
	return world{newParty(t, siteGUID), newParty(t, brokerGUID), newParty(t, smGUID), newParty(t, evilGUID)}
}

func (w world) roots(guid string) []crypto.PublicKey {
	if guid == siteGUID {
		return []crypto.PublicKey{w.evil.key.Public(), w.site.key.Public()}
	}
	return nil
}

func (w world) chain(t testing.TB) string {
	t.Helper()
	text, err := Root(rootRecord(), w.site.key, w.site.cert)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = Delegate(text, exportRecord(), w.site.key, w.broker.cert); err != nil {
		t.Fatal(err)
	}
	if text, err = Delegate(text, leafRecord(), w.broker.key, w.sm.cert); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGolden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.chain(t)
	const file = "testdata/site-broker-manager.xml"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Fatalf("the text changed at octet %d: tickets already granted would no longer verify\n%s", differ([]byte(got), want), got)
	}
	if again := w.chain(t); again != got {
		t.Error("granting again gave another ticket")
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := Verify(w.chain(t), w.roots)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Records()), fmt.Sprint([]Record{leafRecord(), exportRecord(), rootRecord()}); got != want {
		t.Errorf("records:\n%s\nwant\n%s", got, want)
	}
	if len(c.Certs()) != 3 || !c.Certs()[1].Equal(w.broker.cert) {
		t.Error("certificates are not those of the holders, newest first")
	}
	if !same(c.HolderKey(), w.sm.key.Public()) || c.Root().Holder != siteGUID || c.Newest().Holder != smGUID {
		t.Error("newest, root or holder key")
	}
	var zero Chain
	if zero.HolderKey() != nil || zero.Newest().GUID != "" || zero.Root().GUID != "" {
		t.Error("the zero Chain says something")
	}
}

// The record element must be what legacy classes write and sign, so that the
// legacy form can stand next to ours: compare with bytes they made.
func TestRecordIsLegacyForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file string
		rec  Record
	}{
		{"sharp-sm.delegation0.signedbytes.xml", leafRecord()},
		{"sharp-sm.delegation1.signedbytes.xml", exportRecord()},
		{"sharp-sm.delegation2.signedbytes.xml", rootRecord()},
	} {
		want, err := os.ReadFile("testdata/legacy/" + tt.file)
		if err != nil {
			t.Fatal(err)
		}
		got := appendRecord(nil, 0, tt.rec, nil)
		// Two differences are deliberate: properties are sorted, where legacy
		// classes use the order of a hash table, and their element is there even
		// when empty.
		got = bytes.Replace(got, []byte("\n  <properties/>"), nil, 1)
		if want = sortProperties(want); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.file, got, want)
		}
	}
}

func sortProperties(record []byte) []byte {
	lines := bytes.SplitAfter(record, []byte("\n"))
	isProperty := func(l []byte) bool { return bytes.Contains(l, []byte("<property ")) }
	if i := slices.IndexFunc(lines, isProperty); i >= 0 {
		j := i
		for isProperty(lines[j]) {
			j++
		}
		slices.SortFunc(lines[i:j], bytes.Compare)
	}
	return bytes.Join(lines, nil)
}

func TestRSA(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.broker = party{brokerGUID, key, certify(t, key, pkix.Name{CommonName: brokerGUID})}
	text := w.chain(t)
	if _, err := Verify(text, w.roots); err != nil {
		t.Fatal(err)
	}
	if w.chain(t) != text {
		t.Error("an RSA holder does not grant the same ticket twice")
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for ms, want := range map[int64]string{
		0:                             "1970-01-01 00:00:00.0 UTC",
		5:                             "1970-01-01 00:00:00.5 UTC",
		20:                            "1970-01-01 00:00:00.20 UTC",
		500:                           "1970-01-01 00:00:00.500 UTC",
		1<<63 - 1:                     "292278994-08-17 07:12:55.807 UTC",
		at("2024-02-29T12:00:00.999"): "2024-02-29 12:00:00.999 UTC",
		253402300800000:               "10000-01-01 00:00:00.0 UTC",
	} {
		if got := xstream.FormatDate(ms); got != want {
			t.Errorf("date(%d) = %q, want %q", ms, got, want)
		}
		if got, err := readDate(want); err != nil || got != ms {
			t.Errorf("readDate(%q) = %d, %v", want, got, err)
		}
	}
	for _, s := range []string{
		"", "2026-01-01", "2026-01-01 00:00:00.050 UTC", "2026-01-01 00:00:00.0 GMT", "2026-01-01T00:00:00.0 UTC",
		"2026-02-29 00:00:00.0 UTC", "02026-01-01 00:00:00.0 UTC", "2026-1-1 00:00:00.0 UTC", "2026-01-01 00:00:00 UTC",
		"2026-01-01 00:00:00.1000 UTC", "2026-01-01 00:00:00.-1 UTC", "292278994-08-17 07:12:55.808 UTC",
		"292278994-12-31 00:00:00.0 UTC", "2147483647-01-01 00:00:00.0 UTC", "-2026-01-01 00:00:00.0 UTC",
	} {
		if ms, err := readDate(s); err == nil {
			t.Errorf("readDate(%q) = %d", s, ms)
		}
	}
}

func TestRecordRules(t *testing.T) {
	t.Parallel()
	many := make(map[string]string)
	for i := range MaxProperties + 1 {
		many[fmt.Sprint("p", i)] = ""
	}
	for name, change := range map[string]func(*Record){
		"no guid":                 func(r *Record) { r.GUID = "" },
		"guid with markup":        func(r *Record) { r.GUID = "a<b" },
		"issuer in upper case":    func(r *Record) { r.Issuer = strings.ToUpper("aa" + r.Issuer[2:]); r.Holder = r.Issuer },
		"holder not a UUID":       func(r *Record) { r.Holder = "actorKey" },
		"no units":                func(r *Record) { r.Units = 0 },
		"negative units":          func(r *Record) { r.Units = -1 },
		"units beyond 32 bits":    func(r *Record) { r.Units = MaxUnits + 1 },
		"no type":                 func(r *Record) { r.Type = "" },
		"type with NUL":           func(r *Record) { r.Type = "a\x00" },
		"no start":                func(r *Record) { r.Start = 0 },
		"end before start":        func(r *Record) { r.End = r.Start - 1 },
		"new start after end":     func(r *Record) { r.NewStart = r.End + 1 },
		"new start before start":  func(r *Record) { r.NewStart = r.Start - 1 },
		"property without name":   func(r *Record) { r.Properties = map[string]string{"": "x"} },
		"property not UTF-8":      func(r *Record) { r.Properties = map[string]string{"a": "\xff"} },
		"property with U+FFFE":    func(r *Record) { r.Properties = map[string]string{"a": "\uFFFE"} },
		"property with escape":    func(r *Record) { r.Properties = map[string]string{"a": "\x1b"} },
		"too many properties":     func(r *Record) { r.Properties = many },
		"root for another holder": func(r *Record) { r.Holder = brokerGUID },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := rootRecord()
			change(&r)
			if text, err := Root(r, w.site.key, w.site.cert); err == nil {
				t.Errorf("made\n%s", text)
			}
		})
	}
}

func TestEscaping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := rootRecord()
	value := "& < > \" ' \r \n \t \u007f \u0085 \u009f \u00a0 \U0001F600 ]]> é"
	r.Properties = map[string]string{"k&\"'<": value, "empty": ""}
	text, err := Root(r, w.site.key, w.site.cert)
	if err != nil {
		t.Fatal(err)
	}
	if want := "&amp; &lt; &gt; &quot; &apos; &#xd; &#xa; &#x9; &#x7f; &#x85; &#x9f; \u00a0 \U0001F600 ]]&gt; é"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
	c, err := Verify(text, w.roots)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Newest().Properties; got["k&\"'<"] != value || len(got) != 2 {
		t.Errorf("properties came back as %q", got)
	}
}

func TestDelegateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root, err := Root(rootRecord(), w.site.key, w.site.cert)
	if err != nil {
		t.Fatal(err)
	}
	parent, err := Delegate(root, exportRecord(), w.site.key, w.broker.cert)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Record)
		parent string
		signer crypto.Signer
		cert   *x509.Certificate
		want   error
	}{
		{name: "issuer is not the holder", change: func(r *Record) { r.Issuer = siteGUID }, want: ErrLink},
		{name: "signer is not the holder", signer: w.evil.key, want: ErrLink},
		{name: "certificate of another", cert: w.evil.cert, want: ErrLink},
		{name: "more units", change: func(r *Record) { r.Units = 101 }, want: ErrContainment},
		{name: "other type", change: func(r *Record) { r.Type = "ben.vm" }, want: ErrContainment},
		{name: "earlier start", change: func(r *Record) { r.Start -= 365 * 86400000 }, want: ErrContainment},
		{name: "later end", change: func(r *Record) { r.End += 365 * 86400000 }, want: ErrContainment},
		{name: "guid of an ancestor", change: func(r *Record) { r.GUID = rootRecord().GUID }, want: ErrLink},
		{name: "two common names", cert: certify(t, w.sm.key, pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: []int{2, 5, 4, 3}, Value: evilGUID}, {Type: []int{2, 5, 4, 3}, Value: smGUID}}}), want: ErrLink},
		{name: "RSA 1024", cert: certify(t, small, pkix.Name{CommonName: smGUID}), want: ErrKey},
		{name: "P-384", cert: certify(t, p384, pkix.Name{CommonName: smGUID}), want: ErrKey},
		{name: "parent of another scheme", parent: strings.Replace(parent, scheme, "md5", 1), want: ErrMalformed},
		{name: "no parent", parent: "<x/>", want: ErrMalformed},
		{name: "bad record", change: func(r *Record) { r.Units = 0 }, want: ErrRecord},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, p, signer, cert := leafRecord(), parent, w.broker.key, w.sm.cert
			if tt.change != nil {
				tt.change(&r)
			}
			if tt.parent != "" {
				p = tt.parent
			}
			if tt.signer != nil {
				signer = tt.signer
			}
			if tt.cert != nil {
				cert = tt.cert
			}
			if _, err := Delegate(p, r, signer, cert); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := Root(rootRecord(), w.site.key, w.evil.cert); !errors.Is(err, ErrLink) {
		t.Errorf("root with another's certificate: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := rootRecord()
	text, err := Root(r, w.site.key, w.site.cert)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < MaxRecords; i++ {
		r.GUID = fmt.Sprint("record-", i)
		if text, err = Delegate(text, r, w.site.key, w.site.cert); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	if c, err := Verify(text, w.roots); err != nil || len(c.Records()) != MaxRecords {
		t.Fatalf("a chain of %d records: %v", MaxRecords, err)
	}
	r.GUID = "one-too-many"
	if _, err := Delegate(text, r, w.site.key, w.site.cert); !errors.Is(err, ErrLimit) {
		t.Errorf("record %d: %v", MaxRecords+1, err)
	}
	links, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	long := string(appendTicket(nil, slices.Insert(links, 0, link{Record: r, signature: []byte{1}, der: w.site.cert.Raw})))
	if _, err := Verify(long, w.roots); !errors.Is(err, ErrLimit) {
		t.Errorf("reading %d records: %v", MaxRecords+1, err)
	}

	big := rootRecord()
	big.Properties = map[string]string{"p": strings.Repeat("x", MaxText)}
	if _, err := Root(big, w.site.key, w.site.cert); !errors.Is(err, ErrLimit) {
		t.Errorf("writing %d octets: %v", MaxText, err)
	}
	if _, err := Verify(strings.Repeat(" ", MaxText+1), w.roots); !errors.Is(err, ErrLimit) {
		t.Errorf("reading %d octets: %v", MaxText+1, err)
	}

	half := func(guid string) Record {
		r := rootRecord()
		r.GUID, r.Properties = guid, make(map[string]string)
		for i := range MaxProperties/2 + 1 {
			r.Properties[fmt.Sprint("p", i)] = ""
		}
		return r
	}
	if text, err = Root(half("a"), w.site.key, w.site.cert); err != nil {
		t.Fatal(err)
	}
	if _, err := Delegate(text, half("b"), w.site.key, w.site.cert); !errors.Is(err, ErrLimit) {
		t.Errorf("%d properties in two records: %v", MaxProperties+2, err)
	}
	if links, err = parse(text); err != nil {
		t.Fatal(err)
	}
	wide := string(appendTicket(nil, slices.Insert(links, 0, link{Record: half("b"), signature: []byte{1}, der: w.site.cert.Raw})))
	if _, err := Verify(wide, w.roots); !errors.Is(err, ErrLimit) {
		t.Errorf("reading %d properties in two records: %v", MaxProperties+2, err)
	}
}
