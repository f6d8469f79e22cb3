package ldapschema

import "slices"

// RFC 2307, "LDAP as a Network Information Service", as OpenLDAP loads it from
// nis.schema: people, groups, hosts and networks for every Unix tool. RFC 2307bis
// gives some of the same names other definitions and cannot be loaded beside it.

// nisAttributes are those of RFC 2307 3. uidNumber and gidNumber are in core.go.
var nisAttributes = []Attribute{
	{OID: "1.3.6.1.1.1.1.2", Name: "gecos", Desc: "GECOS field", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Single: true, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.1.1.1.3", Name: "homeDirectory", Desc: "absolute path of the home directory", Equality: CaseExactIA5Match, Syntax: IA5String, Single: true, Form: LineForm},
	{OID: "1.3.6.1.1.1.1.4", Name: "loginShell", Desc: "path of the login shell", Equality: CaseExactIA5Match, Syntax: IA5String, Single: true, Form: LineForm},
	{OID: "1.3.6.1.1.1.1.5", Name: "shadowLastChange", Desc: "day of the last password change", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.6", Name: "shadowMin", Desc: "days before a password may change", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.7", Name: "shadowMax", Desc: "days before a password must change", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.8", Name: "shadowWarning", Desc: "days of warning before expiry", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.9", Name: "shadowInactive", Desc: "days of inactivity allowed", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.10", Name: "shadowExpire", Desc: "day the account expires", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.11", Name: "shadowFlag", Desc: "reserved", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.12", Name: "memberUid", Desc: "login name of a group member", Equality: CaseExactIA5Match, Syntax: IA5String, Substr: true},
	{OID: "1.3.6.1.1.1.1.13", Name: "memberNisNetgroup", Desc: "netgroup that is a member", Equality: CaseExactIA5Match, Syntax: IA5String, Substr: true},
	{OID: "1.3.6.1.1.1.1.14", Name: "nisNetgroupTriple", Desc: "netgroup triple", Syntax: NISNetgroupTriple},
	{OID: "1.3.6.1.1.1.1.15", Name: "ipServicePort", Desc: "port of a service", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "1.3.6.1.1.1.1.16", Name: "ipServiceProtocol", Desc: "protocol of a service", Sup: "name"},
	{OID: "1.3.6.1.1.1.1.19", Name: "ipHostNumber", Desc: "IP address", Equality: CaseIgnoreIA5Match, Syntax: IA5String, MaxLen: 128, Scalar: true, Form: IPForm},
	{OID: "1.3.6.1.1.1.1.20", Name: "ipNetworkNumber", Desc: "IP network", Equality: CaseIgnoreIA5Match, Syntax: IA5String, MaxLen: 128, Single: true, Form: NetworkForm},
	{OID: "1.3.6.1.1.1.1.21", Name: "ipNetmaskNumber", Desc: "IP netmask", Equality: CaseIgnoreIA5Match, Syntax: IA5String, MaxLen: 128, Single: true, Form: NetmaskForm},
	{OID: "1.3.6.1.1.1.1.22", Name: "macAddress", Desc: "MAC address", Equality: CaseIgnoreIA5Match, Syntax: IA5String, MaxLen: 128, Scalar: true, Form: MACForm},
	{OID: "1.3.6.1.1.1.1.23", Name: "bootParameter", Desc: "rpc.bootparamd parameter", Syntax: BootParameter},
	{OID: "1.3.6.1.1.1.1.24", Name: "bootFile", Desc: "boot image name", Equality: CaseExactIA5Match, Syntax: IA5String, Scalar: true, Form: LineForm},
	{OID: "1.3.6.1.1.1.1.26", Name: "nisMapName", Desc: "name of a map", Sup: "name"},
	{OID: "1.3.6.1.1.1.1.27", Name: "nisMapEntry", Desc: "entry of a map", Equality: CaseExactIA5Match, Syntax: IA5String, MaxLen: 1024, Single: true, Substr: true},
}

// nisClasses are those of RFC 2307 4.
var nisClasses = []Class{
	{OID: "1.3.6.1.1.1.2.0", Name: "posixAccount", Desc: "an account with POSIX attributes", Sup: "top", Kind: Auxiliary,
		Must: []string{"cn", "uid", "uidNumber", "gidNumber", "homeDirectory"},
		May:  []string{"userPassword", "loginShell", "gecos", "description"}},
	{OID: "1.3.6.1.1.1.2.1", Name: "shadowAccount", Desc: "shadow password attributes", Sup: "top", Kind: Auxiliary,
		Must: []string{"uid"},
		May:  []string{"userPassword", "shadowLastChange", "shadowMin", "shadowMax", "shadowWarning", "shadowInactive", "shadowExpire", "shadowFlag", "description"}},
	{OID: "1.3.6.1.1.1.2.2", Name: "posixGroup", Desc: "a group of accounts", Sup: "top", Loose: true,
		Must: []string{"cn", "gidNumber"},
		May:  []string{"userPassword", "memberUid", "description"}},
	{OID: "1.3.6.1.1.1.2.3", Name: "ipService", Desc: "an IP service", Sup: "top",
		Must: []string{"cn", "ipServicePort", "ipServiceProtocol"},
		May:  []string{"description"}},
	{OID: "1.3.6.1.1.1.2.6", Name: "ipHost", Desc: "a host, an IP device", Sup: "top", Kind: Auxiliary,
		Must: []string{"cn", "ipHostNumber"},
		May:  []string{"l", "description", "manager"}},
	{OID: "1.3.6.1.1.1.2.7", Name: "ipNetwork", Desc: "an IP network", Sup: "top",
		Must: []string{"cn", "ipNetworkNumber"},
		May:  []string{"ipNetmaskNumber", "l", "description", "manager"}},
	{OID: "1.3.6.1.1.1.2.8", Name: "nisNetgroup", Desc: "a netgroup", Sup: "top",
		Must: []string{"cn"},
		May:  []string{"nisNetgroupTriple", "memberNisNetgroup", "description"}},
	{OID: "1.3.6.1.1.1.2.9", Name: "nisMap", Desc: "a map", Sup: "top",
		Must: []string{"nisMapName"},
		May:  []string{"description"}},
	{OID: "1.3.6.1.1.1.2.10", Name: "nisObject", Desc: "an entry of a map", Sup: "top",
		Must: []string{"cn", "nisMapEntry", "nisMapName"},
		May:  []string{"description"}},
	{OID: "1.3.6.1.1.1.2.11", Name: "ieee802Device", Desc: "a device with a MAC address", Sup: "top", Kind: Auxiliary,
		May: []string{"macAddress"}},
	{OID: "1.3.6.1.1.1.2.12", Name: "bootableDevice", Desc: "a device with boot parameters", Sup: "top", Kind: Auxiliary,
		May: []string{"bootFile", "bootParameter"}},
}

// nisBis is RFC 2307bis as far as it goes beyond the draft's names: groups are auxiliary,
// so that they can be groups of entries (groupOfNames) too, and automount maps are part
// of it.
func nisBis() family {
	f := family{name: NISBis, attributes: slices.Concat(nisAttributes, automountAttributes)}
	for _, c := range nisClasses {
		if c.Name == "posixGroup" {
			c.Kind, c.Must = Auxiliary, []string{"gidNumber"}
		}
		f.classes = append(f.classes, c)
	}
	f.classes = append(f.classes, automountClasses...)
	return f
}
