package rpcpeers

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/wssec/keys"
)

// An authority that is a program in Python and OpenSSL gives a real node agent its first
// key, and a driver package that it packed and signed itself; what is repeated, for another
// agent, or of nobody known is refused.
func TestNodeAgent(t *testing.T) {
	t.Parallel()
	const guid = "55555555-5555-4555-8555-555555555555"
	dir := t.TempDir()
	id, err := keys.Generate(rand.Reader, guid, "authority", keys.RSA2048, time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 1))
	if err == nil {
		err = id.Save(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	node := setup.StartNodeAgent(t, id.Cert, nodeagent.LegacyHash)
	cmd := command(t, []string{"python3", "python/nodeagent.py", node.URL, node.Token, guid, filepath.Join(dir, "identity.pem"), filepath.Join(dir, "certificate.pem")})
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs.String())
	}
	const want = `met 0 True True
testFunc 17
registerKey 0
registerKey 5
unregisterKey 0
installDriver {"code": 0, "properties": {"driver.version": "1"}}
executeDriver {"code": 0, "properties": {"empty": "", "text": "caf\u00e9 <&>\"' \ttwo\nlines", "unit.net.ip": "10.0.0.9"}}
executeObjectDriver {"code": 0, "properties": {}}
upgradeDriver {"code": 0, "properties": {"driver.version": "2"}}
executeScript {"code": 0, "stdOut": "a\nb"}
uninstallDriver {"code": 0, "properties": {}}
gone 3
testFunc fault 403 wssec: envelope refused
testFunc fault 403 wssec: envelope refused
testFunc fault 403 wssec: envelope refused
`
	if string(out) != want {
		t.Errorf("it says\n%s\nwant\n%s", out, want)
	}
}
