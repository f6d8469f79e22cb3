package ldapschema

// The automount part of RFC 2307bis alone, so that it can be loaded beside RFC 2307.
// It cannot be loaded together with the autofs.schema of some distributions, which
// has the same names under other numbers.

// automountAttributes are those of RFC 2307bis 3.
var automountAttributes = []Attribute{
	{OID: "1.3.6.1.1.1.1.31", Name: "automountMapName", Desc: "name of an automount map", Equality: CaseExactIA5Match, Syntax: IA5String, Single: true, Substr: true},
	{OID: "1.3.6.1.1.1.1.32", Name: "automountKey", Desc: "key of an automount entry", Equality: CaseExactIA5Match, Syntax: IA5String, Single: true, Substr: true},
	{OID: "1.3.6.1.1.1.1.33", Name: "automountInformation", Desc: "what is mounted", Equality: CaseExactIA5Match, Syntax: IA5String, Single: true, Substr: true, Form: LineForm},
}

// automountClasses are those of RFC 2307bis 4.
var automountClasses = []Class{
	{OID: "1.3.6.1.1.1.2.16", Name: "automountMap", Desc: "an automount map", Sup: "top",
		Must: []string{"automountMapName"},
		May:  []string{"description"}},
	{OID: "1.3.6.1.1.1.2.17", Name: "automount", Desc: "an entry of an automount map", Sup: "top",
		Must: []string{"automountKey", "automountInformation"},
		May:  []string{"description"}},
}
