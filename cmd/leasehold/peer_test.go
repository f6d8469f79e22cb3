package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec/keys"
)

// site makes a configuration to work on and one to be its peer.
func peerSites(t *testing.T) (here, there string) {
	t.Helper()
	here, there = t.TempDir(), t.TempDir()
	for _, dir := range []string{here, there} {
		if code, _, errs := call(t, "init", dir); code != 0 {
			t.Fatal(errs)
		}
	}
	return here, there
}

func TestPeers(t *testing.T) {
	here, there := peerSites(t)
	answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound) // not followed
	}))
	defer answering.Close()
	path := filepath.Join(here, "leasehold.yaml")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cert := there + "/keys/broker/certificate.pem"
	for _, c := range []cli{
		{"peer list", 0, "NAME", ""},
		{"peer add other", 2, "", "--role is missing; --url is missing; --certificate is missing"},
		{"peer add other --role king --url http://x.test/ --certificate " + cert, 2, "", "no role"},
		{"peer add other --role broker --url ftp://x.test/ --certificate " + cert, 2, "", "url"},
		{"peer add other --role broker --url http://x.test/ --allow dance --certificate " + cert, 2, "", "there are: claim, ticket"},
		{"peer add other --role broker --url http://x.test/ --certificate " + here + "/none", 1, "", "none"},
		{"peer add other --role broker --url " + answering.URL + "/orca/services/other --allow updateTicket --certificate " + cert, 0, "fingerprint", ""},
		{"peer add other --role broker --url http://x.test/ --certificate " + cert, 5, "", "already"},
		{"config check", 0, "nothing is wrong", ""},
		{"peer list", 0, "updateTicket", ""},
		{"peer probe other", 0, "302", ""},
		{"peer probe nobody", 3, "", "no peer"},
		{"key list", 0, "other", ""},
		{"key show other", 0, "BEGIN CERTIFICATE", ""},
		{"key show nobody", 3, "", "nobody of that name"},
		{"peer add third --role manager --url http://127.0.0.1:1/ --certificate " + there + "/keys/manager/certificate.pem", 0, "all of its role", ""},
		{"peer probe third --timeout 2s", 7, "problem", "refused"},
		{"peer remove third", 0, "removed", ""},
		{"peer remove third", 3, "", "no peer"},
	} {
		c.args += " --config " + path
		c.run(t)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(before), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") && !strings.Contains(string(after), line+"\n") {
			t.Errorf("comment lost: %s", line)
		}
	}
	if info, err := os.Stat(path); err != nil || len(after) <= len(before) {
		t.Errorf("%v %v", info, err)
	}
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	out := cli{"peer list --json --config " + path, 0, "", ""}.run(t)
	var list []struct {
		Name, Role, Profile string
		Allow               []string
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 || list[0].Role != "broker" || list[0].Profile != "strict" || len(list[0].Allow) != 1 {
		t.Errorf("%v: %+v", err, list)
	}
	// Another certificate under a name that has one: nothing is overwritten.
	cli{"peer remove other --config " + path, 0, "removed", ""}.run(t)
	cli{"peer add other --role manager --url http://x.test/ --certificate " + there + "/keys/manager/certificate.pem --config " + path, 5, "", "another certificate"}.run(t)
}

func TestKeys(t *testing.T) {
	here, there := peerSites(t)
	identity := there + "/keys/broker/identity.pem"
	to := filepath.Join(here, "imported")
	open := filepath.Join(here, "open.pem")
	data, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cli{
		{"key import " + identity, 2, "", "--to"},
		{"key import " + open + " --to " + to, 1, "", "open to others"},
		{"key import " + there + "/none --to " + to, 1, "", "none"},
		{"key import testdata/site.der --to " + to, 1, "", "site.der"},
		{"key import " + identity + " --to " + to, 0, "ECDSA P-256", ""},
		{"key import " + identity + " --to " + to, 0, "ECDSA P-256", ""},
		{"key import " + there + "/keys/site/identity.pem --to " + to, 5, "", "--replace"},
		{"key import " + there + "/keys/site/identity.pem --replace --to " + to, 0, "here", ""},
		{"key show " + to, 0, "site", ""},
		{"key show testdata/site.der", 0, "RSA 1024", ""},
		{"key show testdata/site.der --json", 0, `"private":false`, ""},
		{"key show testdata/sharp-sm.xml", 1, "", "sharp-sm.xml"},
		{"key list --config " + here + "/leasehold.yaml --json", 0, `"role":"authority"`, ""},
	} {
		c.run(t)
	}
}

// What a peer's policy can hold is set with flags, kept, shown, and refused all at
// once when it cannot be.
func TestPeerPolicies(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	for _, dir := range []string{here, there} {
		if code, _, errs := call(t, "init", dir, "--key", "rsa-2048"); code != 0 {
			t.Fatal(errs)
		}
	}
	path := filepath.Join(here, "leasehold.yaml")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	add := func(more string) string {
		return "peer add other --role broker --url http://x.test/ --config " + path + " --certificate " + there + "/keys/broker/certificate.pem " + more
	}
	for _, c := range []cli{
		{add("--signatures rsa-sha1,hmac-sha1 --digests md5 --tokens x --min-rsa-bits 512 --mutual --mtom --any-case-guid --final-confirmation --expired-until soon"), 2, "",
			`--signatures knows no "hmac-sha1"; there are: rsa-sha1, rsa-sha256, rsa-sha512, dsa-sha1, ecdsa-sha256; --digests knows no "md5"; there are: sha1, sha256, sha512; ` +
				`--tokens knows no "x"; there are: direct, issuer-serial, ski, thumbprint, certificate, str-transform; --expired-until "soon" is no RFC 3339 time such as 2030-01-31T12:00:00Z; ` +
				`--signatures: profile strict does not take signatures rsa-sha1; --min-rsa-bits: profile strict takes no RSA keys of less than 2048 bits; ` +
				`--mutual: only profile legacy-strong can be mutual; --mtom: is for the legacy profiles, not for strict; ` +
				`--any-case-guid: is for the legacy profiles, not for strict; --final-confirmation: is for the legacy profiles, not for strict`},
		{add("--profile odd"), 2, "", `--profile knows no "odd"; there are: strict, legacy, legacy-strong`},
		{add("--signatures ecdsa-sha256"), 2, "", "no signature allowed here is made with a *rsa.PublicKey"},
		{add("--min-rsa-bits 3072"), 2, "", "RSA of 2048 bits, at least 3072 are asked"},
		{add("--certificate " + there + "/keys/manager/certificate.pem"), 2, "", "was made out to"},
	} {
		c.run(t)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("a refused peer changed the configuration: %v", err)
	}
	if _, err := os.Stat(filepath.Join(here, "peers/other.pem")); err == nil {
		t.Error("a refused peer left its certificate")
	}

	const flags = "--profile legacy-strong --signatures rsa-sha256,dsa-sha1 --digests sha256 --tokens direct,ski --min-rsa-bits 2048 --mutual " +
		"--mtom --any-case-guid --final-confirmation --expired-until 2030-01-31T12:00:00+01:00"
	cli{add(flags), 0, "legacy-strong signatures=rsa-sha256,dsa-sha1 digests=sha256 tokens=direct,ski min-rsa-bits=2048 " +
		"expired-until=2030-01-31T11:00:00Z mutual mtom any-case-guid final-confirmation", ""}.run(t)
	cli{"config check --config " + path, 0, "nothing is wrong", ""}.run(t)
	cli{"peer list --config " + path, 0, "any-case-guid final-confirmation", ""}.run(t)
	var list []map[string]any
	if err := json.Unmarshal([]byte(cli{"peer list --json --config " + path, 0, "", ""}.run(t)), &list); err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"profile": "legacy-strong", "signatures": []any{"rsa-sha256", "dsa-sha1"}, "digests": []any{"sha256"}, "tokens": []any{"direct", "ski"},
		"minRSABits": 2048., "mutual": true, "mtom": true, "anyCaseGUID": true, "finalConfirmation": true, "expiredUntil": "2030-01-31T11:00:00Z",
	} {
		if !reflect.DeepEqual(list[0][key], want) {
			t.Errorf("%s: %v", key, list[0][key])
		}
	}
}

// While a peer changes its key it has two.
func TestPeerPin(t *testing.T) {
	here, there := peerSites(t)
	path := filepath.Join(here, "leasehold.yaml")
	config := " --config " + path
	next, err := keys.Load(there + "/keys/broker")
	if err != nil {
		t.Fatal(err)
	}
	if next, err = keys.Generate(rand.Reader, next.GUID, "broker", keys.ECDSAP256, time.Now().Truncate(time.Second), time.Now().AddDate(0, 0, 10).Truncate(time.Second)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(there, "next.pem")
	if err := os.WriteFile(file, keys.CertificatePEM(next.Cert), 0o600); err != nil {
		t.Fatal(err)
	}
	one := "peer add other --role broker --url http://x.test/ --certificate " + there + "/keys/broker/certificate.pem"
	var old struct{ Fingerprint string }
	if err := json.Unmarshal([]byte(cli{"key show --json " + there + "/keys/broker", 0, "", ""}.run(t)), &old); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cli{
		{one, 0, "added", ""},
		{"peer pin other", 2, "", "--certificate"},
		{"peer pin nobody --certificate " + file, 3, "", "no peer"},
		{"peer pin other --certificate " + there + "/keys/broker/certificate.pem", 5, "", "already"},
		{"peer pin other --certificate " + there + "/keys/site/certificate.pem", 2, "", "was made out to"},
		{"peer pin other --certificate " + here + "/keys/site/certificate.pem", 2, "", "was made out to"},
		{"peer pin other --certificate " + file, 0, "expires in 9 days", ""},
		{"peer list", 0, "expires in 9 days", ""},
		{"config check", 0, "warning: peers[0].certificate[1]: the certificate expires in 9 days", ""},
		{"key list", 0, "peers/other-2.pem", ""},
		{"peer unpin other", 2, "", "--fingerprint"},
		{"peer unpin other --fingerprint 00:11:22:33", 3, "", "no key"},
		{"peer unpin other --fingerprint " + old.Fingerprint[:11], 0, "has lost a key", ""},
		{"peer unpin other --fingerprint " + keys.Fingerprint(next.Cert), 5, "", "only key"},
		{"peer pin other --certificate " + there + "/keys/broker/certificate.pem", 0, "has another key", ""},
		{"peer remove other", 0, "removed", ""},
		{one + " --certificate " + file, 0, "added", ""},
		{"peer list --json", 0, keys.Fingerprint(next.Cert), ""},
		{"config check", 0, "nothing is wrong", ""},
	} {
		c.args += config
		c.run(t)
	}
}

// Key stores of deployed actors, in all the forms they come in.
func TestImportStores(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	read := func(name string) []byte {
		data, err := os.ReadFile("../../wssec/keys/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	two, one := put("two", []byte("clientkeystorepass\nclientkeypass\n")), put("one", []byte("secret"))
	many, open := put("many", []byte("a\nb\nc\n")), put("open", []byte("secret"))
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	jks := put("actor.jks", read("actor.jks"))
	const guid, peer = "46AEA103-1185-4E69-8AFA-53194582F5A9", "22222222-2222-4222-8222-222222222222"
	found := filepath.Join(dir, "found")
	for _, c := range []cli{
		{jks + " --to " + dir + "/x", 1, "", "wrong password"},
		{jks + " --password-file " + many + " --to " + dir + "/x", 2, "", "3 lines"},
		{jks + " --password-file " + open + " --to " + dir + "/x", 1, "", "open to others"},
		{jks + " --password-file " + two + " --to " + dir + "/jks --peers " + found, 0, peer + ".pem", ""},
		{jks + " --password-file " + two + " --to " + dir + "/jks --peers " + found + " --json", 0, `"guid":"` + guid + `"`, ""},
		{put("a.p12", read("keytool.p12")) + " --password-file " + one + " --to " + dir + "/p12", 0, "RSA", ""},
		{put("b.p12", read("openssl.p12")) + " --password-file " + one + " --to " + dir + "/p12", 0, guid, ""},
		{put("c.pem", read("encrypted.pem")) + " --password-file " + one + " --to " + dir + "/pem", 0, guid, ""},
		{put("d.pem", read("only-certificate.pem")) + " --to " + dir + "/x", 1, "", "0 keys in it"},
	} {
		c.args = "key import " + c.args
		c.run(t)
	}
	if err := os.Chmod(dir+"/p12/identity.pem", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cli{ // a key that others could read is not written over without a word
		{"key import " + dir + "/c.pem --password-file " + one + " --to " + dir + "/p12", 5, "", "cannot be read; give --replace"},
		{"key import " + dir + "/c.pem --password-file " + one + " --replace --to " + dir + "/p12", 0, guid, ""},
	} {
		c.run(t)
	}
	cli{"key show " + dir + "/jks", 0, guid, ""}.run(t)
	cli{"key show " + found + "/" + peer + ".pem", 0, peer, ""}.run(t)
	if _, err := os.Stat(dir + "/x"); err == nil {
		t.Error("a refused import left something")
	}
	put("found/"+peer+".pem", []byte("something else"))
	cli{"key import " + jks + " --password-file " + two + " --to " + dir + "/jks --peers " + found, 5, "", "another certificate"}.run(t)
}
