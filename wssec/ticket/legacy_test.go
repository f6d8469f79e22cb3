package ticket

import (
	"bytes"
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

func legacyFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/legacy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func legacyCert(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate([]byte(legacyFile(t, name+".der")))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// legacyRoots trusts the site of the vectors.
func legacyRoots(t testing.TB) func(string) []crypto.PublicKey {
	key := legacyCert(t, "site").PublicKey
	return func(guid string) []crypto.PublicKey {
		if guid == siteGUID {
			return []crypto.PublicKey{key}
		}
		return nil
	}
}

// TT2: every record of every Signed and SHARP ticket verifies with its issuer's
// key, in the order received, and with no other key.
func TestLegacyRecordSignatures(t *testing.T) {
	t.Parallel()
	keys := map[string]crypto.PublicKey{siteGUID: legacyCert(t, "site").PublicKey, brokerGUID: legacyCert(t, "broker").PublicKey}
	for _, name := range []string{"signed-root", "signed-exported", "signed-sm", "sharp-root", "sharp-exported", "sharp-sm", "sharp-sm-extended"} {
		tk, err := xstream.Parse(legacyFile(t, name+".xml"))
		if err != nil {
			t.Fatal(err)
		}
		for k, d := range tk.Delegations {
			if order, err := verifyAny(d, keys[d.Issuer]); err != nil || order != xstream.Received {
				t.Errorf("%s, record %d: %v, %v", name, k, order, err)
			}
			if _, err := verifyAny(d, legacyCert(t, "evil").PublicKey); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, record %d, another key: %v", name, k, err)
			}
			d.Units++
			if _, err := verifyAny(d, keys[d.Issuer]); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, record %d, more units: %v", name, k, err)
			}
		}
	}
}

func verifyAny(d *xstream.Delegation, key crypto.PublicKey) (xstream.Order, error) {
	return verifyRecord(d, key, legacyRules{})
}

// A ticket of the Signed form is verified with the keys of its issuers, whole; and
// one of the Simple form never is.
func TestVerifySigned(t *testing.T) {
	t.Parallel()
	known := map[string]crypto.PublicKey{siteGUID: legacyCert(t, "site").PublicKey, brokerGUID: legacyCert(t, "broker").PublicKey}
	keys := func(guid string) []crypto.PublicKey {
		if k := known[guid]; k != nil {
			return []crypto.PublicKey{legacyCert(t, "evil").PublicKey, k}
		}
		return nil
	}
	for name, n := range map[string]int{"signed-root": 1, "signed-exported": 2, "signed-sm": 3} {
		records, orders, err := VerifySigned(legacyFile(t, name+".xml"), keys)
		if err != nil || len(records) != n || len(orders) != n || records[n-1].Issuer != siteGUID {
			t.Errorf("%s: %+v, %v", name, records, err)
		}
	}
	text := legacyFile(t, "signed-sm.xml")
	change := func(from, to string) string {
		if !strings.Contains(text, from) {
			t.Fatalf("no %q in the ticket", from)
		}
		return strings.Replace(text, from, to, 1)
	}
	for name, tt := range map[string]struct {
		text string
		keys func(string) []crypto.PublicKey
		want error
	}{
		"more units":           {change("<units>1<", "<units>2<"), keys, ErrSignature},
		"more than its parent": {change("<units>1<", "<units>101<"), keys, ErrContainment},
		"a longer term":        {change("00:59:59.999", "01:59:59.999"), keys, ErrSignature},
		"an unknown issuer": {text, func(guid string) []crypto.PublicKey {
			return map[bool][]crypto.PublicKey{true: keys(guid)}[guid == siteGUID]
		}, ErrUntrusted},
		"nobody is known":       {text, func(string) []crypto.PublicKey { return nil }, ErrUntrusted},
		"a key of another kind": {text, func(string) []crypto.PublicKey { return []crypto.PublicKey{newParty(t, siteGUID).key.Public()} }, ErrKey},
		"no signature":          {change("<signature>\n        <signature>", "<signature>\n        <signature/><!--"), keys, ErrMalformed},
		"a SHARP one":           {legacyFile(t, "sharp-sm.xml"), keys, ErrSignature},
		"a simple one":          {legacyFile(t, "simple-sm.xml"), keys, ErrSignature},
		"no ticket":             {"<a/>", keys, ErrMalformed},
		"empty":                 {"<ticket>\n  <delegations/>\n</ticket>", keys, ErrSignature},
		"too long":              {strings.Repeat(" ", 300<<10) + text, keys, ErrLimit},
		"cut in the middle": {func() string {
			i, j := strings.LastIndex(text, "<signedDelegation>"), strings.LastIndex(text, "</signedDelegation>")
			return text[:i] + text[j+len("</signedDelegation>"):]
		}(), keys, ErrLink},
	} {
		if records, _, err := VerifySigned(tt.text, tt.keys); !errors.Is(err, tt.want) || records != nil {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// TT3: good chains are accepted, whole.
func TestLegacyChains(t *testing.T) {
	t.Parallel()
	for name, records := range map[string]int{"sharp-root": 1, "sharp-exported": 2, "sharp-sm": 3, "sharp-sm-extended": 3} {
		for _, s := range []Scheme{Sharp, SharpLenient} {
			text := legacyFile(t, name+".xml")
			c, err := s.Verify(text, legacyRoots(t))
			if err != nil {
				t.Errorf("%s, %v: %v", name, s, err)
				continue
			}
			if len(c.Records()) != records || c.Scheme() != s || c.Root().Holder != siteGUID || c.Text(0) != text || c.Text(records) != "" {
				t.Errorf("%s, %v: %+v", name, s, c.Records())
			}
			for _, o := range c.Orders() {
				if o != xstream.Received {
					t.Errorf("%s: signed in order %v", name, o)
				}
			}
		}
	}
	c, err := Sharp.Verify(legacyFile(t, "sharp-sm.xml"), legacyRoots(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Records()), fmt.Sprint([]Record{leafRecord(), exportRecord(), rootRecord()}); got != want {
		t.Errorf("records:\n%s\nwant\n%s", got, want)
	}
	if !same(c.HolderKey(), legacyCert(t, "sm").PublicKey) {
		t.Error("held with another key")
	}
	if c.Text(1) != legacyFile(t, "sharp-exported.xml") || c.Text(2) != legacyFile(t, "sharp-root.xml") {
		t.Error("the parents of the ticket are not the tickets it was made from")
	}
	longer, err := Sharp.Verify(legacyFile(t, "sharp-sm-extended.xml"), legacyRoots(t))
	if err != nil || longer.ID(1) != c.ID(1) || longer.ID(2) != c.ID(2) || longer.ID(0) == c.ID(0) || c.ID(3) != [32]byte{} {
		t.Errorf("identities of records: %v", err)
	}
}

// TT3: forged chains are refused, with the reason.
func TestLegacyForgeries(t *testing.T) {
	t.Parallel()
	forged := legacyFile(t, "sharp-FORGED-sm.xml")
	doc, err := xmltree.Parse([]byte(legacyFile(t, "neg-forged-ticket-redeem.xml")), xmltree.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	inMessage := ""
	for i := range doc.Len() {
		if s := doc.At(i).Text(); strings.HasPrefix(s, "<sharpTicket") {
			inMessage = s
		}
	}
	for name, text := range map[string]string{"file": forged, "message": inMessage} {
		for _, s := range []Scheme{Sharp, SharpLenient} {
			if _, err := s.Verify(text, legacyRoots(t)); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrLink) {
				t.Errorf("%s, %v: %v", name, s, err)
			}
		}
	}
	// The chain of endorsements alone, with the names put right, is what legacy
	// sites fall for: the first endorsement is noise.
	tk, err := xstream.Parse(forged)
	if err != nil {
		t.Fatal(err)
	}
	tk.Delegations[1].Holder, tk.Delegations[0].Issuer = evilGUID, evilGUID
	if _, err := Sharp.Verify(string(tk.Append(nil)), legacyRoots(t)); !errors.Is(err, ErrSignature) {
		t.Errorf("noise over the first endorsement: %v", err)
	}
	if _, err := Sharp.Verify(legacyFile(t, "sharp-sm.xml"), nil); !errors.Is(err, ErrUntrusted) {
		t.Errorf("nobody trusted: %v", err)
	}
	// Unsigned records pass every legacy check, and none of ours.
	if _, err := SharpLenient.Verify(legacyFile(t, "ticket-independent.xml"), legacyRoots(t)); !errors.Is(err, ErrMalformed) {
		t.Errorf("unsigned records: %v", err)
	}
	for _, name := range []string{"signed-sm.xml", "simple-sm.xml"} {
		if _, err := Sharp.Verify(legacyFile(t, name), legacyRoots(t)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The two policies differ in the names they take: this ticket's actors are
// called site-guid and so on.
func TestLegacyNames(t *testing.T) {
	t.Parallel()
	block, _ := pem.Decode([]byte(legacyFile(t, "ticket-site-cert.pem")))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := func(string) []crypto.PublicKey { return []crypto.PublicKey{cert.PublicKey} }
	text := legacyFile(t, "ticket.xml")
	if _, err := SharpLenient.Verify(text, roots); err != nil {
		t.Errorf("lenient: %v", err)
	}
	if _, err := Sharp.Verify(text, roots); !errors.Is(err, ErrRecord) {
		t.Errorf("strict: %v", err)
	}
}

// rsaWorld is the usual parties with RSA keys that follow from their names.
// Sizes are legacy ones, mixed. Searching primes takes a while, so it is done once.
func rsaWorld(t testing.TB) world {
	t.Helper()
	keys := rsaKeys()
	p := func(guid string) party {
		return party{guid, keys[guid], certify(t, keys[guid], pkix.Name{CommonName: guid, Organization: []string{"test"}})}
	}
	return world{p(siteGUID), p(brokerGUID), p(smGUID), p(evilGUID)}
}

var rsaKeys = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	out := map[string]*rsa.PrivateKey{}
	for guid, bits := range map[string]int{siteGUID: 1024, brokerGUID: 2048, smGUID: 1024, evilGUID: 1024} {
		seed := sha256.Sum256([]byte("RSA key of " + guid))
		out[guid] = rsaKey(rand.New(rand.NewChaCha8(seed)), bits)
	}
	return out
})

func rsaKey(r *rand.Rand, bits int) *rsa.PrivateKey {
	prime := func() *big.Int {
		p := make([]byte, bits/16)
		for {
			for i := range p {
				p[i] = byte(r.Uint32())
			}
			p[0] |= 0xc0
			p[len(p)-1] |= 1
			n := new(big.Int).SetBytes(p)
			if n.ProbablyPrime(10) && new(big.Int).GCD(nil, nil, big.NewInt(65537), new(big.Int).Sub(n, big.NewInt(1))).Cmp(big.NewInt(1)) == 0 {
				return n
			}
		}
	}
	p, q := prime(), prime()
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: new(big.Int).ModInverse(big.NewInt(65537), phi), Primes: []*big.Int{p, q}}
	k.Precompute()
	return k
}

func (w world) legacyChain(t testing.TB) string {
	t.Helper()
	text, err := Sharp.Root(rootRecord(), w.site.key, w.site.cert)
	if err == nil {
		text, err = Sharp.Delegate(text, exportRecord(), w.site.key, w.broker.cert)
	}
	if err == nil {
		text, err = Sharp.Delegate(text, leafRecord(), w.broker.key, w.sm.cert)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What we write for legacy actors, byte for byte, and read back.
func TestLegacyWriting(t *testing.T) {
	t.Parallel()
	w := rsaWorld(t)
	text := w.legacyChain(t)
	const file = "testdata/legacy-written.xml"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Fatalf("the text changed at octet %d:\n%s", differ([]byte(text), want), text)
	}
	if SchemeOf(text) != Sharp || SchemeOf(w.legacyChain(t)) != Sharp {
		t.Error("scheme not recognised")
	}
	c, err := Sharp.Verify(text, w.roots)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Records()), fmt.Sprint([]Record{leafRecord(), exportRecord(), rootRecord()}); got != want {
		t.Errorf("records:\n%s\nwant\n%s", got, want)
	}
	// Shape as in the ticket that legacy classes made of the same records: only
	// identifiers, keys, signatures, times, the order of properties and their
	// element where there are none may differ.
	legacy, err := xstream.Parse(legacyFile(t, "sharp-sm.xml"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := xstream.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for k := range legacy.Delegations {
		a, b := *legacy.Delegations[k], *ours.Delegations[k]
		a.Properties, b.Properties = nil, nil
		if !bytes.Equal(a.SignedBytes(), b.SignedBytes()) {
			t.Errorf("record %d:\n%s\nlegacy\n%s", k, b.SignedBytes(), a.SignedBytes())
		}
	}
}

// An independent look at our signatures: the public key operation by hand, and
// OpenSSL where there is one.
func TestLegacyWritingIndependently(t *testing.T) {
	t.Parallel()
	w := rsaWorld(t)
	tk, err := xstream.Parse(w.legacyChain(t))
	if err != nil {
		t.Fatal(err)
	}
	type signed struct {
		by      party
		over    []byte
		sig     []byte
		comment string
	}
	all := []signed{
		{w.broker, tk.Delegations[0].SignedBytes(), tk.Delegations[0].Signature.Octets(), "leaf"},
		{w.site, tk.Delegations[1].SignedBytes(), tk.Delegations[1].Signature.Octets(), "export"},
		{w.site, tk.Delegations[2].SignedBytes(), tk.Delegations[2].Signature.Octets(), "root"},
		{w.broker, w.sm.cert.Raw, tk.Certificate.Signature.Octets, "endorsement of the manager"},
		{w.site, w.broker.cert.Raw, tk.Certificate.Issuer.Signature.Octets, "endorsement of the broker"},
	}
	openssl := setup.Tool(t, "openssl")
	for _, s := range all {
		key := s.by.key.Public().(*rsa.PublicKey)
		em := new(big.Int).Exp(new(big.Int).SetBytes(s.sig), big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, key.Size()))
		sum := md5.Sum(s.over)
		// PKCS#1 v1.5: 00 01 FF... 00, DigestInfo of MD5 (RFC 8017 9.2), digest.
		tail := append([]byte{0, 0x30, 0x20, 0x30, 0x0c, 6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5, 5, 0, 4, 0x10}, sum[:]...)
		want := append(append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, key.Size()-2-len(tail))...), tail...)
		if !bytes.Equal(em, want) {
			t.Errorf("%s: the signature holds %x, want %x", s.comment, em, want)
		}
		dir := t.TempDir()
		pub, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"key": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}), "sig": s.sig, "text": s.over} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(openssl, "dgst", "-md5", "-verify", filepath.Join(dir, "key"), "-signature", filepath.Join(dir, "sig"), filepath.Join(dir, "text"))
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verified OK") {
			t.Errorf("%s: openssl: %v: %s", s.comment, err, out)
		}
	}
}

// A ticket of legacy making grows under our hands: its records come through
// untouched, in their order of properties.
func TestLegacyDelegateKeepsAncestors(t *testing.T) {
	t.Parallel()
	w := rsaWorld(t)
	text := w.legacyChain(t)
	tk, err := xstream.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	// As if the broker's record had been signed and relayed in another order.
	d := tk.Delegations[0]
	slices.Reverse(d.Properties.List)
	sig, err := signMD5(w.broker.key, d.SignedBytes())
	if err != nil {
		t.Fatal(err)
	}
	d.Signature.Value = xstream.Lines(sig)
	parent := string(tk.Append(nil))
	r := leafRecord()
	r.GUID, r.Issuer, r.Holder = "deeper", smGUID, evilGUID
	child, err := Sharp.Delegate(parent, r, w.sm.key, w.evil.cert)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Sharp.Verify(child, w.roots)
	if err != nil || c.Text(1) != parent {
		t.Errorf("parent changed: %v", err)
	}
	// A relay sorted them again: the order that was signed is none of the likely
	// ones, and only the lenient policy looks further.
	slices.Reverse(d.Properties.List)
	text = string(tk.Append(nil))
	if _, err := Sharp.Verify(text, w.roots); !errors.Is(err, ErrSignature) {
		t.Errorf("re-ordered: %v", err)
	}
	if c, err := SharpLenient.Verify(text, w.roots); err != nil || c.Orders()[0] != xstream.Other {
		t.Errorf("re-ordered, lenient: %v, %v", c.Orders(), err)
	}
}

// The lenient policy looks for the order, puts aside what it cannot look
// through, and accepts nothing without a signature.
func TestLegacyOrders(t *testing.T) {
	t.Parallel()
	w := rsaWorld(t)
	signedIn := func(signed, written []string) string {
		tk, err := xstream.Parse(w.legacyChain(t))
		if err != nil {
			t.Fatal(err)
		}
		table := func(names []string) *xstream.Properties {
			p := &xstream.Properties{}
			for _, n := range names {
				p.List = append(p.List, xstream.Property{Name: n, Value: "v"})
			}
			return p
		}
		d := tk.Delegations[0]
		d.Properties = table(signed)
		sig, err := signMD5(w.broker.key, d.SignedBytes())
		if err != nil {
			t.Fatal(err)
		}
		d.Signature.Value, d.Properties = xstream.Lines(sig), table(written)
		return string(tk.Append(nil))
	}
	java9 := []string{"label", "type", "resource.bandwidth"} // as the vectors have it
	for _, tt := range []struct {
		name            string
		signed, written []string
		strict, lenient error
		order           xstream.Order
	}{
		{"as received", java9, java9, nil, nil, xstream.Received},
		{"signed by Java 17, sorted by a relay", java9, []string{"label", "resource.bandwidth", "type"}, nil, nil, xstream.Java8},
		{"signed by us, relayed by Java 17", []string{"label", "resource.bandwidth", "type"}, java9, nil, nil, xstream.Sorted},
		{"some order of five", []string{"e", "a", "c", "b", "d"}, []string{"a", "b", "c", "d", "e"}, ErrSignature, nil, xstream.Other},
		{"some order of six", []string{"e", "a", "c", "b", "d", "f"}, []string{"a", "b", "c", "d", "e", "f"}, ErrSignature, ErrOrder, 0},
		{"one property more", []string{"a", "b"}, []string{"a", "b", "c"}, ErrSignature, ErrSignature, 0},
		{"none left", []string{"a"}, nil, ErrSignature, ErrSignature, 0},
	} {
		text := signedIn(tt.signed, tt.written)
		if c, err := Sharp.Verify(text, w.roots); !errors.Is(err, tt.strict) || err == nil && c.Orders()[0] != tt.order {
			t.Errorf("%s, strict: %v, %v", tt.name, c.Orders(), err)
		}
		c, err := SharpLenient.Verify(text, w.roots)
		if !errors.Is(err, tt.lenient) || err == nil && c.Orders()[0] != tt.order || err != nil && len(c.records) != 0 {
			t.Errorf("%s, lenient: %v, %v", tt.name, c.Orders(), err)
		}
		if tt.lenient == ErrOrder && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: ErrOrder without ErrSignature: %v", tt.name, err)
		}
	}
}

// What we wrote, read and written again by the real library on Java 17 (its
// classes made after tickets 2): nothing differs but the order of properties, and
// the ticket still verifies.
func TestLegacyRelayedByJava(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/legacy-relayed-by-java17.xml")
	if err != nil {
		t.Fatal(err)
	}
	w := rsaWorld(t)
	if string(b) == w.legacyChain(t) {
		t.Fatal("nothing was re-ordered")
	}
	c, err := Sharp.Verify(string(b), w.roots)
	if err != nil || !slices.Equal(c.Orders(), []xstream.Order{xstream.Sorted, xstream.Received, xstream.Received}) {
		t.Errorf("%v, %v", c.Orders(), err)
	}
	if c.Text(0) != string(b) {
		t.Error("written otherwise than the library does")
	}
}
