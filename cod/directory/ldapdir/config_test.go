package ldapdir

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/ldapschema"
)

// TestAssertionIsCritical: a server that does not know the control must not write
// as if it had not been there.
func TestAssertionIsCritical(t *testing.T) {
	t.Parallel()
	controls, err := assertControls(ldapschema.Change{Assert: "(cn=a)"})
	if err != nil || len(controls) != 1 || controls[0].GetControlType() != "1.3.6.1.1.12" {
		t.Fatal(controls, err)
	}
	p := controls[0].Encode()
	if len(p.Children) != 3 || p.Children[1].Value != true {
		t.Errorf("criticality: %v", p.Children[1].Value)
	}
	inside, err := ber.DecodePacketErr(p.Children[2].Data.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := ldap.DecompileFilter(inside); err != nil || text != "(cn=a)" {
		t.Errorf("filter: %q %v", text, err)
	}
	if _, err := assertControls(ldapschema.Change{Assert: "cn=a"}); err == nil {
		t.Error("a bad filter was accepted")
	}
	if controls, err := assertControls(ldapschema.Change{}); controls != nil || err != nil {
		t.Error("a control out of nothing")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  Config
		addr string // "" when refused
	}{
		{"plain", Config{URL: "ldap://dir.test"}, "dir.test:389"},
		{"secure", Config{URL: "ldaps://dir.test/"}, "dir.test:636"},
		{"port", Config{URL: "ldap://127.0.0.1:3890", BindDN: "cn=a", Password: "x"}, "127.0.0.1:3890"},
		{"IPv6", Config{URL: "ldap://[::1]:3890", BindDN: "cn=a", Password: "x"}, "[::1]:3890"},
		{"StartTLS", Config{URL: "ldap://dir.test", StartTLS: true, BindDN: "cn=a", Password: "x"}, "dir.test:389"},
		{"allowed", Config{URL: "ldap://dir.test", Plain: true, BindDN: "cn=a", Password: "x"}, "dir.test:389"},
		{"password in the clear", Config{URL: "ldap://dir.test", BindDN: "cn=a", Password: "x"}, ""},
		{"no host", Config{URL: "ldap://"}, ""},
		{"other scheme", Config{URL: "http://dir.test"}, ""},
		{"no URL", Config{URL: "://"}, ""},
		{"search URL", Config{URL: "ldap://dir.test/dc=site?uid"}, ""},
		{"user in URL", Config{URL: "ldap://cn=a:x@dir.test"}, ""},
		{"both", Config{URL: "ldaps://dir.test", StartTLS: true}, ""},
		{"no password", Config{URL: "ldap://dir.test", BindDN: "cn=a"}, ""},
		{"no name", Config{URL: "ldaps://dir.test", Password: "x"}, ""},
		{"bad name", Config{URL: "ldaps://dir.test", BindDN: "a", Password: "x"}, ""},
	} {
		cfg, target, err := c.cfg.check()
		if (err == nil) != (c.addr != "") || err == nil && target.addr != c.addr {
			t.Errorf("%s: %q, %v", c.name, target.addr, err)
		}
		if err == nil && (cfg.Connections == 0 || cfg.Timeout == 0 || cfg.Idle == 0 || cfg.Page == 0) {
			t.Errorf("%s: no defaults: %+v", c.name, cfg)
		}
	}
}
