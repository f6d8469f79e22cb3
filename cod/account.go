package cod

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// Limits on accounts a lessee may configure; what lies beyond is left out.
const (
	maxAccounts = 32
	maxLogin    = 32 // octets of a login, as useradd allows
	maxKeys     = 32 // of one account
	maxKey      = 8192
)

// Properties of configuration that describe accounts (wire contract 8.4; paper B 3.1).
const (
	propLogins   = "config.ssh.numlogins" // a list of indices: "1,2,3"
	propUser     = "config.ssh.user"      // then <n>.login and <n>.keys
	propAdminKey = "admin.key"            // a key for the login admin
	adminLogin   = "admin"
	subRekey     = "ssh" // the modify that says anew which keys log in
)

// account is one login of a slice, with the public keys that log in to it.
type account struct {
	login string
	uid   int
	keys  []string
}

// logins reads the logins that configuration asks for, in order of their indices, with
// the keys that the latest modify gave them; they have no numbers yet. One that is no
// plain POSIX name, or that a system account bears, is left out: it could mean
// something else to the programs that read the directory.
func logins(p actors.Properties) []account {
	out := configured(p)
	for _, m := range actors.Modifies(p) {
		if strings.TrimPrefix(m.Subcommand, "modify.") != subRekey {
			continue
		}
		for _, w := range configured(m.Arguments) {
			if i := indexLogin(out, w.login); i >= 0 && len(w.keys) > 0 {
				out[i].keys = w.keys
			} else if i < 0 && len(out) < maxAccounts {
				out = append(out, w)
			}
		}
	}
	return out
}

// configured is logins for one set of properties, without modifies.
func configured(p actors.Properties) []account {
	var out []account
	add := func(login, keys string) {
		login = strings.ToLower(login)
		if len(out) < maxAccounts && usableLogin(login) && indexLogin(out, login) < 0 {
			out = append(out, account{login: login, keys: publicKeys(keys)})
		}
	}
	for _, n := range indices(p) {
		add(p[propUser+n+".login"], p[propUser+n+".keys"])
	}
	if p[propAdminKey] != "" {
		add(adminLogin, p[propAdminKey])
	}
	return out
}

// indexLogin is where a login is in a list, or -1.
func indexLogin(list []account, login string) int {
	return slices.IndexFunc(list, func(a account) bool { return a.login == login })
}

// keyTypes are the algorithms of public keys that sshd knows and that are any good.
var keyTypes = []string{
	"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
}

// publicKeys reads public keys, one a line. What a line has besides the key and its
// comment, such as options, and what is no key, is left out.
func publicKeys(text string) (out []string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(line) > maxKey || len(words) < 2 || !slices.Contains(keyTypes, words[0]) {
			continue
		}
		// A key begins with the name of its algorithm (RFC 4253 6.6).
		blob, err := base64.StdEncoding.DecodeString(words[1])
		n := len(words[0])
		if err != nil || len(blob) < 4+n || string(blob[:4]) != string([]byte{0, 0, 0, byte(n)}) || string(blob[4:4+n]) != words[0] {
			continue
		}
		comment := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '?'
			}
			return r
		}, strings.Join(words[2:], " "))
		key := strings.TrimSpace(words[0] + " " + words[1] + " " + clip(comment, maxText))
		if !slices.Contains(out, key) && len(out) < maxKeys {
			out = append(out, key)
		}
	}
	return out
}

// learn adds the keys that the account does not have, and reports whether there were
// any.
func (a *account) learn(keys []string) (news bool) {
	for _, key := range keys {
		if len(a.keys) < maxKeys && !slices.Contains(a.keys, key) {
			a.keys, news = append(slices.Clip(a.keys), key), true
		}
	}
	return news
}

// rekey makes what a lease says now the keys of the logins that it names: a modify has
// taken others back.
func (m *Machine) rekey(c *cluster, p actors.Properties) string {
	if strings.TrimPrefix(actors.NewestModify(p).Subcommand, "modify.") != subRekey {
		return ""
	}
	wanted := logins(p)
	for i, a := range c.accounts {
		if w := indexLogin(wanted, a.login); w >= 0 && len(wanted[w].keys) > 0 {
			c.accounts[i].keys = nil // and enlist gives it these
		}
	}
	return m.enlist(c, wanted)
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
