package cod

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

func TestHostLabel(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"web": "web", "Web Servers": "web-servers", "--a--b--": "a-b", "ünïcode": "n-code", "日本": "", "": "",
		"a,dc=evil": "a-dc-evil", "a;\nfilename \"x\"": "a-filename-x", "a.b.c": "a-b-c", "-": "", "a\x00b": "a-b",
		strings.Repeat("x", 100): strings.Repeat("x", 40), strings.Repeat("a ", 60): strings.Repeat("a-", 19) + "a",
		strings.Repeat("x", 39) + " y": strings.Repeat("x", 39) + "-",
	} {
		want = strings.TrimRight(want, "-")
		if got := hostLabel(in, 40); got != want {
			t.Errorf("hostLabel(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSliceLabel(t *testing.T) {
	t.Parallel()
	a, b := sliceLabel(actors.Slice{ID: "1", Name: "日本"}), sliceLabel(actors.Slice{ID: "2", Name: "日本"})
	if a == b || !strings.HasPrefix(a, "slice-") || hostLabel(a, 63) != a {
		t.Errorf("%q, %q", a, b)
	}
}

// TestPrefixesNeverMeet: names of different ids differ, whatever the prefixes.
func TestPrefixesNeverMeet(t *testing.T) {
	t.Parallel()
	names := map[string]int{}
	for _, wanted := range []string{"", "a", "a1", "a11", "a-1", "a-", "1", "11", "a1-", "n", "n1", "web-1-"} {
		for id := 1; id < 300; id++ {
			name := hostPrefix(wanted, "web") + itoa(id)
			if other, ok := names[name]; ok && other != id {
				t.Fatalf("%q is the name of %d and of %d", name, other, id)
			}
			names[name] = id
			if hostLabel(name, 63) != name || name[0] < 'a' {
				t.Fatalf("%q is no host name", name)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, in := range []string{"", "a", " a", "a ", "a\nb", "a\x00", "\xff", strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("x", 130), "é", "a*b)(c"} {
		out := plain(in)
		if other, ok := seen[out]; ok {
			t.Errorf("%q and %q are both %q", in, other, out)
		}
		seen[out] = in
		if out == "" || len(out) > 128 || strings.TrimSpace(out) != out || strings.ContainsAny(out, "\n\x00") {
			t.Errorf("plain(%q) = %q", in, out)
		}
	}
	if plain("uid-1") != "uid-1" {
		t.Error("a plain identity was changed")
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\n\tb  c": "a b c", "日本語": "日本", "\xff\x00x": "x", "": "", "1234567": "123456",
	} {
		if got := clip(in, 6); got != want {
			t.Errorf("clip(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		p    actors.Properties
		want []string
	}{
		{"none", nil, nil},
		{"one", actors.Properties{"config.ssh.user1.login": "Ada"}, []string{"ada"}},
		{"listed", actors.Properties{"config.ssh.numlogins": "2, 1,,x,2", "config.ssh.user1.login": "ada", "config.ssh.user2.login": "bob"}, []string{"bob", "ada"}},
		{"admin", actors.Properties{"admin.key": "ssh-ed25519 AAAA"}, []string{"admin"}},
		{"of the system", actors.Properties{"config.ssh.user1.login": "root"}, nil},
		{"hostile", actors.Properties{"config.ssh.user1.login": "a,dc=x"}, nil},
		{"two lines", actors.Properties{"config.ssh.user1.login": "a\nroot:x:0:0"}, nil},
		{"a digit first", actors.Properties{"config.ssh.user1.login": "1a"}, nil},
		{"long", actors.Properties{"config.ssh.user1.login": strings.Repeat("a", 33)}, nil},
	} {
		var got []string
		for _, a := range logins(c.p) {
			got = append(got, a.login)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	many := actors.Properties{"config.ssh.numlogins": ""}
	for n := range 200 {
		many["config.ssh.numlogins"] += fmt.Sprint(n, ",")
		many[fmt.Sprint("config.ssh.user", n, ".login")] = fmt.Sprint("u", n)
	}
	if got := logins(many); len(got) != maxAccounts {
		t.Errorf("%d logins", len(got))
	}
}

// keyA and keyB are public keys.
const (
	keyA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
	keyB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
)

func TestPublicKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"none", "", ""},
		{"two lines", keyA + " ada@home\n\n" + keyB + "\r\n", keyA + " ada@home|" + keyB},
		{"twice", keyA + "\n" + keyA, keyA},
		{"a comment of many words and signs", keyA + " a  b\x1b[1m ä", keyA + " a b?[1m ?"},
		{"options", `command="evil" ` + keyA, ""},
		{"another algorithm", strings.Replace(keyA, "ed25519", "dss", 1), ""},
		{"the blob of another algorithm", strings.Replace(keyA, "ssh-ed25519", "ssh-rsa", 1), ""},
		{"cut off", keyA[:20], ""},
		{"no base64", "ssh-ed25519 AAAA$$$$", ""},
		{"endless", "ssh-ed25519 " + strings.Repeat("A", 9000), ""},
		{"an account's other line", "root:x:0:0", ""},
	} {
		if got := strings.Join(publicKeys(c.text), "|"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	// A modify says anew which keys log in; another kind of modify says nothing.
	p := actors.Properties{
		"config.ssh.user1.login": "ada", "config.ssh.user1.keys": keyA,
		"modify.subcommand.1": "modify.ssh", "modify.1.config.ssh.user1.login": "ada", "modify.1.config.ssh.user1.keys": keyB,
		"modify.subcommand.2": "modify.restart", "modify.2.config.ssh.user1.login": "ada", "modify.2.config.ssh.user1.keys": keyA,
	}
	if got := logins(p); len(got) != 1 || !slices.Equal(got[0].keys, []string{keyB}) {
		t.Errorf("after a modify: %+v", got)
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"52:54:00:99:00:01": "52:54:00:99:00:01", " 52-54-00-AB-cd-01 ": "52:54:00:ab:cd:01",
		"01:00:5e:00:00:01": "", "ff:ff:ff:ff:ff:ff": "", "00:00:00:00:00:00": "", "52:54:00:99:00": "", "": "",
		"52:54:00:99:00:01; filename \"x\"": "",
	} {
		mac, ok := readMAC(in)
		if ok != (want != "") || ok && mac.String() != want {
			t.Errorf("readMAC(%q) = %v, %v", in, mac, ok)
		}
	}
	a, b := deriveMAC("host", "h1"), deriveMAC("host", "h2")
	if a == b || a != deriveMAC("host", "h1") || a[0]&3 != 2 {
		t.Errorf("%v, %v", a, b)
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		network string
		bits, n int
		block   string
		zone    string
		name    string // of the block's first node in the zone
	}{
		{"10.99.0.0/16", 24, 16, "10.99.16.0/24", "99.10.in-addr.arpa", "1.16"},
		{"10.0.0.0/8", 24, 65535, "10.255.255.0/24", "10.in-addr.arpa", "1.255.255"},
		{"192.168.4.0/22", 26, 5, "192.168.5.64/26", "168.192.in-addr.arpa", "65.5"},
		{"192.0.2.0/24", 28, 15, "192.0.2.240/28", "2.0.192.in-addr.arpa", "241"},
	} {
		network := netip.MustParsePrefix(c.network)
		b := block(network, c.bits, c.n)
		if b.String() != c.block || !network.Overlaps(b) {
			t.Errorf("%s: block %v", c.network, b)
		}
		if z := reverseZone(network); z != c.zone {
			t.Errorf("%s: zone %s", c.network, z)
		}
		name, err := ldapschema.ReverseName(offset(b.Addr(), 1), c.zone)
		if err != nil || name != c.name {
			t.Errorf("%s: name %s, %v", c.network, name, err)
		}
		if !b.Contains(offset(b.Addr(), lastID(c.bits))) || b.Contains(offset(b.Addr(), lastID(c.bits)+2)) {
			t.Errorf("%s: the last id is %d", c.network, lastID(c.bits))
		}
	}
	if netmask(16) != "255.255.0.0" || netmask(27) != "255.255.255.224" || netmask(0) != "0.0.0.0" || netmask(32) != "255.255.255.255" {
		t.Error("netmask")
	}
}

func TestConfigChecked(t *testing.T) {
	t.Parallel()
	good := Config{Owner: "site1", Base: "dc=site,dc=test", Domain: "site.test", Network: netip.MustParsePrefix("10.99.0.0/16")}
	if c, err := good.checked(); err != nil || c.BlockBits != 24 || c.Gateway.String() != "10.99.0.1" {
		t.Errorf("%+v, %v", c, err)
	}
	for name, change := range map[string]func(*Config){
		"no owner":             func(c *Config) { c.Owner = "" },
		"owner of two lines":   func(c *Config) { c.Owner = "a\nb" },
		"no base":              func(c *Config) { c.Base = "" },
		"base":                 func(c *Config) { c.Base = "site" },
		"no domain":            func(c *Config) { c.Domain = "" },
		"domain":               func(c *Config) { c.Domain = "site..test" },
		"long domain":          func(c *Config) { c.Domain = strings.Repeat("abcdefg.", 20) + "test" },
		"no network":           func(c *Config) { c.Network = netip.Prefix{} },
		"host bits":            func(c *Config) { c.Network = netip.MustParsePrefix("10.99.0.1/16") },
		"IPv6":                 func(c *Config) { c.Network = netip.MustParsePrefix("fd00::/16") },
		"one block only":       func(c *Config) { c.BlockBits = 16 },
		"blocks without nodes": func(c *Config) { c.BlockBits = 31 },
		"gateway of others":    func(c *Config) { c.Gateway = netip.MustParseAddr("10.98.0.1") },
		"gateway in a block":   func(c *Config) { c.Gateway = netip.MustParseAddr("10.99.1.1") },
		"boot file":            func(c *Config) { c.BootFile = `x"; option` },
		"boot file for UEFI":   func(c *Config) { c.BootFile, c.BootFileUEFI = "x", "y;" },
		"UEFI alone":           func(c *Config) { c.BootFileUEFI = "y" },
		"system numbers":       func(c *Config) { c.UIDs = Range{0, 10} },
		"empty range":          func(c *Config) { c.GIDs = Range{5000, 4000} },
		"negative":             func(c *Config) { c.TTL = -1 },
		"pauses":               func(c *Config) { c.RetryFirst, c.RetryMost = 1000, 100 },
	} {
		c := good
		change(&c)
		if _, err := c.checked(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	t.Parallel()
	g := newMemory(3)
	for n := range 10 {
		for range 2 {
			g.keep(actors.UnitID(fmt.Sprint("u", n)), actors.ActionDone{Sequence: n})
		}
	}
	for n := range 10 {
		d, ok := g.find(actors.UnitID(fmt.Sprint("u", n)))
		if ok != (n >= 7) || ok && d.Sequence != n {
			t.Errorf("u%d: %+v, %v", n, d, ok)
		}
	}
}

// TestGuestsChecked: a secret that could be guessed, or that leads nowhere, is refused.
func TestGuestsChecked(t *testing.T) {
	t.Parallel()
	long := []byte(strings.Repeat("s", 32))
	for _, g := range []Guests{{Secret: long}, {URLs: []string{"ldap://h"}}, {URLs: []string{"ldap://h"}, Secret: long[:31]},
		{URLs: []string{"http://h"}, Secret: long}, {URLs: []string{"ldap://h x"}, Secret: long}, {URLs: []string{"ldap://h\n"}, Secret: long}} {
		if g.check() == nil {
			t.Errorf("%+v was accepted", g)
		}
	}
	g := Guests{URLs: []string{"ldap://h"}, Secret: long}
	if err := errors.Join(g.check(), Guests{}.check()); err != nil {
		t.Error(err)
	}
	a, b := &cluster{key: "1", label: "web"}, &cluster{key: "2", label: "web"}
	if g.password(a) == g.password(b) || g.password(a) != g.password(a) || !strings.HasPrefix(g.stored(a), "{SSHA}") {
		t.Error("passwords do not follow from the cluster")
	}
}

// TestPublicChecked: a pool that nodes or routers could not tell from the site's network,
// or from itself, is refused.
func TestPublicChecked(t *testing.T) {
	t.Parallel()
	network := netip.MustParsePrefix("10.99.0.0/16")
	for _, pool := range []string{"10.99.3.0/24", "10.0.0.0/8", "192.0.2.1/28", "2001:db8::/64", "192.0.2.0/28 192.0.2.8/29", "172.16.0.0/12"} {
		var list []netip.Prefix
		for p := range strings.FieldsSeq(pool) {
			list = append(list, netip.MustParsePrefix(p))
		}
		if checkPublic(network, list) == nil {
			t.Errorf("%s was accepted", pool)
		}
	}
	if err := checkPublic(network, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("198.51.100.7/32")}); err != nil {
		t.Error(err)
	}
}
