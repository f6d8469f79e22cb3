package keys

import (
	"crypto/sha1"
	"errors"
	"os"
	"testing"
)

// FuzzJKS gives every file the checksum that its password asks for, without which
// nothing behind it would be reached.
func FuzzJKS(f *testing.F) {
	data, err := os.ReadFile("testdata/actor.jks")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:len(data)-sha1.Size], "clientkeypass")
	f.Add(data[:12], "")
	f.Fuzz(func(t *testing.T, body []byte, keyPassword string) {
		sum := sha1.Sum(append([]byte(jksSalt), body...))
		s, err := parseJKS(append(body[:len(body):len(body)], sum[:]...), "", keyPassword)
		if err != nil && !errors.Is(err, ErrStore) && !errors.Is(err, ErrPassword) {
			t.Fatalf("neither kind of error: %v", err)
		}
		if err != nil && len(s.Identities)+len(s.Trusted) > 0 {
			t.Fatal("half a store")
		}
	})
}
