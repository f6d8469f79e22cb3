package xstream

// Form is which ticket factory made a ticket (tickets 1.1).
type Form uint8

// The three forms, from the oldest to the one in use.
const (
	Simple Form = iota + 1
	Signed
	Sharp
)

// String is the name of the form in messages and commands.
func (f Form) String() string {
	switch f {
	case Simple:
		return "simple"
	case Signed:
		return "signed"
	case Sharp:
		return "sharp"
	}
	return "none"
}

// Ticket is a whole ticket (tickets 2.3).
type Ticket struct {
	Form        Form
	Delegations []*Delegation  // newest first, the root last; an item may be nil, Java's null
	Certificate *Certificate   // of the newest holder; Sharp only
	Others      []*Certificate // never seen on the wire (tickets 5.9); nil when absent
	Bare        bool           // there is no delegations element at all
}

// Delegation is one delegation record (tickets 2.1). An empty string, a nil
// pointer or slice and a zero [Date] are Java's null: the element is absent.
type Delegation struct {
	Signed     bool // a signedDelegation, whether or not it carries a signature
	GUID       string
	Term       *Term
	Units      int32
	Vector     *Vector
	Type       *Type
	Properties *Properties
	Issuer     string
	Holder     string
	Sources    []string // guids of bins; non-nil and empty is an empty element
	Bins       []*Bin
	Signature  *Signature
}

// Term is a closed interval, in milliseconds (tickets 2.5).
type Term struct{ Start, End, NewStart Date }

// Date is a Java date: milliseconds since 1970, or null.
type Date struct {
	Millis int64
	Set    bool // false means null
}

// At is the date of an instant.
func At(millis int64) Date { return Date{millis, true} }

// Vector is a resource vector: capacities per unit (tickets 8.1).
type Vector struct{ Values []int32 } // nil is Java's null inside the object

// Type is a resource type; Null means that the object has no name in it.
type Type struct {
	Name string
	Null bool
}

// Property is one certified property.
type Property struct{ Name, Value string }

// Properties is a table of properties in the order of the text, which is the
// order of the writer's hash table (tickets 4.3).
type Properties struct {
	List     []Property
	Defaults *Properties // a table behind this one; never seen on the wire
}

// Get is the value of a property.
func (p *Properties) Get(name string) (string, bool) {
	if p == nil {
		return "", false
	}
	for _, q := range p.List {
		if q.Name == name {
			return q.Value, true
		}
	}
	return "", false
}

// Bin describes the units a delegation draws from (tickets 8.1).
type Bin struct {
	GUID       string
	ParentGUID string // empty at a top bin
	Units      int32  // physical units
	Vector     *Vector
	Term       *Term
}

// Signature is a delegation's signature (tickets 2.2).
type Signature struct {
	Value string // Base64 text as it stands, line breaks included; empty is null
	Time  Date   // when it was made; not covered by it
}

// Certificate is one level of a chain of endorsements (tickets 2.4). A level
// without Issuer and Signature is the root.
type Certificate struct {
	ID        string
	Time      Date
	Issuer    *Certificate
	Holder    *Blob // DER of the holder's X.509 certificate
	Signature *Blob // of the issuer, over Holder
}

// Blob is a Java byte array.
type Blob struct {
	Octets []byte
	Lines  bool // its Base64 is broken after 76 characters, as by XStream before 1.4.11 (tickets E15)
}
