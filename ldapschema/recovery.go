package ldapschema

// The classes of actors' records, when a directory server keeps them: one entry
// for each actor, below it one for whoever holds the actor now, below that one
// for each record. Package actors/store/ldap says how they are used. They are
// structural: nothing but our own program reads them. The numbers continue the
// arc of codschema.go and keep their meaning for ever.

// recoveryAttributes are below the arc .3.
var recoveryAttributes = []Attribute{
	{OID: "2.25.87403613558355095199329559718821265856.3.1", Name: "lhName", Desc: "name of an actor, holding or record, unique below its parent", Equality: CaseExactIA5Match, Syntax: IA5String, MaxLen: 256, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.3.2", Name: "lhKey", Desc: "key of a record, in full", Equality: OctetStringMatch, Syntax: OctetString, MaxLen: 1024, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.3.3", Name: "lhData", Desc: "value of a record, or a batch on its way to records", Syntax: OctetString, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.3.4", Name: "lhSequence", Desc: "number of the batch that wrote the entry", Equality: IntegerMatch, Syntax: Integer, Single: true, Ordered: true},
	{OID: "2.25.87403613558355095199329559718821265856.3.5", Name: "lhParts", Desc: "how many further entries hold the rest of the data", Equality: IntegerMatch, Syntax: Integer, Single: true},
	{OID: "2.25.87403613558355095199329559718821265856.3.6", Name: "lhSchema", Desc: "version of the form in which an actor's records are kept", Equality: IntegerMatch, Syntax: Integer, Single: true},
}

// recoveryClasses are below the arc .4.
var recoveryClasses = []Class{
	{OID: "2.25.87403613558355095199329559718821265856.4.1", Name: "lhActor", Desc: "one actor whose records are kept here", Sup: "top", Kind: Structural,
		Must: []string{"lhName"}, May: []string{"description"}},
	{OID: "2.25.87403613558355095199329559718821265856.4.2", Name: "lhHolding", Desc: "what one generation of the actor's process holds; renamed when another takes over", Sup: "top", Kind: Structural,
		Must: []string{"lhName", "lhSequence"}, May: []string{"lhData", "lhParts", "lhSchema"}},
	{OID: "2.25.87403613558355095199329559718821265856.4.3", Name: "lhRecord", Desc: "one record of an actor", Sup: "top", Kind: Structural,
		Must: []string{"lhName", "lhKey", "lhSequence"}, May: []string{"lhData", "lhParts"}},
	{OID: "2.25.87403613558355095199329559718821265856.4.4", Name: "lhPart", Desc: "a further part of a record or batch", Sup: "top", Kind: Structural,
		Must: []string{"lhName", "lhSequence"}, May: []string{"lhData"}},
}
