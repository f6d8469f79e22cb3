package wssec_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
)

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		p    wssec.Policy
		ok   bool
	}{
		{"zero", wssec.Policy{}, false},
		{"unknown profile", wssec.Policy{Profile: 77}, false},
		{"strict", wssec.Strict.Policy(), true},
		{"legacy", wssec.Legacy.Policy(), true},
		{"legacy-strong", wssec.LegacyStrong.Policy(), true},
		{"strict with SHA-1", wssec.Policy{Profile: wssec.Strict, Signatures: []string{dsig.RSASHA1}}, false},
		{"strict with SHA-1 digests", wssec.Policy{Profile: wssec.Strict, Digests: []string{dsig.SHA1}}, false},
		{"strict with short keys", wssec.Policy{Profile: wssec.Strict, MinRSABits: 1024}, false},
		{"strict with other tokens", wssec.Policy{Profile: wssec.Strict, Tokens: wssec.TokenSKI}, false},
		{"strict packed", wssec.Policy{Profile: wssec.Strict, MTOM: true}, false},
		{"strict, RSA only", wssec.Policy{Profile: wssec.Strict, Signatures: []string{dsig.RSASHA256}, MinRSABits: 3072}, true},
		{"legacy with DSA", wssec.Policy{Profile: wssec.Legacy, Signatures: []string{dsig.DSASHA1}}, true},
		{"legacy with HMAC", wssec.Policy{Profile: wssec.Legacy, Signatures: []string{"http://www.w3.org/2000/09/xmldsig#hmac-sha1"}}, false},
		{"legacy with MD5", wssec.Policy{Profile: wssec.Legacy, Signatures: []string{"http://www.w3.org/2001/04/xmldsig-more#rsa-md5"}}, false},
		{"legacy with RIPEMD digests", wssec.Policy{Profile: wssec.Legacy, Digests: []string{"http://www.w3.org/2001/04/xmlenc#ripemd160"}}, false},
		{"legacy with 512 bits", wssec.Policy{Profile: wssec.Legacy, MinRSABits: 512}, false},
		{"legacy packed", wssec.Policy{Profile: wssec.Legacy, MTOM: true}, true},
		{"legacy mutual", wssec.Policy{Profile: wssec.Legacy, Mutual: true}, false},
		{"no such token", wssec.Policy{Profile: wssec.Legacy, Tokens: 1 << 7}, false},
		{"legacy with capitals", wssec.Policy{Profile: wssec.Legacy, AnyCaseGUID: true}, true},
		{"strict with capitals", wssec.Policy{Profile: wssec.Strict, AnyCaseGUID: true}, false},
		{"legacy, confirmed as newer stacks want it", wssec.Policy{Profile: wssec.LegacyStrong, FinalConfirmation: true}, true},
		{"strict, confirmed so", wssec.Policy{Profile: wssec.Strict, FinalConfirmation: true}, false},
		{"mutual with nothing left", wssec.Policy{Profile: wssec.LegacyStrong, Mutual: true, Signatures: []string{dsig.RSASHA1}}, false},
		{"mutual without digests", wssec.Policy{Profile: wssec.LegacyStrong, Mutual: true, Digests: []string{dsig.SHA1}}, false},
		{"mutual", wssec.Policy{Profile: wssec.LegacyStrong, Mutual: true}, true},
	} {
		if err := tt.p.Check(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Everything that is wrong with a policy is said at once, by the field.
func TestPolicyMistakes(t *testing.T) {
	t.Parallel()
	p := wssec.Policy{
		Profile: wssec.Strict, Signatures: []string{"a", dsig.DSASHA1}, Digests: []string{dsig.SHA1}, MinRSABits: 1024,
		Tokens: wssec.TokenSKI | wssec.TokenTransform, Mutual: true, MTOM: true, AnyCaseGUID: true, FinalConfirmation: true,
	}
	var fields []string
	for _, m := range p.Mistakes() {
		fields = append(fields, m.Field)
		if err := p.Check(); !strings.Contains(err.Error(), m.Text) {
			t.Errorf("%q is not in %v", m.Text, err)
		}
	}
	if want := []string{"Signatures", "Signatures", "Digests", "MinRSABits", "Tokens", "Mutual", "MTOM", "AnyCaseGUID", "FinalConfirmation"}; !slices.Equal(fields, want) {
		t.Errorf("%q", fields)
	}
	if m := (wssec.Policy{Profile: 77, MTOM: true}).Mistakes(); len(m) != 1 || m[0].Field != "Profile" {
		t.Errorf("%v", m)
	}
}

// A key that no allowed signature is made with is found before the first message.
func TestPolicySuits(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	dsa1024 := tokenCert(t, read(t, "wss4j/wss4j-default-dsa1024-3k.xml")).PublicKey
	legacy, strict := wssec.Legacy.Policy(), wssec.Strict.Policy()
	for _, tt := range []struct {
		name string
		p    wssec.Policy
		key  crypto.PublicKey
		ok   bool
	}{
		{"ECDSA, strict", strict, sm.Key.Public(), true},
		{"RSA 2048, strict", strict, smRSA().Key.Public(), true},
		{"RSA 1024, strict", strict, &short.PublicKey, false},
		{"RSA 1024, legacy", legacy, &short.PublicKey, true},
		{"RSA 1024, legacy with more bits", wssec.Policy{Profile: wssec.Legacy, MinRSABits: 2048}, &short.PublicKey, false},
		{"ECDSA, legacy", legacy, sm.Key.Public(), false},
		{"ECDSA, legacy that adds it", wssec.Policy{Profile: wssec.Legacy, Signatures: []string{dsig.RSASHA1, dsig.ECDSASHA256}}, sm.Key.Public(), true},
		{"DSA, legacy", legacy, dsa1024, false},
		{"DSA, legacy that adds it", wssec.Policy{Profile: wssec.Legacy, Signatures: []string{dsig.DSASHA1}}, dsa1024, true},
		{"DSA, strict", strict, dsa1024, false},
		{"no policy", wssec.Policy{}, sm.Key.Public(), false},
		{"no key", legacy, "key", false},
	} {
		if err := tt.p.Suits(tt.key); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A policy that is no policy opens nothing.
func TestBadPolicy(t *testing.T) {
	t.Parallel()
	o := atSite()
	o.Policy = under(wssec.Policy{Profile: wssec.Strict, MinRSABits: 1})
	if _, err := open(request(t), o); !errors.Is(err, wssec.ErrProfile) {
		t.Error(err)
	}
}

// A certificate is spoken of from thirty days before its end, and before its
// beginning.
func TestExpiry(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	cert := sm.Cert
	for _, tt := range []struct {
		at   time.Time
		want wssec.Standing
		says string
	}{
		{cert.NotBefore.Add(-time.Second), wssec.Early, "not valid yet"},
		{cert.NotBefore, wssec.Valid, ""},
		{cert.NotAfter.Add(-30*day - time.Second), wssec.Valid, ""},
		{cert.NotAfter.Add(-30 * day), wssec.Ending, "expires in 30 days"},
		{cert.NotAfter.Add(-36 * time.Hour), wssec.Ending, "expires in 1 day"},
		{cert.NotAfter.Add(-time.Second), wssec.Ending, "expires in less than a day"},
		{cert.NotAfter, wssec.Over, "expired less than a day ago"},
		{cert.NotAfter.Add(50 * day), wssec.Over, "expired 50 days ago"},
	} {
		if got := wssec.StandingOf(cert, tt.at); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.at, got, tt.want)
		}
		if got := wssec.ExpiryWarning(cert, tt.at); got != tt.says {
			t.Errorf("%v: %q, want %q", tt.at, got, tt.says)
		}
	}
}
