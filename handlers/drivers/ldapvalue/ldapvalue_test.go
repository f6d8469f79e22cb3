package ldapvalue_test

import (
	"context"
	"crypto/tls"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/ldapvalue"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
)

// group starts slapd with a group in it.
func group(t *testing.T) (s *setup.Slapd, p handlers.Params, members func() []string) {
	t.Helper()
	s = setup.StartSlapd(t)
	c, err := ldap.DialURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Bind(string(s.BindDN), s.Password); err != nil {
		t.Fatal(err)
	}
	base := string(s.Base)
	r := ldap.NewAddRequest(base, nil)
	r.Attribute("objectClass", []string{"dcObject", "organization"})
	r.Attribute("dc", []string{"site"})
	r.Attribute("o", []string{"site"})
	if err := c.Add(r); err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
		t.Fatal(err)
	}
	dn := "cn=users," + base
	r = ldap.NewAddRequest(dn, nil)
	r.Attribute("objectClass", []string{"posixGroup"})
	r.Attribute("cn", []string{"users"})
	r.Attribute("gidNumber", []string{"100"})
	r.Attribute("memberUid", []string{"somebody"})
	if err := c.Add(r); err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/password"
	if err := os.WriteFile(file, []byte(s.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p = handlers.Params{ldapvalue.URL: s.URL, ldapvalue.Bind: string(s.BindDN), ldapvalue.PasswordFile: file,
		ldapvalue.Entry: dn, ldapvalue.Attribute: "memberUid", ldapvalue.Value: "ada"}
	return s, p, func() []string {
		t.Helper()
		got, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"memberUid"}, nil))
		if err != nil || len(got.Entries) != 1 {
			t.Fatal(got, err)
		}
		return got.Entries[0].GetAttributeValues("memberUid")
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	s, p, members := group(t)
	d := ldapvalue.Driver{TLS: &tls.Config{RootCAs: s.Roots}, Timeout: time.Minute}
	for _, secure := range []string{"false", "true"} {
		p[ldapvalue.StartTLS] = secure
		drivertest.Run(t, func(t *testing.T) drivertest.World {
			if _, err := d.Teardown(t.Context(), run.Nowhere{}, p); err != nil {
				t.Fatal(err)
			}
			return drivertest.World{Driver: d, Params: p,
				Up:    func() bool { return strings.Join(members(), " ") == "somebody ada" },
				Clean: func() bool { return strings.Join(members(), " ") == "somebody" }}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	_, good, members := group(t)
	for says, change := range map[string][2]string{
		"ldap.value is missing": {ldapvalue.Value, ""},
		"no distinguished name": {ldapvalue.Entry, "users"},
		"No Such Object":        {ldapvalue.Entry, "cn=none," + good[ldapvalue.Entry]},
		"Undefined Attribute":   {ldapvalue.Attribute, "member-uid"},
		"Invalid Credentials":   {ldapvalue.Bind, "cn=nobody,dc=site,dc=test"},
		"no such file":          {ldapvalue.PasswordFile, "/none"},
		"connect":               {ldapvalue.URL, "ldap://127.0.0.1:1"},
		"unknown authority":     {ldapvalue.StartTLS, "true"},
	} {
		p := handlers.Params{}
		for k, v := range good {
			p[k] = v
		}
		p[change[0]] = change[1]
		if _, err := (ldapvalue.Driver{Timeout: time.Minute}).Setup(t.Context(), run.Nowhere{}, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", change, err, says)
		}
	}
	p := handlers.Params{}
	for k, v := range good {
		p[k] = v
	}
	p[ldapvalue.Entry] = "cn=none," + good[ldapvalue.Entry]
	if r, err := (ldapvalue.Driver{}).Teardown(context.Background(), run.Nowhere{}, p); err != nil || !r.Done {
		t.Error(r, err)
	}
	if got := strings.Join(members(), " "); got != "somebody" {
		t.Error(got)
	}
	if _, err := handlers.NewCatalogue(ldapvalue.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}
