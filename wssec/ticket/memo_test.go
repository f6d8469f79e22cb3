package ticket

import (
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
)

// TestMemo: whatever a Memo remembers, it judges as one that remembers nothing: every
// text that differs by one octet from those it knows, and those it knows themselves
// when they are no longer trusted.
func TestMemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.chain(t)
	var m Memo
	want, err := Verify(text, w.roots)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := m.Verify(SHA256Chain, text, w.roots)
		if err != nil || !reflect.DeepEqual(got.Records(), want.Records()) || got.Text(0) != text || got.Scheme() != SHA256Chain || got.ID(0) != want.ID(0) ||
			!same(got.HolderKey(), want.HolderKey()) {
			t.Fatalf("%+v, %v", got, err)
		}
		if len(m.right) != 3 || len(m.certs) != 3 {
			t.Fatalf("it remembers %d signatures and %d certificates", len(m.right), len(m.certs))
		}
	}
	for i := range len(text) {
		other := []byte(text)
		other[i] ^= 1
		_, cold := Verify(string(other), w.roots)
		if _, warm := m.Verify(SHA256Chain, string(other), w.roots); warm == nil || cold == nil || warm.Error() != cold.Error() {
			t.Fatalf("octet %d changed to %q: %v, and without a memo %v", i, other[i], warm, cold)
		}
	}
	if len(m.right) != 3 || len(m.certs) != 3 {
		t.Errorf("wrong tickets left it with %d signatures and %d certificates", len(m.right), len(m.certs))
	}
	for name, roots := range map[string]func(string) []crypto.PublicKey{
		"nobody":      nil,
		"pin removed": func(string) []crypto.PublicKey { return nil },
		"another key": func(string) []crypto.PublicKey { return []crypto.PublicKey{w.evil.cert.PublicKey} },
	} {
		if _, err := m.Verify(SHA256Chain, text, roots); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := m.Verify(Sharp, text, w.roots); err == nil {
		t.Error("a ticket of our scheme was read as a legacy one")
	}
}

// TestMemoOfOthers: what one ticket proved counts for another only where it is the same:
// a record taken from one chain is not right in the next.
func TestMemoOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var m Memo
	if _, err := m.Verify(SHA256Chain, w.chain(t), w.roots); err != nil {
		t.Fatal(err)
	}
	links, err := parse(w.chain(t))
	if err != nil {
		t.Fatal(err)
	}
	// The broker's own record said again by somebody else: his key, the same octets.
	forged := append([]link(nil), links...)
	forged[1].der = w.evil.cert.Raw
	forged[1].Holder, forged[0].Issuer = evilGUID, evilGUID
	for name, chain := range map[string][]link{"another holder": forged, "without the middle": {links[0], links[2]}} {
		text := string(appendTicket(nil, chain))
		_, cold := Verify(text, w.roots)
		if _, warm := m.Verify(SHA256Chain, text, w.roots); warm == nil || cold == nil || warm.Error() != cold.Error() {
			t.Errorf("%s: %v, and without a memo %v", name, warm, cold)
		}
	}
	if proofOf([]byte("a"), []byte("bc"), nil) == proofOf([]byte("ab"), []byte("c"), nil) {
		t.Error("two proofs have one name")
	}
}

// TestMemoIsBounded: it begins afresh when it is full.
func TestMemoIsBounded(t *testing.T) {
	t.Parallel()
	var m Memo
	for i := range 3 * maxProofs {
		var p [sha256.Size]byte
		binary.BigEndian.PutUint64(p[:], uint64(i))
		m.keep([][sha256.Size]byte{p}, nil)
		if len(m.right) > maxProofs || !m.has(p) {
			t.Fatalf("%d proofs, the last one there: %v", len(m.right), m.has(p))
		}
	}
}

// BenchmarkMemo is what a ticket of three records costs when they are known.
func BenchmarkMemo(b *testing.B) {
	w := newWorld(b)
	text := w.chain(b)
	for name, m := range map[string]*Memo{"cold": nil, "warm": {}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Verify(SHA256Chain, text, w.roots); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
