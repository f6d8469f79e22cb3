package daemons

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// Who binds to a site's directory, by the names of their entries below ou=daemons.
const (
	Authority = "authority" // the site authority: writes what bears its mark
	Feed      = "feed"      // feeds of DNS and of boot files: read
	DHCPD     = "dhcpd"     // reads its service
	Replica   = "replica"   // copies everything, passwords too
)

// Accounts are the names of the entries below [DaemonsDN], in order.
func Accounts() []string { return []string{Authority, DHCPD, Feed, Replica} }

// DaemonsDN is the entry that programs' entries are kept below.
func DaemonsDN(base ldapschema.DN) ldapschema.DN { return base.Child("ou", "daemons") }

// OperatorsDN is the group (groupOfNames) whose members may change everything.
func OperatorsDN(base ldapschema.DN) ldapschema.DN {
	return base.Child("ou", "group").Child("cn", "operators")
}

// hidden are attributes of a cluster's entries that are the site's own business: guests
// do not see them.
var hidden = []string{"codDom0", "codGeneration", "codHealth", "codHold", "codNote", "codOwner", "codUnit", "serialNumber"}

// Access lists the access rules of a site's data base as slapd has them
// (slapd.access(5)), in the order in which they are looked at: "to ... by ...". A
// cluster's reader sees its own cluster and nothing else, and changes nothing; people see
// their own entries, as PAM needs it; nobody else sees anything.
func Access(base ldapschema.DN) ([]string, error) {
	base = base.Normal()
	tree, err := pattern(base)
	if err != nil {
		return nil, err
	}
	who := func(name string) string { return fmt.Sprintf(`dn.exact="%s"`, DaemonsDN(base).Child("cn", name)) }
	writers := []string{who(Authority) + " write", fmt.Sprintf(`group/groupOfNames/member.exact="%s" write`, OperatorsDN(base)), who(Replica) + " read"}
	rule := func(to string, by ...string) string {
		lines := slices.Concat([]string{"to " + to}, writers, by, []string{"* none"})
		return strings.Join(lines, "\n  by ")
	}
	slice := fmt.Sprintf(`dn.regex="^(.+,)?ou=([^,]+),ou=slices,%s$"`, tree)
	reader := fmt.Sprintf(`dn.exact,expand="cn=%s,ou=$2,%s" read`, cod.ReaderName, cod.SlicesDN(base))
	return []string{
		rule(fmt.Sprintf(`dn.subtree="%s" attrs=userPassword`, base), "anonymous auth"),
		rule(slice+" attrs="+strings.Join(hidden, ","), who(Feed)+" read"),
		rule(slice, reader, "self read", who(Feed)+" read"),
		rule(fmt.Sprintf(`dn.subtree="%s"`, base.Child("ou", "dhcp")), who(DHCPD)+" read"),
		rule(fmt.Sprintf(`dn.subtree="%s"`, base), who(Feed)+" read"),
	}, nil
}

// pattern is a regular expression for a name, with everything that means something in
// one in brackets: slapd.conf takes backslashes away.
func pattern(dn ldapschema.DN) (string, error) {
	var b strings.Builder
	for _, c := range string(dn) {
		switch {
		case c < ' ' || c > '~' || strings.ContainsRune("\"\\^]$", c):
			return "", fmt.Errorf("daemons: the name %s cannot stand in an access rule", dn)
		case strings.ContainsRune(".*+?()[{|", c):
			fmt.Fprintf(&b, "[%c]", c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String(), nil
}

// AccessConf is the rules as lines of slapd.conf, and that nobody's answers are cut
// short who has to see everything.
func AccessConf(base ldapschema.DN) ([]string, error) {
	rules, err := Access(base)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range rules {
		out = append(out, "access "+r)
	}
	for _, name := range []string{Authority, Feed, Replica} {
		out = append(out, fmt.Sprintf(`limits dn.exact="%s" size=unlimited time=unlimited`, DaemonsDN(base).Child("cn", name)))
	}
	return out, nil
}
