package dsig

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"errors"
	"os"
	"slices"
	"testing"
)

// The two collisions of SHA-1 that are public: what the SHAttered documents begin
// with (an identical prefix, 2017), and "SHA-1 is a Shambles" (prefixes chosen
// freely, 2020).
var collisions = [][2]string{
	{"shattered-1.bin", "shattered-2.bin"},
	{"sha-mbles-1.bin", "sha-mbles-2.bin"},
}

// A14: octets made to collide are refused, as that and nothing else, by whatever
// computes SHA-1 here: the digest of a reference, the digest of SignedInfo, and the
// two that are made for legacy peers. XML has no such octets, so the digests are
// given them directly.
func TestA14Collision(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range collisions {
		var texts [2][]byte
		var sums [2][sha1.Size]byte
		for i, name := range pair {
			if texts[i], err = os.ReadFile("testdata/" + name); err != nil {
				t.Fatal(err)
			}
			sums[i] = sha1.Sum(texts[i])
		}
		if sums[0] != sums[1] || slices.Equal(texts[0], texts[1]) {
			t.Fatalf("%v do not collide", pair)
		}
		for i, text := range texts {
			// A signer was given one; the other arrives, under the same digest.
			other := sums[1-i]
			r := Reference{ID: "x", digest: &digests[0], value: other[:]}
			if err := r.compare(text); !errors.Is(err, ErrCollision) || errors.Is(err, ErrDigest) {
				t.Errorf("%s: a reference to it: %v", pair[i], err)
			}
			if err := r.compare(append(slices.Clone(text), "</soapenv:Body>"...)); !errors.Is(err, ErrCollision) {
				t.Errorf("%s, and more after it: %v", pair[i], err)
			}
			for name, m := range map[string]*method{"RSA": &methods[0], "DSA": &methods[3]} {
				if _, err := m.digest.sum(text); !errors.Is(err, ErrCollision) {
					t.Errorf("%s: SignedInfo of %s: %v", pair[i], name, err)
				}
			}
			if _, err := Digest(SHA1, text[:100], text[100:]); !errors.Is(err, ErrCollision) {
				t.Errorf("%s: digest to be signed: %v", pair[i], err)
			}
			if _, err := SignSHA1(key, text); !errors.Is(err, ErrCollision) {
				t.Errorf("%s: SignedInfo to be signed: %v", pair[i], err)
			}
			if _, err := Digest(SHA256, text); err != nil {
				t.Errorf("%s: SHA-256: %v", pair[i], err)
			}
		}
	}
	// Everything else has the digest it always had.
	for n := range 300 {
		text := make([]byte, n*7)
		if _, err := rand.Read(text); err != nil {
			t.Fatal(err)
		}
		got, err := sumSHA1(text)
		if want := sha1.Sum(text); err != nil || [sha1.Size]byte(got[:sha1.Size]) != want {
			t.Fatalf("SHA-1 of %x: %x, %v; want %x", text, got[:sha1.Size], err, want)
		}
	}
}
