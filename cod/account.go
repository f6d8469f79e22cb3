package cod

import (
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// Limits on accounts a lessee may configure; what lies beyond is left out.
const (
	maxAccounts = 32
	maxLogin    = 32 // octets of a login, as useradd allows
)

// Properties of configuration that describe accounts (wire contract 8.4; paper B 3.1).
const (
	propLogins   = "config.ssh.numlogins" // a list of indices: "1,2,3"
	propUser     = "config.ssh.user"      // then <n>.login
	propAdminKey = "admin.key"            // a key for the login admin
	adminLogin   = "admin"
)

// account is one login of a slice.
type account struct {
	login string
	uid   int
}

// logins reads the logins that configuration asks for, in order of their indices.
// One that is no plain POSIX name, or that a system account bears, is left out: it
// could mean something else to the programs that read the directory. The public
// keys of an account are no business of the directory: drivers write them to the
// image (paper B 4.3).
func logins(p actors.Properties) []string {
	var out []string
	add := func(login string) {
		login = strings.ToLower(login)
		if len(out) < maxAccounts && usableLogin(login) && !slices.Contains(out, login) {
			out = append(out, login)
		}
	}
	for _, n := range indices(p) {
		add(p[propUser+n+".login"])
	}
	if p[propAdminKey] != "" {
		add(adminLogin)
	}
	return out
}

// indices are the account numbers that p uses: those it lists, or 1 where it
// lists none.
func indices(p actors.Properties) []string {
	list := p[propLogins]
	if list == "" {
		list = "1"
	}
	var out []string
	for n := range strings.SplitSeq(list, ",") {
		n = strings.TrimSpace(n)
		if n != "" && len(n) <= 6 && strings.Trim(n, "0123456789") == "" {
			out = append(out, n)
		}
		if len(out) == maxAccounts {
			break
		}
	}
	return out
}

// systemLogins are names that mean something on every node.
var systemLogins = []string{
	"root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
	"backup", "list", "irc", "nobody", "sshd", "messagebus", "operator", "shutdown", "halt", "adm", "ftp", "wheel", "sudo",
}

// usableLogin reports whether s is a POSIX user name that no system account has.
func usableLogin(s string) bool {
	if s == "" || len(s) > maxLogin || slices.Contains(systemLogins, s) || strings.HasPrefix(s, "systemd-") {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c == '_'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}
