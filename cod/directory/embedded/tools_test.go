package embedded_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/cod/directory/embedded"
	"github.com/leasehold/leasehold/conformance/setup"
)

// site is a small tree as an operator would load it, odd values included.
const site = `dn: dc=site,dc=test
objectClass: organization
objectClass: dcObject
o: a site
dc: site

dn: ou=hosts,dc=site,dc=test
objectClass: organizationalUnit
ou: hosts

dn: cn=a1,ou=hosts,dc=site,dc=test
objectClass: device
objectClass: ipHost
objectClass: ieee802Device
objectClass: codNode
cn: a1
cn: a1.site.test
ipHostNumber: 10.99.16.1
macAddress: 52:54:00:99:00:01
codSlice: slice-a
codNodeId: 7
description:: R3LDvMOfZQp6d2VpdGUgWmVpbGU=

dn: cn=a2\, spare,ou=hosts,dc=site,dc=test
objectClass: device
objectClass: ipHost
cn: a2, spare
ipHostNumber: 10.99.16.2

dn: uid=opal,dc=site,dc=test
objectClass: account
objectClass: simpleSecurityObject
uid: opal
userPassword: opals-secret
`

// A shell runs the OpenLDAP commands against one server.
type shell struct {
	*testing.T
	url string
}

func newShell(t *testing.T, change func(*embedded.Config)) shell {
	cfg := config(t)
	if change != nil {
		change(&cfg)
	}
	s := shell{t, start(t, cfg).URL()}
	s.root("ldapadd", site)
	return s
}

// run gives the command this input and these arguments and returns what it printed
// and its exit code, which is the LDAP result.
func (s shell) run(who []string, command, input string, args ...string) (string, int) {
	s.Helper()
	all := append([]string{"-x", "-H", s.url}, who...)
	cmd := exec.Command(setup.Tool(s, command), append(all, args...)...)
	cmd.Stdin = strings.NewReader(input)
	// Nothing of this machine's or user's own settings.
	cmd.Env = append(os.Environ(), "LDAPNOINIT=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	code := cmd.ProcessState.ExitCode()
	if code != 0 {
		s.Logf("%s %v: exit %d\n%s%s", command, args, code, out.String(), errs.String())
	}
	return out.String() + errs.String(), code
}

var asRoot = []string{"-D", rootDN, "-w", password}

func (s shell) root(command, input string, args ...string) string {
	s.Helper()
	out, code := s.run(asRoot, command, input, args...)
	if code != 0 {
		s.Fatalf("%s %v failed", command, args)
	}
	return out
}

// want runs a command as root that is to end with this LDAP result.
func (s shell) want(code int, command, input string, args ...string) string {
	s.Helper()
	out, got := s.run(asRoot, command, input, args...)
	if got != code {
		s.Errorf("%s %v: exit %d, want %d", command, args, got, code)
	}
	return out
}

// search prints entries as plain LDIF, unfolded.
func (s shell) search(args ...string) string {
	s.Helper()
	return s.root("ldapsearch", "", append([]string{"-LLL", "-o", "ldif-wrap=no"}, args...)...)
}

func (s shell) equal(got, want string) {
	s.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		s.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestToolSearch(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	hosts := []string{"-b", "ou=hosts,dc=site,dc=test"}
	s.equal(s.search("-b", "cn=a1,ou=hosts,dc=site,dc=test", "-s", "base"), `dn: cn=a1,ou=hosts,dc=site,dc=test
cn: a1
cn: a1.site.test
codNodeId: 7
codSlice: slice-a
description:: R3LDvMOfZQp6d2VpdGUgWmVpbGU=
ipHostNumber: 10.99.16.1
macAddress: 52:54:00:99:00:01
objectClass: device
objectClass: codNode
objectClass: ieee802Device
objectClass: ipHost`)
	for _, c := range []struct{ filter, names string }{
		{"(objectClass=*)", "ou=hosts,dc=site,dc=test|cn=a1,ou=hosts,dc=site,dc=test|cn=a2\\2C spare,ou=hosts,dc=site,dc=test"},
		{"(cn=A1)", "cn=a1,ou=hosts,dc=site,dc=test"},
		{"(commonName=a1)", "cn=a1,ou=hosts,dc=site,dc=test"},
		{"(name=hosts)", "ou=hosts,dc=site,dc=test"},
		{"(cn=a2,  SPARE)", "cn=a2\\2C spare,ou=hosts,dc=site,dc=test"},
		{"(cn=a*.site*t)", "cn=a1,ou=hosts,dc=site,dc=test"},
		{"(cn=*, s*)", "cn=a2\\2C spare,ou=hosts,dc=site,dc=test"},
		{"(&(objectClass=ipHost)(!(codNodeId=*)))", "cn=a2\\2C spare,ou=hosts,dc=site,dc=test"},
		{"(codNodeId>=7)", "cn=a1,ou=hosts,dc=site,dc=test"},
		{"(codNodeId>=8)", ""},
		{"(codNodeId<=10)", "cn=a1,ou=hosts,dc=site,dc=test"},
		{"(codNodeId=07)", ""},
		{"(|(macAddress=52:54:00:99:00:01)(ipHostNumber=10.99.16.2))", "cn=a1,ou=hosts,dc=site,dc=test|cn=a2\\2C spare,ou=hosts,dc=site,dc=test"},
		{"(cn~=A1)", "cn=a1,ou=hosts,dc=site,dc=test"},
		{"(&(cn=a1)(macAddress=52:54:00:99:00:01))", "cn=a1,ou=hosts,dc=site,dc=test"},
		{"(&(cn=a1)(macAddress=52:54:00:99:00:02))", ""},
		{"(&)", "ou=hosts,dc=site,dc=test|cn=a1,ou=hosts,dc=site,dc=test|cn=a2\\2C spare,ou=hosts,dc=site,dc=test"},
		{"(|)", ""},
		{"(noSuchAttribute=x)", ""},
		{"(!(noSuchAttribute=x))", ""},
		{"(hasSubordinates=TRUE)", "ou=hosts,dc=site,dc=test"},
		{"(entryDN=cn=A1, ou=hosts,dc=site,dc=test)", "cn=a1,ou=hosts,dc=site,dc=test"},
	} {
		var names []string
		for _, line := range strings.Split(s.search(append(hosts, c.filter, "1.1")...), "\n") {
			if dn, ok := strings.CutPrefix(line, "dn: "); ok {
				names = append(names, strings.ReplaceAll(dn, `\,`, `\2C`))
			}
		}
		if got := strings.Join(names, "|"); got != c.names {
			t.Errorf("%s found %q, want %q", c.filter, got, c.names)
		}
	}
	s.equal(s.search("-b", "dc=site,dc=test", "-s", "one", "(ou=*)", "ou"), "dn: ou=hosts,dc=site,dc=test\nou: hosts")
	s.equal(s.search("-b", "cn=a1,ou=hosts,dc=site,dc=test", "-A", "cn", "@ipHost"), "dn: cn=a1,ou=hosts,dc=site,dc=test\ncn:\ndescription:\nipHostNumber:\nobjectClass:")
	s.want(32, "ldapsearch", "", "-b", "ou=gone,ou=hosts,dc=site,dc=test")
	s.want(34, "ldapsearch", "", "-b", "nonsense")
	s.want(18, "ldapsearch", "", "-b", "dc=site,dc=test", "(cn:caseExactMatch:=a1)")
	s.want(4, "ldapsearch", "", "-b", "dc=site,dc=test", "-z", "2")
	s.want(0, "ldapsearch", "", "-b", "dc=site,dc=test", "-e", "!assert=(dc=site)")
	s.want(122, "ldapsearch", "", "-b", "dc=site,dc=test", "-e", "!assert=(dc=other)")
	// Pages of every size give the same entries as no pages at all.
	all := s.search("-b", "dc=site,dc=test", "(objectClass=*)", "cn")
	for _, size := range []string{"1", "2", "4", "5", "100"} {
		got := s.search("-b", "dc=site,dc=test", "-E", "pr="+size+"/noprompt", "(objectClass=*)", "cn")
		got = regexp.MustCompile(`(?m)^#.*\n|^pagedresults:.*\n`).ReplaceAllString(got, "")
		if a, b := strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(all), " "); a != b {
			t.Errorf("pages of %s:\n%s\nwant\n%s", size, a, b)
		}
	}
}

func TestToolOperational(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	dn := "cn=a1,ou=hosts,dc=site,dc=test"
	out := s.search("-b", dn, "-s", "base", "+")
	for _, want := range []string{
		`(?m)^createTimestamp: \d{14}Z$`, `(?m)^creatorsName: cn=admin,dc=site,dc=test$`,
		`(?m)^modifiersName: cn=admin,dc=site,dc=test$`, `(?m)^structuralObjectClass: device$`,
		`(?m)^entryCSN: \d{14}\.\d{6}Z#[0-9a-f]{6}#000#000000$`, `(?m)^hasSubordinates: FALSE$`,
		`(?m)^entryUUID: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		`(?m)^subschemaSubentry: cn=Subschema$`, `(?m)^entryDN: cn=a1,`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, "\ncn:") {
		t.Error("+ gave user attributes too")
	}
	attr := func(name string) string { return s.search("-b", dn, "-s", "base", name) }
	uuid, csn := attr("entryUUID"), attr("entryCSN")
	s.root("ldapmodify", "dn: "+dn+"\nchangetype: modify\nreplace: codState\ncodState: active\n")
	if attr("entryUUID") != uuid || attr("entryCSN") == csn {
		t.Error("a change keeps the UUID and renews the CSN")
	}
	// Optimistic writers assert the CSN they read.
	old := strings.TrimSpace(strings.SplitAfter(csn, "entryCSN: ")[1])
	s.want(122, "ldapmodify", "dn: "+dn+"\nchangetype: modify\nreplace: codState\ncodState: lost\n", "-e", "!assert=(entryCSN="+old+")")
	for _, change := range []string{"add: entryUUID\nentryUUID: 00000000-0000-0000-0000-000000000000", "replace: modifiersName\nmodifiersName: cn=x"} {
		s.want(19, "ldapmodify", "dn: "+dn+"\nchangetype: modify\n"+change+"\n")
	}
}

func TestToolWrites(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	dn := "cn=a1,ou=hosts,dc=site,dc=test"
	modify := func(change string, args ...string) string {
		return s.root("ldapmodify", "dn: "+dn+"\nchangetype: modify\n"+change+"\n", args...)
	}
	modify("add: cn\ncn: alias\ncn: other\n-\ndelete: cn\ncn: a1.site.test\n-\nreplace: codState\ncodState: active\n-\nincrement: codNodeId\ncodNodeId: 3\n-\ndelete: description")
	s.equal(s.search("-b", dn, "cn", "codState", "codNodeId", "description"), "dn: "+dn+"\ncn: a1\ncn: alias\ncn: other\ncodNodeId: 10\ncodState: active")
	out := modify("replace: codState\ncodState: closing", "-e", "!preread=codState,cn", "-e", "!postread=codState")
	for _, want := range []string{"codState: active", "cn: alias", "codState: closing"} {
		if !strings.Contains(out, want) {
			t.Errorf("pre-read and post-read lack %q:\n%s", want, out)
		}
	}
	s.want(20, "ldapmodify", "dn: "+dn+"\nchangetype: modify\nadd: cn\ncn: ALIAS\n")
	s.want(16, "ldapmodify", "dn: "+dn+"\nchangetype: modify\ndelete: cn\ncn: nobody\n")
	s.want(65, "ldapmodify", "dn: "+dn+"\nchangetype: modify\ndelete: ipHostNumber\n")
	s.want(21, "ldapmodify", "dn: "+dn+"\nchangetype: modify\nreplace: ipHostNumber\nipHostNumber: 10.99.300.1\n")
	s.want(17, "ldapmodify", "dn: "+dn+"\nchangetype: modify\nadd: noSuch\nnoSuch: x\n")
	s.want(69, "ldapmodify", "dn: "+dn+"\nchangetype: modify\ndelete: objectClass\nobjectClass: device\n-\nadd: objectClass\nobjectClass: applicationProcess\n")
	s.want(68, "ldapadd", "dn: "+dn+"\nobjectClass: device\ncn: a1\n")
	s.want(32, "ldapadd", "dn: cn=x,ou=gone,dc=site,dc=test\nobjectClass: device\ncn: x\n")
	s.want(65, "ldapadd", "dn: cn=x,ou=hosts,dc=site,dc=test\nobjectClass: ipHost\ncn: x\nipHostNumber: 10.0.0.1\n")
	s.want(66, "ldapdelete", "", "ou=hosts,dc=site,dc=test")
	s.want(32, "ldapdelete", "", "ou=gone,dc=site,dc=test")
	// A control nobody knows may be ignored, unless it says it may not.
	s.want(12, "ldapmodify", "dn: "+dn+"\nchangetype: modify\nreplace: codState\ncodState: x\n", "-e", "!1.2.3.4.5")
	modify("replace: codState\ncodState: y", "-e", "1.2.3.4.5")
	s.root("ldapdelete", "", dn)
	s.want(32, "ldapsearch", "", "-b", dn)
	s.root("ldapdelete", "", "-r", "ou=hosts,dc=site,dc=test")
	s.equal(s.search("-b", "dc=site,dc=test", "1.1"), "dn: dc=site,dc=test\n\ndn: uid=opal,dc=site,dc=test")
}

func TestToolRename(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	s.root("ldapadd", "dn: ou=rack,dc=site,dc=test\nobjectClass: organizationalUnit\n")
	s.root("ldapmodrdn", "", "-r", "cn=a1,ou=hosts,dc=site,dc=test", "cn=b1")
	s.equal(s.search("-b", "dc=site,dc=test", "(cn=b1)", "cn"), "dn: cn=b1,ou=hosts,dc=site,dc=test\ncn: b1\ncn: a1.site.test")
	s.root("ldapmodrdn", "", "cn=b1,ou=hosts,dc=site,dc=test", "cn=c1")
	s.equal(s.search("-b", "dc=site,dc=test", "(cn=c1)", "cn"), "dn: cn=c1,ou=hosts,dc=site,dc=test\ncn: c1\ncn: a1.site.test\ncn: b1")
	// A whole subtree moves, and is found by its new names and values.
	s.root("ldapmodrdn", "", "-r", "-s", "ou=rack,dc=site,dc=test", "ou=hosts,dc=site,dc=test", "ou=machines")
	s.equal(s.search("-b", "ou=rack,dc=site,dc=test", "1.1"), `dn: ou=rack,dc=site,dc=test

dn: ou=machines,ou=rack,dc=site,dc=test

dn: cn=a2\, spare,ou=machines,ou=rack,dc=site,dc=test

dn: cn=c1,ou=machines,ou=rack,dc=site,dc=test`)
	s.equal(s.search("-b", "dc=site,dc=test", "(macAddress=52:54:00:99:00:01)", "1.1"), "dn: cn=c1,ou=machines,ou=rack,dc=site,dc=test")
	s.want(32, "ldapsearch", "", "-b", "ou=hosts,dc=site,dc=test")
	s.want(68, "ldapmodrdn", "", "cn=c1,ou=machines,ou=rack,dc=site,dc=test", `cn=a2\, spare`)
	s.want(32, "ldapmodrdn", "", "-s", "ou=gone,dc=site,dc=test", "cn=c1,ou=machines,ou=rack,dc=site,dc=test", "cn=c1")
	s.want(53, "ldapmodrdn", "", "-s", "ou=machines,ou=rack,dc=site,dc=test", "ou=rack,dc=site,dc=test", "ou=rack")
	s.want(53, "ldapmodrdn", "", "dc=site,dc=test", "dc=other")
	s.want(34, "ldapmodrdn", "", "cn=c1,ou=machines,ou=rack,dc=site,dc=test", "cn=a,ou=b")
	// A new spelling of the same name is a rename too.
	s.root("ldapmodrdn", "", "-r", "cn=c1,ou=machines,ou=rack,dc=site,dc=test", "cn=C1")
	s.equal(s.search("-b", "dc=site,dc=test", "(cn=c1)", "1.1"), "dn: cn=C1,ou=machines,ou=rack,dc=site,dc=test")
}

func TestToolCompareAndWhoAmI(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	dn := "cn=a1,ou=hosts,dc=site,dc=test"
	s.want(6, "ldapcompare", "", dn, "codNodeId:7")
	s.want(5, "ldapcompare", "", dn, "codNodeId:8")
	s.want(16, "ldapcompare", "", dn, "codState:x")
	s.want(17, "ldapcompare", "", dn, "noSuch:x")
	s.want(32, "ldapcompare", "", "cn=gone,dc=site,dc=test", "cn:x")
	s.equal(s.root("ldapwhoami", ""), "dn:cn=admin,dc=site,dc=test")
	out, _ := s.run([]string{"-D", "uid=opal,dc=site,dc=test", "-w", "opals-secret"}, "ldapwhoami", "")
	s.equal(out, "dn:uid=opal,dc=site,dc=test")
	out, _ = s.run(nil, "ldapwhoami", "")
	s.equal(out, "anonymous")
}

// TestToolRights: who may do what, and that secrets stay secret.
func TestToolRights(t *testing.T) {
	t.Parallel()
	opal := []string{"-D", "uid=opal,dc=site,dc=test", "-w", "opals-secret"}
	change := "dn: uid=opal,dc=site,dc=test\nchangetype: modify\nreplace: description\ndescription: hello\n"
	for _, c := range []struct {
		name             string
		change           func(*embedded.Config)
		who              []string
		read, write, own int // results
	}{
		{"nobody", nil, nil, 50, 50, 0},
		{"nobody, welcome", func(c *embedded.Config) { c.Anonymous = true }, nil, 0, 50, 0},
		{"a reader", nil, opal, 0, 50, 0},
		{"a writer", func(c *embedded.Config) { c.Writers = append(c.Writers, "UID=opal, dc=site,dc=test") }, opal, 0, 0, 0},
		{"a wrong password", nil, []string{"-D", "uid=opal,dc=site,dc=test", "-w", "opals-secre"}, 49, 49, 49},
		{"no password", nil, []string{"-D", "uid=opal,dc=site,dc=test"}, 53, 53, 53},
		{"somebody unknown", nil, []string{"-D", "uid=jade,dc=site,dc=test", "-w", "x"}, 49, 49, 49},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShell(t, c.change)
			out, code := s.run(c.who, "ldapsearch", "", "-LLL", "-b", "dc=site,dc=test", "(uid=opal)")
			if code != c.read {
				t.Errorf("read: %d, want %d", code, c.read)
			}
			secret := strings.Contains(out, "userPassword")
			if secret != (c.write == 0) {
				t.Errorf("the password is visible: %v", secret)
			}
			// Nor can it be guessed at.
			out, _ = s.run(c.who, "ldapsearch", "", "-LLL", "-b", "dc=site,dc=test", "(userPassword=opals-secret)", "1.1")
			if strings.Contains(out, "dn:") != (c.write == 0) {
				t.Errorf("the password can be searched for: %s", out)
			}
			if code != 49 && code != 53 {
				if _, code = s.run(c.who, "ldapcompare", "", "uid=opal,dc=site,dc=test", "userPassword:opals-secret"); (code == 6) != (c.write == 0) {
					t.Errorf("the password can be compared: %d", code)
				}
			}
			if _, code = s.run(c.who, "ldapmodify", change); code != c.write {
				t.Errorf("write: %d, want %d", code, c.write)
			}
			if _, code = s.run(c.who, "ldapsearch", "", "-b", "", "-s", "base", "+"); code != c.own {
				t.Errorf("root DSE: %d, want %d", code, c.own)
			}
		})
	}
}

// TestToolHashedPassword: a password as slappasswd stores it.
func TestToolHashedPassword(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	hash, err := exec.Command(setup.Tool(t, "slappasswd"), "-h", "{SSHA}", "-s", "new-secret").Output()
	if err != nil {
		t.Fatal(err)
	}
	s.root("ldapmodify", "dn: uid=opal,dc=site,dc=test\nchangetype: modify\nreplace: userPassword\nuserPassword: "+string(hash))
	for password, want := range map[string]int{"new-secret": 0, "new-secreT": 49, "opals-secret": 49, strings.TrimSpace(string(hash)): 49} {
		if _, code := s.run([]string{"-D", "uid=opal,dc=site,dc=test", "-w", password}, "ldapwhoami", ""); code != want {
			t.Errorf("%q: %d, want %d", password, code, want)
		}
	}
}

// TestToolDescription: clients find out what the server can do, and its schema.
func TestToolDescription(t *testing.T) {
	t.Parallel()
	s := newShell(t, nil)
	out := s.search("-b", "", "-s", "base", "+")
	for _, want := range []string{"namingContexts: dc=site,dc=test", "supportedControl: 1.3.6.1.1.12", "supportedLDAPVersion: 3", "subschemaSubentry: cn=Subschema"} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("root DSE lacks %q:\n%s", want, out)
		}
	}
	s.equal(s.search("-b", "", "-s", "base"), "dn:\nobjectClass: top")
	out = s.search("-b", "cn=subschema", "-s", "base", "(objectClass=subschema)", "objectClasses", "attributeTypes")
	for _, want := range []string{
		"objectClasses: ( 1.3.6.1.1.1.2.6 NAME 'ipHost' DESC 'a host, an IP device' SUP top AUXILIARY MUST ( cn $ ipHostNumber ) MAY ( l $ description $ manager ) )",
		"attributeTypes: ( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'common name' SUP name )",
	} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("subschema lacks %q", want)
		}
	}
	s.equal(s.search("-b", "", "(cn=a1)", "1.1"), "dn: cn=a1,ou=hosts,dc=site,dc=test")
}
