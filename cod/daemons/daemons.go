package daemons

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/guest"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Site is what the configurations depend on. Fields have no defaults: see [Debian].
type Site struct {
	COD     cod.Config
	URL     string            // of the directory: "ldap://127.0.0.1"
	Replica string            // of the copy that dhcpd reads
	Secrets map[string]string // passwords of [Accounts] and of "admin", and the TSIG key's secret, "key", in base64
	Paths
}

// Paths is where things are on the machine that the files are for.
type Paths struct {
	Schema      string // folder of slapd's schema files
	Run         string // of its process ids
	Data        string // of its data base
	ReplicaData string // of its copy's
	Zones       string // of named's zone files that change
	KeyFile     string // the key between feed and named
	TFTP        string // the TFTP server's root
	SecretsDir  string // of the accounts' passwords
	Program     string // leasehold
	Config      string // its configuration
	State       string // folder of what it keeps
}

// Debian is the paths of Debian's packages.
func Debian() Paths {
	return Paths{Schema: "/etc/ldap/schema", Run: "/run/slapd", Data: "/var/lib/ldap", ReplicaData: "/var/lib/ldap-replica", Zones: "/var/lib/bind",
		KeyFile: "/etc/bind/leasehold.key", TFTP: "/srv/tftp", SecretsDir: "/etc/leasehold/secrets", Program: "/usr/bin/leasehold",
		Config: "/etc/leasehold/leasehold.yaml", State: "/var/lib/leasehold"}
}

// KeyName is the name of the key between a feed and the name server.
const KeyName = "leasehold-feed"

// A File is one file below the folder that is generated.
type File struct {
	Path, Content string
	Mode          fs.FileMode
}

//go:embed files
var templates embed.FS

// Files lists the configurations for a site.
func Files(s Site) ([]File, error) {
	m, err := cod.New(s.COD)
	if err != nil {
		return nil, err
	}
	s.COD = m.Config()
	if err := s.check(); err != nil {
		return nil, err
	}
	access, err := AccessConf(s.COD.Base)
	if err != nil {
		return nil, err
	}
	accounts, err := s.accounts()
	if err != nil {
		return nil, err
	}
	host, port, err := ldapAddress(s.Replica)
	if err != nil {
		return nil, err
	}
	hardening, err := templates.ReadFile("files/hardening")
	if err != nil {
		return nil, err
	}
	startTLS, critical := "", ""
	if there, _, _ := ldapAddress(s.URL); strings.HasPrefix(s.URL, "ldap://") && !loopback(there) { // passwords cross no network as they are
		startTLS, critical = " --start-tls", " starttls=critical"
	}
	ssl := "start_tls"
	switch {
	case strings.HasPrefix(s.Replica, "ldaps://"):
		ssl = "ldaps"
	case loopback(host):
		ssl = "off"
	}
	values := []string{"@DHCPSSL@", ssl, "@STARTTLS@", startTLS, "@CRITICAL@", critical, "@HARDENING@", string(hardening), "@ACCESS@", strings.Join(access, "\n"), "@BASE@", string(s.COD.Base), "@DAEMONS@", string(DaemonsDN(s.COD.Base)),
		"@DOMAIN@", s.COD.Domain, "@REVERSE@", s.COD.ReverseZone(), "@NEXTSERVER@", s.COD.NextServer.String(), "@URL@", s.URL, "@LDAPHOST@", host, "@LDAPPORT@", port,
		"@NIS@", s.nis(), "@KEY@", KeyName, "@ADMIN@", stored(s.Secrets["admin"]), "@DHCPDSECRET@", s.Secrets[DHCPD], "@REPLICASECRET@", s.Secrets[Replica],
		"@SCHEMA@", s.Schema, "@RUN@", s.Run, "@DATA@", s.Data, "@REPLICADATA@", s.ReplicaData, "@ZONES@", s.Zones, "@KEYFILE@", s.KeyFile, "@TFTP@", s.TFTP,
		"@SECRETS@", s.SecretsDir, "@PROGRAM@", s.Program, "@CONFIG@", s.Config, "@STATE@", s.State,
		"@HOMES@", s.COD.Homes.Path, "@HOMESERVER@", s.COD.Homes.Server}
	fill := func(name string, more ...string) string {
		text, err2 := templates.ReadFile("files/" + name)
		if err == nil {
			err = err2
		}
		return strings.NewReplacer(append(more, values...)...).Replace(string(text))
	}
	out := []File{
		{"INSTALL", fill("INSTALL"), 0o644},
		{"daemons.ldif", accounts, 0o600},
		{"dhcpd.conf", fill("dhcpd.conf"), 0o600},
		{"guest/join", guest.Join(), 0o755},
		{"isc-dhcp-server.service.d/leasehold.conf", fill("dhcpd-dropin"), 0o644},
		{"leasehold-feed-boot.service", fill("leasehold-feed-boot.service"), 0o644},
		{"leasehold-feed-dns.service", fill("leasehold-feed-dns.service"), 0o644},
		{"leasehold.key", fmt.Sprintf("key %q {\n\talgorithm hmac-sha256;\n\tsecret %q;\n};\n", KeyName, s.Secrets["key"]), 0o640},
		{"leasehold.schema", ldapschema.SchemaText(s.families()...), 0o644},
		{"leasehold.service", fill("leasehold.service"), 0o644},
		{"named.conf", fill("named.conf"), 0o644},
	}
	for _, name := range append(Accounts(), "admin") {
		out = append(out, File{"secrets/" + name, s.Secrets[name] + "\n", 0o600})
	}
	if s.COD.Homes.Server != "" {
		out = append(out, File{"leasehold-feed-exports.service", fill("leasehold-feed-exports.service"), 0o644})
	}
	if s.COD.Bis {
		out = append(out, File{"rfc2307bis.schema", ldapschema.SchemaText(ldapschema.NISBis), 0o644})
	}
	out = append(out,
		File{"slapd-replica.conf", fill("slapd-replica.conf"), 0o600},
		File{"slapd.conf", fill("slapd.conf"), 0o600},
		File{"tftpd-hpa", fill("tftpd-hpa"), 0o644},
		File{"zones/db." + s.COD.Domain, fill("zone", "@GLUE@", "ns1 IN A "+s.COD.Gateway.String()), 0o644},
		File{"zones/db." + s.COD.ReverseZone(), fill("zone", "@GLUE@\n", ""), 0o644})
	return out, err
}

// nis is the schema of people and groups.
func (s Site) nis() string {
	if s.COD.Bis {
		return "rfc2307bis.schema"
	}
	return "nis.schema"
}

// families are what is loaded beside it.
func (s Site) families() []ldapschema.Family {
	out := append(ldapschema.Loadable(), ldapschema.Recovery)
	if s.COD.Bis {
		out = slices.DeleteFunc(out, func(f ldapschema.Family) bool { return f == ldapschema.Automount })
	}
	return out
}

// accounts is the entries of the programs, to be loaded once.
func (s Site) accounts() (string, error) {
	var out []ldapschema.Entry
	for _, name := range Accounts() {
		e, err := ldapschema.Daemon(DaemonsDN(s.COD.Base), name, stored(s.Secrets[name]))
		if err != nil {
			return "", err
		}
		out = append(out, e)
	}
	return ldapschema.LDIF(out), nil
}

// check refuses what one of the files would say otherwise than it was meant.
func (s Site) check() error {
	of := []string{s.URL, s.Replica, s.Schema, s.Run, s.Data, s.ReplicaData, s.Zones, s.KeyFile, s.TFTP, s.SecretsDir, s.Program, s.Config, s.State, string(s.COD.Base)}
	if s.COD.Homes.Server != "" { // else no file names them
		of = append(of, s.COD.Homes.Server, s.COD.Homes.Path)
	}
	for _, v := range of {
		if v == "" || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'\\%$;@#", r) }) {
			return fmt.Errorf("daemons: %.80q cannot stand in configurations of daemons", v)
		}
	}
	for _, name := range append(Accounts(), "admin", "key") {
		if v := s.Secrets[name]; v == "" || strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_") != "" {
			return fmt.Errorf("daemons: the secret of %s is missing, or has characters that mean something in configurations", name)
		}
	}
	if _, _, err := ldapAddress(s.URL); err != nil {
		return err
	}
	return nil
}

// ldapAddress is host and port of a directory's URL.
func ldapAddress(s string) (host, port string, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" || u.Path != "" {
		return "", "", fmt.Errorf("daemons: %.80q is not the address of a directory, such as ldap://127.0.0.1", s)
	}
	if port = u.Port(); port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	return u.Hostname(), port, nil
}

// loopback reports whether a host is this machine itself.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// stored is a password as the directory keeps it. The salt follows from the password, so
// that the same site has the same files.
func stored(password string) string {
	sum := sha256.Sum256([]byte("salt;" + password))
	return ldapschema.StoredPassword(password, sum[:8])
}
