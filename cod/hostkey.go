package cod

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers"
)

// A node's host key is known before the node is (paper B 4.3): it follows from the site's
// secret and the unit, so that it need not be kept and is the same after a restart. The
// private half goes into the node's image by whoever stages it, the public half into the
// node's entry and to the lessee. So the first login is verified as any other is.

const keyType = "ssh-ed25519"

// hostKey is the node's, or nil when the site gives none.
func (n *node) hostKey(cfg Config) ed25519.PrivateKey {
	if !cfg.HostKeys || n.cluster == nil {
		return nil
	}
	h := hmac.New(sha256.New, cfg.Guests.Secret)
	fmt.Fprintf(h, "host key;%d:%s;%s", len(n.cluster.key), n.cluster.key, n.origin())
	return ed25519.NewKeyFromSeed(h.Sum(nil))
}

// shown is the node's public host key as a line, without a comment; empty for none.
func (n *node) shown(cfg Config) string {
	key := n.hostKey(cfg)
	if key == nil {
		return ""
	}
	return keyType + " " + base64.StdEncoding.EncodeToString(publicBlob(key))
}

// keyring tells a driver what belongs into the node's image: its private host key, and the
// public keys of its slice's people.
func (n *node) keyring(cfg Config, p handlers.Params) {
	key := n.hostKey(cfg)
	if key == nil {
		return
	}
	p[handlers.ParamHostKey] = privateFile(key)
	var lines []string
	for _, a := range n.cluster.accounts {
		lines = append(lines, a.keys...)
	}
	p[handlers.ParamAdminKeys] = strings.Join(lines, "\n")
}

// shows is what a lessee is told about it.
func (n *node) shows(cfg Config) actors.Properties {
	if line := n.shown(cfg); line != "" {
		return actors.Properties{handlers.FactHostKey: line}
	}
	return nil
}

// text is a string as SSH writes it (RFC 4251 5).
func text(b *bytes.Buffer, s []byte) {
	_ = binary.Write(b, binary.BigEndian, uint32(len(s)))
	b.Write(s)
}

// publicBlob is a public key as SSH writes it (RFC 8709 4).
func publicBlob(key ed25519.PrivateKey) []byte {
	var b bytes.Buffer
	text(&b, []byte(keyType))
	text(&b, key.Public().(ed25519.PublicKey))
	return b.Bytes()
}

// privateFile is a private key in OpenSSH's own form, which all of its versions read
// (PROTOCOL.key in its sources). The two equal numbers that say that it was decrypted are
// meant to be random; here they follow from the key, as everything does.
func privateFile(key ed25519.PrivateKey) string {
	var secret bytes.Buffer
	check := sha256.Sum256(key)
	secret.Write(check[:4])
	secret.Write(check[:4])
	text(&secret, []byte(keyType))
	text(&secret, key.Public().(ed25519.PublicKey))
	text(&secret, key)
	text(&secret, nil) // no comment
	for i := byte(1); secret.Len()%8 != 0; i++ {
		secret.WriteByte(i)
	}
	var b bytes.Buffer
	b.WriteString("openssh-key-v1\x00")
	text(&b, []byte("none")) // not encrypted
	text(&b, []byte("none"))
	text(&b, nil)
	_ = binary.Write(&b, binary.BigEndian, uint32(1))
	text(&b, publicBlob(key))
	text(&b, secret.Bytes())
	return string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: b.Bytes()}))
}
