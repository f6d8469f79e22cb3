package dsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"math/big"
	"testing"
)

// Numbers of every length survive the way from DER to fixed width and back.
func TestFixedWidth(t *testing.T) {
	t.Parallel()
	shift := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	var numbers []*big.Int
	for n := uint(0); n < 256; n += 7 {
		numbers = append(numbers, shift(n), new(big.Int).Sub(shift(n+1), big.NewInt(1)))
	}
	for _, r := range numbers {
		for _, s := range numbers {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
			if err != nil {
				t.Fatal(err)
			}
			fixed, err := splitASN1(der)
			if err != nil || len(fixed) != 64 {
				t.Fatalf("%x: %d octets, %v", der, len(fixed), err)
			}
			if got := joinASN1(fixed); !bytes.Equal(got, der) {
				t.Fatalf("%x became %x", der, got)
			}
		}
	}
	for _, bad := range []struct{ R, S *big.Int }{
		{big.NewInt(0), big.NewInt(1)}, {big.NewInt(1), big.NewInt(-1)}, {shift(256), big.NewInt(1)},
	} {
		der, _ := asn1.Marshal(bad)
		if _, err := splitASN1(der); err == nil {
			t.Errorf("%v accepted", bad)
		}
	}
	if _, err := splitASN1([]byte("nonsense")); err == nil {
		t.Error("nonsense accepted")
	}
}

func TestFixedWidthVerifies(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	for i := range 600 { // about one in 128 has a short r or s
		digest[0], digest[1] = byte(i), byte(i>>8)
		der, err := key.Sign(nil, digest, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		fixed, err := splitASN1(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifyECDSA(&key.PublicKey, Policy{}, digest, fixed); err != nil {
			t.Fatal(err)
		}
	}
}
