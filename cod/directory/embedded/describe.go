package embedded

import (
	"github.com/leasehold/leasehold/ldapschema"
)

// subschemaDN is where the schema is published.
const subschemaDN ldapschema.DN = "cn=Subschema"

// The extended operations and features that are understood.
const (
	extendedStartTLS = "1.3.6.1.4.1.1466.20037"  // RFC 4511 4.14
	extendedWhoAmI   = "1.3.6.1.4.1.4203.1.11.3" // RFC 4532

	featureAllOperational = "1.3.6.1.4.1.4203.1.5.1" // RFC 3673
	featureObjectClass    = "1.3.6.1.4.1.4203.1.5.2" // RFC 4529
	featureTrueFalse      = "1.3.6.1.4.1.4203.1.5.3" // RFC 4526
	featureIncrement      = "1.3.6.1.1.14"           // RFC 4525
)

// rootDSE is the entry without name that says what the server can do (RFC 4512
// 5.1).
func (s *Server) rootDSE() ldapschema.Entry {
	extensions := []string{extendedWhoAmI}
	if s.cfg.TLS != nil {
		extensions = append(extensions, extendedStartTLS)
	}
	return ldapschema.Entry{Attrs: []ldapschema.Attr{
		{Name: "objectClass", Values: []string{"top"}},
		{Name: "namingContexts", Values: []string{string(s.cfg.Suffix)}},
		{Name: "subschemaSubentry", Values: []string{string(subschemaDN)}},
		{Name: "supportedControl", Values: []string{controlAssert, controlPaged, controlPostRead, controlPreRead, controlManageDSA, controlSync}},
		{Name: "supportedExtension", Values: extensions},
		{Name: "supportedFeatures", Values: []string{featureAllOperational, featureObjectClass, featureTrueFalse, featureIncrement}},
		{Name: "supportedLDAPVersion", Values: []string{"3"}},
		{Name: "vendorName", Values: []string{"Leasehold"}},
	}}
}

// subschemaEntry is the schema, as clients read it (RFC 4512 4.2).
func subschemaEntry() ldapschema.Entry {
	var attributes, classes, rules, syntaxes []string
	for _, a := range ldapschema.Attributes() {
		attributes = append(attributes, a.Definition())
	}
	for _, c := range ldapschema.Classes() {
		classes = append(classes, c.Definition())
	}
	for _, r := range ldapschema.Rules() {
		rules = append(rules, r.Definition())
	}
	for _, s := range ldapschema.Syntaxes() {
		syntaxes = append(syntaxes, s.Definition())
	}
	return ldapschema.Entry{DN: subschemaDN, Attrs: []ldapschema.Attr{
		{Name: "objectClass", Values: []string{"top", "subentry", "subschema"}},
		{Name: "cn", Values: []string{"Subschema"}},
		{Name: "ldapSyntaxes", Values: syntaxes},
		{Name: "matchingRules", Values: rules},
		{Name: "attributeTypes", Values: attributes},
		{Name: "objectClasses", Values: classes},
		{Name: "entryDN", Values: []string{string(subschemaDN)}},
		{Name: "structuralObjectClass", Values: []string{"subentry"}},
	}}
}
