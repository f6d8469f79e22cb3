package guest_test

import (
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cod/guest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func config() guest.Config {
	return guest.Config{
		Servers: []string{"ldap://10.0.0.1", "ldap://10.0.0.2"}, Cluster: "ou=alpha,ou=slices,dc=site,dc=test",
		BindDN: "cn=node,ou=alpha,ou=slices,dc=site,dc=test", Password: `a "<b>&'c`, StartTLS: true, CA: "/etc/ssl/certs/site.pem",
	}
}

// TestFiles pins the files. That programs understand them is shown by conformance/site.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := guest.Files(config())
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range files {
		if f.Path != guest.KeysCommand {
			fmt.Fprintf(&got, "==== %s %04o\n%s", f.Path, f.Mode, f.Content)
		}
		if strings.Contains(f.Content, "&'c") && f.Mode&0o077 != 0 {
			t.Errorf("%s has the password and mode %04o", f.Path, f.Mode)
		}
	}
	const golden = "testdata/files.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the files are\n%s", got.String())
	}
	var auth struct {
		Secret string `xml:"secret,attr"`
	}
	if err := xml.Unmarshal([]byte(files[1].Content), &auth); err != nil || auth.Secret != config().Password {
		t.Errorf("autofs reads the password %q, %v", auth.Secret, err)
	}
	c := config()
	c.BindDN, c.StartTLS = "", false
	if files, err = guest.Files(c); err != nil || strings.Contains(files[1].Content, "secret") || strings.Contains(files[2].Content, "bindpw") {
		t.Errorf("without a name to bind as: %v\n%s\n%s", err, files[1].Content, files[2].Content)
	}
}

// TestRefused: nothing becomes a second line, or something else than it is.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*guest.Config){
		"no server":            func(c *guest.Config) { c.Servers = nil },
		"another protocol":     func(c *guest.Config) { c.Servers = []string{"http://x"} },
		"two in one":           func(c *guest.Config) { c.Servers = []string{"ldap://x ldap://y"} },
		"a line more":          func(c *guest.Config) { c.Password = "x\nuid root" },
		"a quotation mark":     func(c *guest.Config) { c.Cluster = `ou=a"b,dc=x` },
		"no entry":             func(c *guest.Config) { c.Cluster = "alpha" },
		"nothing":              func(c *guest.Config) { c.Cluster = "" },
		"a line in an entry":   func(c *guest.Config) { c.BindDN = "cn=x\nbase dc=y" },
		"a blank at the end":   func(c *guest.Config) { c.Password = "x " },
		"a line in a file":     func(c *guest.Config) { c.CA = "/x\n" },
		"a line in a server":   func(c *guest.Config) { c.Servers = []string{"ldap://x\n"} },
		"a server's quotation": func(c *guest.Config) { c.Servers = []string{`ldap://x"`} },
	} {
		c := config()
		change(&c)
		if files, err := guest.Files(c); err == nil {
			t.Errorf("%s: %v", name, files)
		}
	}
}
