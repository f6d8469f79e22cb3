/*
Package guest says what a node of a virtual cluster is configured with so that it sees
its cluster and nothing else: names, people and their groups through NSS and PAM
(nslcd), home directories (autofs), and public keys (sshd). All of it are Debian's own
programs that read the directory; Leasehold is not on a node.

The programs are those of the packages libnss-ldapd, libpam-ldapd, autofs-ldap and
ldap-utils. Debian puts PAM's part in place when libpam-ldapd is installed.

What is not here: who may read what, which the directory's server decides.
*/
package guest

import (
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// Config is what the files of a node depend on.
type Config struct {
	Servers  []string      // URLs of the directory, in the order they are asked: "ldap://10.0.0.1"
	Cluster  ldapschema.DN // entry of the virtual cluster (unit.directory.dn)
	BindDN   ldapschema.DN // whom the node binds as; anonymous when empty
	Password string        // of BindDN
	// StartTLS protects ldap:// URLs; CA is the file, on the node, of the authority that
	// the server's certificate is checked against.
	StartTLS bool
	CA       string
}

// A File is one file of a node.
type File struct {
	Path, Content string
	Mode          fs.FileMode
}

//go:embed authorized-keys
var authorizedKeys string

// KeysCommand is where the program lies that sshd asks for public keys.
const KeysCommand = "/usr/lib/leasehold/authorized-keys"

// Files are the node's, in the order of their paths. What a program would misread is an
// error.
func Files(c Config) ([]File, error) {
	if _, err := ldapschema.ParseDN(string(c.Cluster)); err != nil || c.Cluster == "" {
		return nil, fmt.Errorf("guest: %q is no entry of a cluster", c.Cluster)
	}
	if len(c.Servers) == 0 {
		return nil, errors.New("guest: no server")
	}
	for _, s := range append([]string{string(c.Cluster), string(c.BindDN), c.Password, c.CA}, c.Servers...) {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.TrimSpace(s) != s {
			return nil, fmt.Errorf("guest: %.40q does not fit into one line", s)
		}
	}
	for _, s := range c.Servers {
		if !strings.HasPrefix(s, "ldap://") && !strings.HasPrefix(s, "ldaps://") || strings.ContainsAny(s, ` "`) {
			return nil, fmt.Errorf("guest: %.60q is no URL of a directory", s)
		}
	}
	if strings.Contains(string(c.Cluster), `"`) {
		return nil, fmt.Errorf("guest: autofs cannot be told about %.60q", c.Cluster)
	}
	return c.files()
}

func (c Config) files() ([]File, error) {
	auth, err := c.autofsAuth()
	if err != nil {
		return nil, err
	}
	return []File{
		{"/etc/autofs.conf", c.autofs(), 0o644},
		{"/etc/autofs_ldap_auth.conf", auth, 0o600},
		{"/etc/nslcd.conf", c.nslcd(), 0o600},
		{"/etc/nsswitch.conf", nsswitch, 0o644},
		{"/etc/ssh/sshd_config.d/leasehold.conf", "AuthorizedKeysCommand " + KeysCommand + " %u\nAuthorizedKeysCommandUser root\nUsePAM yes\n", 0o644},
		{KeysCommand, authorizedKeys, 0o755},
	}, nil
}

const nsswitch = `passwd:     files ldap
group:      files ldap
shadow:     files ldap
gshadow:    files
hosts:      files ldap dns
networks:   files
protocols:  db files
services:   db files
ethers:     files ldap
rpc:        db files
automount:  files ldap
`

func (c Config) nslcd() string {
	var b strings.Builder
	b.WriteString("uid nslcd\ngid nslcd\n")
	fmt.Fprintf(&b, "uri %s\n", strings.Join(c.Servers, " "))
	fmt.Fprintf(&b, "base %s\n", c.Cluster)
	for _, m := range [][2]string{{"passwd", "people"}, {"shadow", "people"}, {"group", "group"}, {"hosts", "hosts"}, {"ethers", "hosts"}} {
		fmt.Fprintf(&b, "base %s %s\n", m[0], c.Cluster.Child("ou", m[1]))
	}
	if c.BindDN != "" {
		fmt.Fprintf(&b, "binddn %s\nbindpw %s\n", c.BindDN, c.Password)
	}
	if c.StartTLS {
		b.WriteString("ssl start_tls\n")
	}
	if c.CA != "" {
		fmt.Fprintf(&b, "tls_reqcert demand\ntls_cacertfile %s\n", c.CA)
	}
	// A node goes on without its directory after seconds, not minutes.
	b.WriteString("bind_timelimit 3\ntimelimit 3\nidle_timelimit 60\nreconnect_sleeptime 1\nreconnect_retrytime 5\n")
	return b.String()
}

// autofs looks for maps by the names of RFC 2307bis only, unless it is told.
func (c Config) autofs() string {
	return fmt.Sprintf(`[ autofs ]
timeout = 300
master_map_name = auto.master
ldap_uri = "%s"
search_base = "%s"
map_object_class = automountMap
entry_object_class = automount
map_attribute = automountMapName
entry_attribute = automountKey
value_attribute = automountInformation
auth_conf_file = /etc/autofs_ldap_auth.conf

[ amd ]
dismount_interval = 300
`, strings.Join(c.Servers, " "), c.Cluster.Child("ou", "automount"))
}

func (c Config) autofsAuth() (string, error) {
	tls := "no"
	if c.StartTLS {
		tls = "yes"
	}
	auth := `authrequired="no"`
	if c.BindDN != "" {
		var who, secret strings.Builder
		if err := errors.Join(xml.EscapeText(&who, []byte(c.BindDN)), xml.EscapeText(&secret, []byte(c.Password))); err != nil {
			return "", err
		}
		auth = fmt.Sprintf(`authrequired="simple" user="%s" secret="%s"`, &who, &secret)
	}
	return fmt.Sprintf("<?xml version=\"1.0\" ?>\n<autofs_ldap_sasl_conf usetls=%q tlsrequired=%q %s/>\n", tls, tls, auth), nil
}
