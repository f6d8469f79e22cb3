package main

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestNodeKeys: the host keys that a directory tells are lines that ssh reads, under all
// names of their nodes.
func TestNodeKeys(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	laid(t, s)
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, []byte(s.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := ldapdir.Open(ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	add := func(e ldapschema.Entry, err error) {
		t.Helper()
		if err == nil {
			err = d.Apply(t.Context(), ldapschema.AddEntry(e))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	slices := cod.SlicesDN(s.Base)
	add(ldapschema.VirtualCluster(slices, ldapschema.Cluster{Name: "web", HostPrefix: "web", Network: netip.MustParsePrefix("10.99.1.0/24"), Mark: ldapschema.Mark{Owner: "site1", Slice: "s1"}}))
	hosts := slices.Child("ou", "web").Child("ou", "hosts")
	add(ldapschema.OrganizationalUnit(slices.Child("ou", "web"), "hosts", ""))
	for i, k := range []string{key, ""} {
		name := []string{"web1", "web2"}[i]
		add(ldapschema.HostEntry(hosts, ldapschema.Host{Name: name, Aliases: []string{name + ".web.site.test"}, IP: netip.AddrFrom4([4]byte{10, 99, 1, byte(i + 1)}), NodeID: i + 1,
			State: "up", HostKey: k, Mark: ldapschema.Mark{Owner: "site1", Slice: "s1"}}))
	}
	args := []string{"cod", "node", "keys", "--directory", s.URL + "/" + string(s.Base), "--bind-dn", string(s.BindDN), "--password-file", secret}
	for _, more := range [][]string{nil, {"web1"}} {
		code, out, errs := call(t, append(args, more...)...)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		_, names, read, _, rest, err := ssh.ParseKnownHosts([]byte(out))
		if err != nil || strings.TrimSpace(string(rest)) != "" || strings.TrimSpace(string(ssh.MarshalAuthorizedKey(read))) != key ||
			strings.Join(names, " ") != "web1.web.site.test web1 10.99.1.1" {
			t.Errorf("%v: %v\n%s", err, names, out)
		}
	}
	if code, _, errs := call(t, append(args, "web9")...); code != 3 {
		t.Errorf("a node that is not there: exit %d: %s", code, errs)
	}
	if code, out, _ := call(t, append(args, "--json")...); code != 0 || !strings.Contains(out, `"names"`) {
		t.Errorf("exit %d: %s", code, out)
	}
}
