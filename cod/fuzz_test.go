package cod

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/ldapschema"
)

// FuzzPublicKeys: whatever a lessee writes, what comes of it is lines that sshd reads as
// keys without options, and an entry that the directory's schema allows.
func FuzzPublicKeys(f *testing.F) {
	f.Add(keyA + " ada@home\n" + keyB)
	f.Add("command=\"x\" " + keyA)
	f.Add("ssh-rsa AAAAB3NzaC1yc2E= x\x00y\r\nroot:x")
	f.Fuzz(func(t *testing.T, text string) {
		keys := publicKeys(text)
		for _, k := range keys {
			if strings.ContainsFunc(k, func(r rune) bool { return r < ' ' || r > '~' }) || len(k) > maxKey+maxText {
				t.Fatalf("%q", k)
			}
			if _, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(k)); err == nil && (len(options) > 0 || len(rest) > 0) {
				t.Fatalf("%q has options %q, or goes on %q", k, options, rest)
			}
		}
		if _, err := ldapschema.Account("dc=x", ldapschema.AccountRecord{UID: "ada", Number: 30000, Group: 30000, Keys: keys}); err != nil {
			t.Fatal(err)
		}
	})
}
