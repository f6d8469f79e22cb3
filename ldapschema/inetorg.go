package ldapschema

// RFC 2798, the person class that every administration tool knows.

// inetOrgAttributes are those of RFC 2798 2.
var inetOrgAttributes = []Attribute{
	{OID: "2.16.840.1.113730.3.1.1", Name: "carLicense", Desc: "vehicle registration", Equality: CaseIgnoreMatch, Syntax: DirectoryString, Substr: true},
	{OID: "2.16.840.1.113730.3.1.2", Name: "departmentNumber", Desc: "department in an organization", Equality: CaseIgnoreMatch, Syntax: DirectoryString, Substr: true},
	{OID: "2.16.840.1.113730.3.1.241", Name: "displayName", Desc: "name to show", Equality: CaseIgnoreMatch, Syntax: DirectoryString, Single: true, Substr: true},
	{OID: "2.16.840.1.113730.3.1.3", Name: "employeeNumber", Desc: "number of the employee", Equality: CaseIgnoreMatch, Syntax: DirectoryString, Single: true, Substr: true},
	{OID: "2.16.840.1.113730.3.1.4", Name: "employeeType", Desc: "type of employment", Equality: CaseIgnoreMatch, Syntax: DirectoryString, Substr: true},
	{OID: "0.9.2342.19200300.100.1.60", Name: "jpegPhoto", Desc: "JPEG image", Syntax: JPEG},
	{OID: "2.16.840.1.113730.3.1.39", Name: "preferredLanguage", Desc: "preferred language", Equality: CaseIgnoreMatch, Syntax: DirectoryString, Single: true, Substr: true},
	{OID: "2.16.840.1.113730.3.1.40", Name: "userSMIMECertificate", Desc: "PKCS 7 signed data for S/MIME", Syntax: Binary},
	{OID: "2.16.840.1.113730.3.1.216", Name: "userPKCS12", Desc: "PKCS 12 exchange", Syntax: Binary},
}

// inetOrgClasses are those of RFC 2798 3.
var inetOrgClasses = []Class{
	{OID: "2.16.840.1.113730.3.2.2", Name: "inetOrgPerson", Desc: "a person as people manage them", Sup: "organizationalPerson",
		May: []string{"businessCategory", "carLicense", "departmentNumber", "displayName", "employeeNumber", "employeeType", "givenName", "homePhone", "homePostalAddress", "initials", "jpegPhoto", "labeledURI", "mail", "manager", "mobile", "o", "pager", "roomNumber", "secretary", "uid", "userCertificate", "x500UniqueIdentifier", "preferredLanguage", "userSMIMECertificate", "userPKCS12"}},
}
