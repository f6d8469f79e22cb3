package wssec_test

import (
	"testing"

	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// Every word means something, and what it means is called that again.
func TestWords(t *testing.T) {
	t.Parallel()
	var all wssec.Tokens
	for _, name := range wssec.TokenNames() {
		one, ok := wssec.TokenNamed(name)
		if !ok || one.String() != name || all&one != 0 {
			t.Errorf("%s: %v, %v", name, one, ok)
		}
		all |= one
	}
	if len(all.Names()) != 6 || wssec.Tokens(0).Names() != nil {
		t.Errorf("all: %v", all)
	}
	for _, name := range wssec.SignatureNames() {
		if uri, ok := wssec.SignatureNamed(name); !ok || wssec.AlgorithmName(uri) != name {
			t.Errorf("%s: %q, %v", name, uri, ok)
		}
	}
	for _, name := range wssec.DigestNames() {
		if uri, ok := wssec.DigestNamed(name); !ok || wssec.AlgorithmName(uri) != name {
			t.Errorf("%s: %q, %v", name, uri, ok)
		}
	}
	if len(wssec.SignatureNames()) != 5 || len(wssec.DigestNames()) != 3 {
		t.Error("an algorithm has no name")
	}
	if uri, ok := wssec.SignatureNamed("rsa-md5"); ok || uri != "" {
		t.Errorf("rsa-md5 is %q", uri)
	}
	if name := wssec.AlgorithmName("urn:odd"); name != "urn:odd" || wssec.AlgorithmName(dsig.SHA1) != "sha1" {
		t.Error(name)
	}
}
