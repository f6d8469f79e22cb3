package dsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"errors"
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
	for _, bad := range []string{
		"nonsense", "", "30", "3000", "300302", "3006020101020101ff", "30050201010201", "30060201010201",
		"300602010102010100", "3007020101020101ff", "3007020200010201ff", "30070202000102010a", "3006020181020101",
		"3005020002010a", "3106020101020101", "3006030101020101", "3006020101030101", "30060205010201ff",
	} {
		der, err := hex.DecodeString(bad)
		if err != nil {
			der = []byte(bad)
		}
		if _, err := splitASN1(der); !errors.Is(err, ErrKey) {
			t.Errorf("%x: %v", der, err)
		}
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
