package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // what older files use
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
)

// maxIterations bounds the work that a file can ask for.
const maxIterations = 1_000_000

// encryptedInfo is an EncryptedPrivateKeyInfo (RFC 5958 3).
type encryptedInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

func parseEncrypted(der []byte) (info encryptedInfo, err error) {
	return info, unmarshal(der, &info)
}

func decryptPKCS8(der []byte, password string) ([]byte, error) {
	info, err := parseEncrypted(der)
	if err != nil {
		return nil, err
	}
	return decrypt(info.Algorithm, info.Data, password)
}

var (
	oidPBES2       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA1    = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA256  = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA512  = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}
	oidAES128      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidSHA1And3DES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	oidSHA1AndRC2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 6}
)

// decrypt is password-based decryption: PBES2 (RFC 8018 6.2) with AES in CBC mode,
// or SHA-1 and Triple DES of PKCS #12.
func decrypt(alg pkix.AlgorithmIdentifier, data []byte, password string) ([]byte, error) {
	switch {
	case alg.Algorithm.Equal(oidPBES2):
		return pbes2(alg.Parameters.FullBytes, data, password)
	case alg.Algorithm.Equal(oidSHA1And3DES):
		var p struct {
			Salt       []byte
			Iterations int
		}
		if err := unmarshal(alg.Parameters.FullBytes, &p); err != nil {
			return nil, err
		}
		if p.Iterations < 1 || p.Iterations > maxIterations {
			return nil, fmt.Errorf("%w: %d iterations", ErrStore, p.Iterations)
		}
		block, err := des.NewTripleDESCipher(deriveKey(sha1.New, password, p.Salt, 1, p.Iterations, 24))
		if err != nil {
			return nil, err
		}
		return cbc(block, deriveKey(sha1.New, password, p.Salt, 2, p.Iterations, 8), data)
	case alg.Algorithm.Equal(oidSHA1AndRC2):
		return nil, fmt.Errorf("%w: encrypted with 40-bit RC2; keytool -importkeystore of JDK 17 makes a better one", ErrStore)
	}
	return nil, fmt.Errorf("%w: encrypted by %v", ErrStore, alg.Algorithm)
}

func pbes2(parameters, data []byte, password string) ([]byte, error) {
	var p struct{ Derivation, Cipher pkix.AlgorithmIdentifier }
	if err := unmarshal(parameters, &p); err != nil {
		return nil, err
	}
	var d struct {
		Salt       []byte
		Iterations int
		Size       int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	if !p.Derivation.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("%w: a key derived by %v", ErrStore, p.Derivation.Algorithm)
	}
	if err := unmarshal(p.Derivation.Parameters.FullBytes, &d); err != nil {
		return nil, err
	}
	var h func() hash.Hash
	switch prf := d.PRF.Algorithm; {
	case prf == nil, prf.Equal(oidHMACSHA1):
		h = sha1.New
	case prf.Equal(oidHMACSHA256):
		h = sha256.New
	case prf.Equal(oidHMACSHA512):
		h = sha512.New
	default:
		return nil, fmt.Errorf("%w: a key derived with %v", ErrStore, prf)
	}
	size := 0
	switch c := p.Cipher.Algorithm; {
	case c.Equal(oidAES128):
		size = 16
	case c.Equal(oidAES192):
		size = 24
	case c.Equal(oidAES256):
		size = 32
	default:
		return nil, fmt.Errorf("%w: encrypted by %v", ErrStore, c)
	}
	var iv []byte
	if err := unmarshal(p.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	if d.Iterations < 1 || d.Iterations > maxIterations || len(iv) != aes.BlockSize || d.Size != 0 && d.Size != size {
		return nil, fmt.Errorf("%w: parameters of encryption", ErrStore)
	}
	key, err := pbkdf2.Key(h, password, d.Salt, d.Iterations, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cbc(block, iv, data)
}

// cbc decrypts and takes the padding off (RFC 5652 6.3).
func cbc(block cipher.Block, iv, data []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(data) == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("%w: encrypted data of %d octets", ErrStore, len(data))
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	n := int(out[len(out)-1])
	if n == 0 || n > size {
		return nil, fmt.Errorf("decrypt: %w", ErrPassword)
	}
	for _, c := range out[len(out)-n:] {
		if int(c) != n {
			return nil, fmt.Errorf("decrypt: %w", ErrPassword)
		}
	}
	return out[:len(out)-n], nil
}
