package ldapschema

// What servers keep about entries and about themselves (RFC 4512 3.4, 4.2 and 5.1;
// RFC 4530, RFC 5020, RFC 3045). Nobody writes these; filters and assertions may
// ask for them.

// operationalAttributes are read-only to every client.
var operationalAttributes = []Attribute{
	{OID: "2.5.18.1", Name: "createTimestamp", Desc: "time the entry was made", Equality: GeneralizedTimeMatch, Syntax: GeneralizedTime, Single: true, Ordered: true, Operate: true},
	{OID: "2.5.18.2", Name: "modifyTimestamp", Desc: "time of the last change", Equality: GeneralizedTimeMatch, Syntax: GeneralizedTime, Single: true, Ordered: true, Operate: true},
	{OID: "2.5.18.3", Name: "creatorsName", Desc: "who made the entry", Equality: DistinguishedNameMatch, Syntax: DNSyntax, Single: true, Operate: true},
	{OID: "2.5.18.4", Name: "modifiersName", Desc: "who changed the entry last", Equality: DistinguishedNameMatch, Syntax: DNSyntax, Single: true, Operate: true},
	{OID: "2.5.18.9", Name: "hasSubordinates", Desc: "whether entries lie below", Equality: BooleanMatch, Syntax: Boolean, Single: true, Operate: true},
	{OID: "2.5.18.10", Name: "subschemaSubentry", Desc: "where the schema is published", Equality: DistinguishedNameMatch, Syntax: DNSyntax, Single: true, Operate: true},
	{OID: "2.5.21.9", Name: "structuralObjectClass", Desc: "structural class of the entry", Equality: ObjectIdentifierMatch, Syntax: OIDSyntax, Single: true, Operate: true},
	{OID: "1.3.6.1.1.16.4", Name: "entryUUID", Desc: "identifier of the entry for its life", Equality: UUIDMatch, Syntax: UUID, Single: true, Ordered: true, Operate: true},
	{OID: "1.3.6.1.1.20", Name: "entryDN", Desc: "name of the entry", Equality: DistinguishedNameMatch, Syntax: DNSyntax, Single: true, Operate: true},
	{OID: "1.3.6.1.4.1.4203.666.1.7", Name: "entryCSN", Desc: "change sequence number of the last change", Equality: CSNMatch, Syntax: CSN, MaxLen: 64, Single: true, Ordered: true, Operate: true},
	{OID: "2.5.21.4", Name: "matchingRules", Desc: "matching rules", Equality: FirstComponentMatch, Syntax: MatchingRuleText, Operate: true},
	{OID: "2.5.21.5", Name: "attributeTypes", Desc: "attribute types", Equality: FirstComponentMatch, Syntax: AttributeTypeText, Operate: true},
	{OID: "2.5.21.6", Name: "objectClasses", Desc: "object classes", Equality: FirstComponentMatch, Syntax: ObjectClassText, Operate: true},
	{OID: "1.3.6.1.4.1.1466.101.120.16", Name: "ldapSyntaxes", Desc: "syntaxes", Equality: FirstComponentMatch, Syntax: SyntaxText, Operate: true},
	{OID: "1.3.6.1.4.1.1466.101.120.5", Name: "namingContexts", Desc: "bases of the trees held", Equality: DistinguishedNameMatch, Syntax: DNSyntax, Operate: true},
	{OID: "1.3.6.1.4.1.1466.101.120.13", Name: "supportedControl", Desc: "controls understood", Syntax: OIDSyntax, Operate: true},
	{OID: "1.3.6.1.4.1.1466.101.120.7", Name: "supportedExtension", Desc: "extended operations understood", Syntax: OIDSyntax, Operate: true},
	{OID: "1.3.6.1.4.1.4203.1.3.5", Name: "supportedFeatures", Desc: "features understood", Equality: ObjectIdentifierMatch, Syntax: OIDSyntax, Operate: true},
	{OID: "1.3.6.1.4.1.1466.101.120.15", Name: "supportedLDAPVersion", Desc: "protocol versions", Syntax: Integer, Operate: true},
	{OID: "1.3.6.1.1.4", Name: "vendorName", Desc: "maker of the server", Equality: CaseExactMatch, Syntax: DirectoryString, Single: true, Operate: true},
	{OID: "1.3.6.1.1.5", Name: "vendorVersion", Desc: "version of the server", Equality: CaseExactMatch, Syntax: DirectoryString, Single: true, Operate: true},
}

// operationalClasses are those of the subschema entry.
var operationalClasses = []Class{
	{OID: "2.5.17.0", Name: "subentry", Desc: "an entry that describes a subtree", Sup: "top",
		Must: []string{"cn"}},
	{OID: "2.5.20.1", Name: "subschema", Desc: "the published schema", Kind: Auxiliary,
		May: []string{"matchingRules", "attributeTypes", "objectClasses"}},
}
