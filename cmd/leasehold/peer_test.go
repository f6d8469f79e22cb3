package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		{"peer add other", 2, "", "needs --"},
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
