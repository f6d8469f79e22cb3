package dsig

import (
	"bytes"
	"fmt"
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

// splitASN1 is the inverse, for what a crypto.Signer made. Other values than of two
// positive numbers, in DER and of 256 bits at most, are not what was asked for.
func splitASN1(der []byte) ([]byte, error) {
	out := make([]byte, 2*p256)
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return nil, errNoP256
	}
	rest := der[2:]
	for _, half := range [][]byte{out[:p256], out[p256:]} {
		if len(rest) < 3 || rest[0] != 0x02 || rest[1] == 0 || int(rest[1]) > len(rest)-2 {
			return nil, errNoP256
		}
		n := rest[2 : 2+rest[1]]
		rest = rest[len(n)+2:]
		switch {
		case n[0] >= 0x80, n[0] == 0 && (len(n) == 1 || n[1] < 0x80):
			return nil, errNoP256 // negative, zero, or longer than it need be
		case n[0] == 0:
			n = n[1:]
		}
		if len(n) > p256 {
			return nil, errNoP256
		}
		copy(half[p256-len(n):], n)
	}
	if len(rest) > 0 {
		return nil, errNoP256
	}
	return out, nil
}

var errNoP256 = fmt.Errorf("%w: the signer made no P-256 signature", ErrKey)
