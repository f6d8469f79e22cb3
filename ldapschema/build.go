package ldapschema

// A Builder collects an entry and remembers the first thing wrong with it, so that
// building reads as a list of facts:
//
//	New(under.Child("cn", name), "top", "device").Set("cn", name).Build()
type Builder struct {
	e   Entry
	err error
}

// New starts the entry named dn with these object classes. The values that name it
// are set already.
func New(dn DN, classes ...string) *Builder {
	b := &Builder{e: Entry{DN: dn, Attrs: []Attr{{"objectClass", classes}}}}
	for _, ava := range dn.AVAs() {
		b.Set(ava.Attr, ava.Value)
	}
	return b
}

// Set adds values to an attribute; a value it has already is not repeated, and
// empty values are left out, so that optional facts need no "if".
func (b *Builder) Set(attr string, values ...string) *Builder {
	t := attributeOrDefault(attr)
	for _, v := range values {
		if v == "" || indexValue(t, b.e.Values(attr), v) >= 0 {
			continue
		}
		if i := b.e.index(attr); i >= 0 {
			b.e.Attrs[i].Values = append(b.e.Attrs[i].Values, v)
		} else {
			b.e.Attrs = append(b.e.Attrs, Attr{canonicalName(attr), []string{v}})
		}
	}
	return b
}

// Class adds an object class.
func (b *Builder) Class(name string) *Builder { return b.Set("objectClass", name) }

// Need makes an empty value of what an error, where Set would leave it out.
func (b *Builder) Need(attr, value string) *Builder {
	if value == "" && b.err == nil {
		b.err = &Error{b.e.DN, attr, MissingAttribute, ""}
	}
	return b.Set(attr, value)
}

// Fail records an error found while preparing a value.
func (b *Builder) Fail(err error) *Builder {
	if b.err == nil {
		b.err = err
	}
	return b
}

// Build checks the entry and returns it canonical; with an error, the zero Entry.
func (b *Builder) Build() (Entry, error) {
	if b.err != nil {
		return Entry{}, b.err
	}
	e := b.e.Canonical()
	if err := Check(e); err != nil {
		return Entry{}, err
	}
	return e, nil
}
