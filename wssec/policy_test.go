package wssec_test

import (
	"errors"
	"slices"
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
	} {
		if err := tt.p.Check(); (err == nil) != tt.ok {
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

// Who has signed without SHA-1 is not believed with SHA-1 again, also after a
// restart; others are.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	strong, weak := read(t, "vectors/pos-sha256-body-authtoken-bst.xml"), read(t, "vectors/redeem-request.xml")
	o := legacySite(t, wssec.Legacy.Policy())
	o.Strength = new(wssec.Strength)
	for range 2 {
		if _, err := open(weak, o); err != nil {
			t.Fatalf("before: %v", err)
		}
	}
	if o.Strength.Has(smGUID) {
		t.Error("SHA-1 counted as strong")
	}
	if _, err := open(swap(t, strong, "<messageID>", "<messageID>x"), o); err == nil || o.Strength.Has(smGUID) {
		t.Fatalf("a forged message counted: %v", err)
	}
	if _, err := open(strong, o); err != nil {
		t.Fatal(err)
	}
	if _, err := open(weak, o); !errors.Is(err, wssec.ErrDowngrade) {
		t.Errorf("SHA-1 after SHA-256: %v", err)
	}
	if _, err := open(strong, o); err != nil {
		t.Errorf("SHA-256 again: %v", err)
	}
	again := new(wssec.Strength)
	again.Learn(o.Strength.Known()...)
	if o.Strength = again; !slices.Equal(again.Known(), []string{smGUID}) {
		t.Errorf("known: %v", again.Known())
	}
	if _, err := open(weak, o); !errors.Is(err, wssec.ErrDowngrade) {
		t.Errorf("SHA-1 after a restart: %v", err)
	}
	o.Policy, o.Strength = under(wssec.Policy{Profile: wssec.LegacyStrong, Mutual: true}), nil
	if _, err := open(strong, o); err != nil {
		t.Errorf("mutual: %v", err)
	}
	if _, err := open(weak, o); !errors.Is(err, dsig.ErrAlgorithm) {
		t.Errorf("SHA-1 from a mutual peer: %v", err)
	}
}

// Certificates that end soon are listed, soonest first, and those that are over.
func TestExpiring(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   time.Duration
		want int
	}{{24 * time.Hour, 0}, {9 * 366 * 24 * time.Hour, 3}} {
		got := wssec.Expiring(wssec.Pins{sm.Pin(), site.Pin(), broker.Pin(), {GUID: evilGUID, Key: evil.Key.Public()}}, now, tt.in)
		if len(got) != tt.want {
			t.Errorf("within %v: %d", tt.in, len(got))
		}
	}
	over := wssec.Expiring(wssec.Pins{sm.Pin()}, now.AddDate(20, 0, 0), time.Hour)
	if len(over) != 1 || over[0].GUID != smGUID || over[0].Left >= 0 || over[0].End != sm.Cert.NotAfter {
		t.Errorf("%+v", over)
	}
}
