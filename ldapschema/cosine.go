package ldapschema

// The parts of RFC 4524 that OpenLDAP loads as cosine.schema. The DNS records here
// are those that the dNSZone class borrows.

// cosineAttributes are those of RFC 4524 2 and RFC 1274 9.3.
var cosineAttributes = []Attribute{
	{OID: "0.9.2342.19200300.100.1.6", Name: "roomNumber", Desc: "room number", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 256, Substr: true},
	{OID: "0.9.2342.19200300.100.1.9", Name: "host", Desc: "host computer", Equality: CaseIgnoreMatch, Syntax: DirectoryString, MaxLen: 256, Substr: true},
	{OID: "0.9.2342.19200300.100.1.10", Name: "manager", Desc: "DN of the manager", Equality: DistinguishedNameMatch, Syntax: DNSyntax},
	{OID: "0.9.2342.19200300.100.1.20", Name: "homePhone", Aliases: []string{"homeTelephoneNumber"}, Desc: "home telephone number", Equality: TelephoneNumberMatch, Syntax: TelephoneNumber, Substr: true},
	{OID: "0.9.2342.19200300.100.1.21", Name: "secretary", Desc: "DN of the secretary", Equality: DistinguishedNameMatch, Syntax: DNSyntax},
	{OID: "0.9.2342.19200300.100.1.26", Name: "aRecord", Desc: "IPv4 address, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Scalar: true, Form: IPv4Form},
	{OID: "0.9.2342.19200300.100.1.27", Name: "mDRecord", Desc: "mail destination, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String},
	{OID: "0.9.2342.19200300.100.1.28", Name: "mXRecord", Desc: "mail exchange, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Form: LineForm},
	{OID: "0.9.2342.19200300.100.1.29", Name: "nSRecord", Desc: "name server, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Form: DomainForm},
	{OID: "0.9.2342.19200300.100.1.30", Name: "sOARecord", Desc: "start of authority, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Scalar: true, Form: LineForm},
	{OID: "0.9.2342.19200300.100.1.31", Name: "cNAMERecord", Desc: "canonical name, RFC 1035", Equality: CaseIgnoreIA5Match, Syntax: IA5String, Scalar: true, Form: DomainForm},
	{OID: "0.9.2342.19200300.100.1.38", Name: "associatedName", Desc: "DN of the entry associated with a domain", Equality: DistinguishedNameMatch, Syntax: DNSyntax},
	{OID: "0.9.2342.19200300.100.1.39", Name: "homePostalAddress", Desc: "home postal address", Equality: CaseIgnoreListMatch, Syntax: PostalAddress, Substr: true},
	{OID: "0.9.2342.19200300.100.1.41", Name: "mobile", Aliases: []string{"mobileTelephoneNumber"}, Desc: "mobile telephone number", Equality: TelephoneNumberMatch, Syntax: TelephoneNumber, Substr: true},
	{OID: "0.9.2342.19200300.100.1.42", Name: "pager", Aliases: []string{"pagerTelephoneNumber"}, Desc: "pager telephone number", Equality: TelephoneNumberMatch, Syntax: TelephoneNumber, Substr: true},
}

// cosineClasses are those of RFC 4524 3.
var cosineClasses = []Class{
	{OID: "0.9.2342.19200300.100.4.5", Name: "account", Desc: "a computer account", Sup: "top",
		Must: []string{"uid"},
		May:  []string{"description", "seeAlso", "l", "o", "ou", "host"}},
	{OID: "0.9.2342.19200300.100.4.13", Name: "domain", Desc: "a DNS domain", Sup: "top",
		Must: []string{"dc"},
		May:  []string{"associatedName", "o", "userPassword", "seeAlso", "businessCategory", "x121Address", "registeredAddress", "destinationIndicator", "preferredDeliveryMethod", "telephoneNumber", "internationaliSDNNumber", "facsimileTelephoneNumber", "street", "postOfficeBox", "postalCode", "postalAddress", "physicalDeliveryOfficeName", "st", "l", "description"}},
	{OID: "0.9.2342.19200300.100.4.17", Name: "domainRelatedObject", Desc: "an object related to a domain", Sup: "top", Kind: Auxiliary,
		Must: []string{"associatedDomain"}},
}
