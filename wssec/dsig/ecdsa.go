package dsig

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// p256 is the width of r and of s on curve P-256, in octets.
const p256 = 32

// joinASN1 turns r||s of fixed width into the DER sequence that crypto/ecdsa
// takes. Both halves are short, so every length is one octet.
func joinASN1(value []byte) []byte {
	out := make([]byte, 2, len(value)+8)
	out[0] = 0x30
	for _, half := range [][]byte{value[:p256], value[p256:]} {
		half = bytes.TrimLeft(half, "\x00")
		pad := len(half) == 0 || half[0] >= 0x80
		n := len(half)
		if pad {
			n++
		}
		out = append(out, 0x02, byte(n))
		if pad {
			out = append(out, 0)
		}
		out = append(out, half...)
	}
	out[1] = byte(len(out) - 2)
	return out
}

// splitASN1 is the inverse, for what a crypto.Signer made.
func splitASN1(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) > 0 || sig.R.Sign() <= 0 || sig.S.Sign() <= 0 ||
		sig.R.BitLen() > 8*p256 || sig.S.BitLen() > 8*p256 {
		return nil, fmt.Errorf("%w: the signer made no P-256 signature", ErrKey)
	}
	out := make([]byte, 2*p256)
	sig.R.FillBytes(out[:p256])
	sig.S.FillBytes(out[p256:])
	return out, nil
}
