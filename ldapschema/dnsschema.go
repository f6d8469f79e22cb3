package ldapschema

// The published schema for DNS zones in LDAP, one entry for each owner name. The
// rule of its numbers: a record's attribute is 1.3.6.1.4.1.2428.20.1.<type>, the
// type as IANA numbers it. Six older records come from cosine.go.

// dnsAttributes are below 1.3.6.1.4.1.2428.20.
var dnsAttributes = []Attribute{
	{OID: "1.3.6.1.4.1.2428.20.0.0", Name: "dNSTTL", Desc: "time to live in seconds", Equality: IntegerMatch, Syntax: Integer, Scalar: true},
	{OID: "1.3.6.1.4.1.2428.20.0.1", Name: "dNSClass", Desc: "class of the record", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Scalar: true},
	{OID: "1.3.6.1.4.1.2428.20.0.2", Name: "zoneName", Desc: "name of the zone", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: DomainForm},
	{OID: "1.3.6.1.4.1.2428.20.0.3", Name: "relativeDomainName", Desc: "owner name relative to the zone", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: DomainForm},
	{OID: "1.3.6.1.4.1.2428.20.1.12", Name: "pTRRecord", Desc: "domain name pointer, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Scalar: true, Form: DomainForm},
	{OID: "1.3.6.1.4.1.2428.20.1.13", Name: "hInfoRecord", Desc: "host information, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.14", Name: "mInfoRecord", Desc: "mail information, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.16", Name: "tXTRecord", Desc: "text, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.18", Name: "aFSDBRecord", Desc: "AFS data base, RFC 1183", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.24", Name: "SigRecord", Desc: "signature, RFC 2535", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.25", Name: "KeyRecord", Desc: "key, RFC 2535", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.28", Name: "aAAARecord", Desc: "IPv6 address, RFC 3596", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Scalar: true, Form: IPv6Form},
	{OID: "1.3.6.1.4.1.2428.20.1.29", Name: "LocRecord", Desc: "location, RFC 1876", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.30", Name: "nXTRecord", Desc: "next name, RFC 2535", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.33", Name: "sRVRecord", Desc: "service location, RFC 2782", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.35", Name: "nAPTRRecord", Desc: "naming authority pointer, RFC 3403", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.36", Name: "kXRecord", Desc: "key exchange, RFC 2230", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.37", Name: "certRecord", Desc: "certificate, RFC 4398", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.38", Name: "a6Record", Desc: "A6, RFC 2874", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.39", Name: "dNAMERecord", Desc: "non-terminal redirection, RFC 6672", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: DomainForm},
	{OID: "1.3.6.1.4.1.2428.20.1.43", Name: "dSRecord", Desc: "delegation signer, RFC 4034", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.44", Name: "sSHFPRecord", Desc: "SSH key fingerprint, RFC 4255", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.46", Name: "rRSIGRecord", Desc: "signature, RFC 4034", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
	{OID: "1.3.6.1.4.1.2428.20.1.47", Name: "nSECRecord", Desc: "next secure name, RFC 4034", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Substr: true, Form: LineForm},
}

// dnsClasses has the one class of the schema.
var dnsClasses = []Class{
	{OID: "1.3.6.1.4.1.2428.20.3", Name: "dNSZone", Desc: "all records of one owner name in a zone", Sup: "top",
		Must: []string{"zoneName", "relativeDomainName"},
		May:  []string{"dNSTTL", "dNSClass", "aRecord", "mDRecord", "mXRecord", "nSRecord", "sOARecord", "cNAMERecord", "pTRRecord", "hInfoRecord", "mInfoRecord", "tXTRecord", "aFSDBRecord", "SigRecord", "KeyRecord", "aAAARecord", "LocRecord", "nXTRecord", "sRVRecord", "nAPTRRecord", "kXRecord", "certRecord", "a6Record", "dNAMERecord", "dSRecord", "sSHFPRecord", "rRSIGRecord", "nSECRecord"}},
}
