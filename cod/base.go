package cod

import (
	"net/netip"

	"github.com/leasehold/leasehold/ldapschema"
)

// Names in the base tree that other programs are told about.
const (
	DHCPServerName = "dhcp1" // ldap-dhcp-server-cn of dhcpd
	nameServer     = "ns1"
)

// Base lists the entries that a site's directory needs before its first cluster, in
// the order in which they are added: the branches other tools expect (RFC 2307),
// the DHCP service with one subnet as wide as the site's network, and the DNS zones.
// They carry no mark: once there, they belong to the operators.
func Base(c Config) ([]ldapschema.Entry, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	r := renderer{}
	add := r.add(partContainer)
	if attr, name := c.Base.RDN(); attr == "dc" {
		add(ldapschema.Base(c.Base, name))
	} else {
		add(ldapschema.New(c.Base, "top", "organizationalUnit").Build())
	}
	for _, ou := range []string{"people", "group", "hosts", "networks", "netgroup", "automount", "daemons", "images", "slices", "dhcp", "DNS", "authorities"} {
		add(ldapschema.OrganizationalUnit(c.Base, ou, ""))
	}
	add(ldapschema.Network(c.networksDN(), ldapschema.NetworkRecord{
		Name: "site", Prefix: c.Network, Description: "all addresses of the site",
	}))
	add(ldapschema.Network(c.networksDN(), ldapschema.NetworkRecord{
		Name: "site-services", Prefix: block(c.Network, c.BlockBits, 0), Description: "the site's own block",
	}))
	server := c.dhcpDN().Child("cn", DHCPServerName)
	add(ldapschema.DHCPServer(c.dhcpDN(), ldapschema.DHCPServerRecord{Name: DHCPServerName, Service: c.serviceDN()}))
	add(ldapschema.DHCPService(c.dhcpDN(), ldapschema.DHCPScope{
		Name: "config", Primary: server,
		Statements: []string{"ddns-update-style none", "default-lease-time 120", "max-lease-time 300", "min-lease-time 5", "authoritative", "deny unknown-clients"},
		Options:    []string{`domain-name "` + c.Domain + `"`, "domain-name-servers " + c.Gateway.String()},
	}))
	add(ldapschema.DHCPSubnet(c.serviceDN(), ldapschema.DHCPSubnetRecord{Prefix: c.Network, Router: c.Gateway, NextServer: c.NextServer}))
	for _, zone := range []string{c.Domain, reverseZone(c.Network)} {
		add(ldapschema.Zone(c.dnsDN(), ldapschema.ZoneRecord{
			Name: zone, TTL: c.TTL, Primary: nameServer + "." + c.Domain, Contact: "hostmaster." + c.Domain,
			Serial: 1, Refresh: 300, Retry: 60, Expire: 86400, Minimum: 10,
		}))
	}
	add(ldapschema.ZoneRecordA(c.forwardDN(), ldapschema.NameRecord{Name: nameServer, TTL: c.TTL, Addrs: []netip.Addr{c.Gateway}}))
	out := make([]ldapschema.Entry, len(r.records))
	for i, rec := range r.records {
		out[i] = rec.want
	}
	return out, r.err
}
