package ldapschema

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A DHCPServerRecord is the entry by which a dhcpd finds itself and its one
// configuration. (A second service, or one that does not point back, keeps it from
// starting.)
type DHCPServerRecord struct {
	Name    string // what dhcpd is told as ldap-dhcp-server-cn
	Service DN
	Mark
}

// DHCPServer is the entry cn=Name of class dhcpServer.
func DHCPServer(under DN, s DHCPServerRecord) (Entry, error) {
	return New(under.Child("cn", s.Name), "top", "dhcpServer").
		Need("dhcpServiceDN", string(s.Service)).
		mark(s.Mark).
		Build()
}

// A DHCPScope is a service or a group: statements and options that hold for all
// below it. Statements are lines of dhcpd's configuration language without the
// semicolon, "default-lease-time 120"; options likewise, "routers 10.0.0.1".
type DHCPScope struct {
	Name       string
	Primary    DN // a service's server; not for groups
	Statements []string
	Options    []string
	Mark
}

// DHCPService is the root of a configuration, the entry cn=Name. dhcpd reads its
// statements when it starts.
func DHCPService(under DN, s DHCPScope) (Entry, error) {
	return New(under.Child("cn", s.Name), "top", "dhcpService", "dhcpOptions").
		Need("dhcpPrimaryDN", string(s.Primary)).
		Set("dhcpStatements", s.Statements...).
		Set("dhcpOption", s.Options...).
		mark(s.Mark).
		Build()
}

// DHCPGroup is the entry cn=Name of a group, below its service; the hosts below it
// inherit its statements. dhcpd reads it anew for each request.
func DHCPGroup(under DN, g DHCPScope) (Entry, error) {
	return New(under.Child("cn", g.Name), "top", "dhcpGroup", "dhcpOptions").
		Set("dhcpStatements", g.Statements...).
		Set("dhcpOption", g.Options...).
		mark(g.Mark).
		Build()
}

// A DHCPSubnetRecord is one subnet that dhcpd answers on. dhcpd reads subnets when
// it starts: declare one wide subnet early and give its parts to slices.
type DHCPSubnetRecord struct {
	Prefix     netip.Prefix // IPv4
	Router     netip.Addr   // optional
	NextServer netip.Addr   // optional: where boot files come from
	Statements []string
	Options    []string
	Mark
}

// DHCPSubnet is the entry cn=<network number> of a subnet, below its service.
func DHCPSubnet(under DN, s DHCPSubnetRecord) (Entry, error) {
	p := s.Prefix.Masked()
	b := New(under.Child("cn", p.Addr().String()), "top", "dhcpSubnet", "dhcpOptions")
	if !p.IsValid() || !p.Addr().Is4() {
		b.Fail(&Error{b.e.DN, "dhcpNetMask", BadValue, "a subnet is an IPv4 prefix"})
	}
	if s.NextServer.IsValid() {
		b.Set("dhcpStatements", "next-server "+s.NextServer.String())
	}
	if s.Router.IsValid() {
		b.Set("dhcpOption", "routers "+s.Router.String())
	}
	return b.Set("dhcpNetMask", strconv.Itoa(p.Bits())).
		Set("dhcpStatements", s.Statements...).
		Set("dhcpOption", s.Options...).
		mark(s.Mark).
		Build()
}

// uefi is how dhcpd tells a machine with UEFI firmware of 64 bits: the architecture in
// option 93 (RFC 4578 2.1). That document has 9 for it, and firmware says 7.
const uefi = "option pxe-system-type = 00:07 or option pxe-system-type = 00:09"

// DHCPHost is the entry from which a DHCP server gives h its fixed address, and
// tells it where to boot from when h says so. It goes below a group or a service.
func DHCPHost(under DN, h Host) (Entry, error) {
	b := New(under.Child("cn", h.Name), "top", "dhcpHost")
	if h.MAC.IsZero() {
		b.Fail(&Error{b.e.DN, "dhcpHWAddress", MissingAttribute, "a host without MAC address gets no answer"})
	}
	b.Set("dhcpHWAddress", "ethernet "+h.MAC.String())
	if h.IP.IsValid() {
		b.Set("dhcpStatements", "fixed-address "+h.IP.String())
	}
	if h.NextServer.IsValid() {
		b.Set("dhcpStatements", "next-server "+h.NextServer.String())
	}
	if h.BootFile != "" {
		b.Set("dhcpStatements", b.bootFile(h.BootFile, h.BootFileUEFI))
	}
	if h.HostName != "" {
		b.Set("dhcpOption", "host-name "+b.quoted("dhcpOption", h.HostName))
	}
	return b.mark(h.Mark).Build()
}

// ParseDHCPHost reads from a dhcpHost entry what DHCPHost writes; statements of
// operators that it does not know are passed over.
func ParseDHCPHost(e Entry) (Host, error) {
	r := reader{e: e}
	r.class("dhcpHost")
	h := Host{Mark: markOf(&r)}
	h.Name, h.Aliases = namesOf(e)
	if hw := r.text("dhcpHWAddress"); hw != "" {
		kind, addr, _ := strings.Cut(hw, " ")
		if !strings.EqualFold(kind, "ethernet") {
			r.fail("dhcpHWAddress", BadValue, "not ethernet")
		}
		h.MAC = r.mac("dhcpHWAddress", addr)
	}
	for _, s := range e.Values("dhcpStatements") {
		_, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
		rest = strings.TrimSpace(rest)
		switch settingOf(s) {
		case "fixed-address":
			h.IP = r.addr("dhcpStatements", rest)
		case "next-server":
			h.NextServer, _ = netip.ParseAddr(rest) // a host name is legal here too
		case "filename":
			h.BootFile, h.BootFileUEFI = bootFiles(s)
		}
	}
	for _, o := range e.Values("dhcpOption") {
		if settingOf(o) == "host-name" {
			_, rest, _ := strings.Cut(strings.TrimSpace(o), " ")
			h.HostName = strings.Trim(strings.TrimSpace(rest), `"`)
		}
	}
	if r.err != nil {
		return Host{}, r.err
	}
	return h, nil
}

// bootFile is the statement that names the file to boot: one for all machines, or
// another for those with UEFI firmware.
func (b *Builder) bootFile(file, efi string) string {
	said := "filename " + b.quoted("dhcpStatements", file)
	if efi == "" {
		return said
	}
	return "if " + uefi + " { filename " + b.quoted("dhcpStatements", efi) + "; } else { " + said + "; }"
}

// bootFiles reads what bootFile makes. A condition of somebody else's is not read.
func bootFiles(statement string) (file, efi string) {
	rest, ok := strings.CutPrefix(statement, "if "+uefi+" { filename \"")
	if ok {
		efi, rest, _ = strings.Cut(rest, `"; } else { filename "`)
		file, _, _ = strings.Cut(rest, `"; }`)
		return file, efi
	}
	_, rest, _ = strings.Cut(strings.TrimSpace(statement), " ")
	if file := strings.TrimSpace(rest); !strings.Contains(file, "{") {
		return strings.Trim(file, `"`), ""
	}
	return "", ""
}

// quoted is a quoted string. dhcpd's strings have escapes, but nothing that belongs in
// a file or host name needs one; a value that could end its string is refused, so that
// no name becomes a statement.
func (b *Builder) quoted(attr, value string) string {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			b.Fail(&Error{b.e.DN, attr, BadValue, fmt.Sprintf("%.64q cannot be quoted for dhcpd", value)})
			break
		}
	}
	return `"` + value + `"`
}
