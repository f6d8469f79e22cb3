package inspect

import (
	"crypto"
	_ "crypto/sha1"
	_ "crypto/sha256"
	"os"
	"testing"
)

// What a server refuses as a collision is not said to hold here.
func TestCollision(t *testing.T) {
	t.Parallel()
	octets, err := os.ReadFile("../../../wssec/dsig/testdata/shattered-1.bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := digest(crypto.SHA1, octets); err == nil {
		t.Error("a collision has a digest")
	}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		h := hash.New()
		h.Write(octets[:64])
		if got, err := digest(hash, octets[:64]); err != nil || string(got) != string(h.Sum(nil)) {
			t.Errorf("%v: %x, %v", hash, got, err)
		}
	}
}
