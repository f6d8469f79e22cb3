package directory

import (
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/ldapschema"
)

// The kinds of failure: what a caller does next depends on these alone. Ask with
// errors.Is.
var (
	ErrNotFound    = errors.New("no such entry")                 // the entry, or the parent of a new one, is absent
	ErrExists      = errors.New("entry exists")                  // of an add or a rename
	ErrConflict    = errors.New("entry is not as believed")      // assertion failed, a value named is gone or there, or entries lie below
	ErrSchema      = errors.New("refused by the schema")         // never acceptable as it is
	ErrDenied      = errors.New("not allowed by the directory")  // credentials or access rights: for an operator to mend
	ErrUnavailable = errors.New("directory unavailable for now") // try again later
	ErrOther       = errors.New("directory refused the request") // anything else
)

// An Error is a failed call on a directory.
type Error struct {
	Op      string        // "add", "modify", "delete", "rename", "read", "list"
	DN      ldapschema.DN // the entry concerned
	Code    Code          // the LDAP result, where there was one
	Matched ldapschema.DN // of NoSuchObject: the nearest entry above that exists
	Kind    error         // one of this package's; Code's own when nil
	Err     error         // the cause, if known
}

// Error is one line: what was done to which entry, what came of it and why.
func (e *Error) Error() string {
	s := fmt.Sprintf("directory: %s %s: %v", e.Op, e.DN, e.kind())
	if e.Code != Success {
		s += fmt.Sprintf(" (%v)", e.Code)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) kind() error {
	if e.Kind != nil {
		return e.Kind
	}
	return e.Code.Kind()
}

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.kind()}
	}
	return []error{e.kind(), e.Err}
}

// A Code is an LDAP result code (RFC 4511 appendix A; 122 is RFC 4528).
type Code uint16

// The result codes that matter here.
const (
	Success                Code = 0
	OperationsError        Code = 1
	ProtocolError          Code = 2
	TimeLimitExceeded      Code = 3
	SizeLimitExceeded      Code = 4
	CompareFalse           Code = 5
	CompareTrue            Code = 6
	AuthMethodNotSupported Code = 7
	StrongerAuthRequired   Code = 8
	AdminLimitExceeded     Code = 11
	UnavailableCriticalExt Code = 12
	ConfidentialityNeeded  Code = 13
	NoSuchAttribute        Code = 16
	UndefinedAttributeType Code = 17
	InappropriateMatching  Code = 18
	ConstraintViolation    Code = 19
	AttributeOrValueExists Code = 20
	InvalidAttributeSyntax Code = 21
	NoSuchObject           Code = 32
	InvalidDNSyntax        Code = 34
	InappropriateAuth      Code = 48
	InvalidCredentials     Code = 49
	InsufficientAccess     Code = 50
	Busy                   Code = 51
	Unavailable            Code = 52
	UnwillingToPerform     Code = 53
	NamingViolation        Code = 64
	ObjectClassViolation   Code = 65
	NotAllowedOnNonLeaf    Code = 66
	NotAllowedOnRDN        Code = 67
	EntryAlreadyExists     Code = 68
	ObjectClassModsBarred  Code = 69
	AffectsMultipleDSAs    Code = 71
	Other                  Code = 80
	AssertionFailed        Code = 122
)

// codes says of each result what it means for a caller. RFC 4511 A.2 says of some that
// the server cannot, or does not want to, do now what it was asked: busy, unavailable,
// unwillingToPerform, the limits on time and effort, and other. Whoever asks again later
// may succeed, and nothing can be done about them but by the directory's administrators.
var codes = map[Code]struct {
	name string
	kind error
}{
	Success:                {"success", nil},
	OperationsError:        {"operationsError", ErrOther},
	ProtocolError:          {"protocolError", ErrOther},
	TimeLimitExceeded:      {"timeLimitExceeded", ErrUnavailable},
	SizeLimitExceeded:      {"sizeLimitExceeded", ErrOther},
	CompareFalse:           {"compareFalse", nil},
	CompareTrue:            {"compareTrue", nil},
	AuthMethodNotSupported: {"authMethodNotSupported", ErrDenied},
	StrongerAuthRequired:   {"strongerAuthRequired", ErrDenied},
	AdminLimitExceeded:     {"adminLimitExceeded", ErrUnavailable},
	UnavailableCriticalExt: {"unavailableCriticalExtension", ErrOther},
	ConfidentialityNeeded:  {"confidentialityRequired", ErrDenied},
	NoSuchAttribute:        {"noSuchAttribute", ErrConflict},
	UndefinedAttributeType: {"undefinedAttributeType", ErrSchema},
	InappropriateMatching:  {"inappropriateMatching", ErrSchema},
	ConstraintViolation:    {"constraintViolation", ErrSchema},
	AttributeOrValueExists: {"attributeOrValueExists", ErrConflict},
	InvalidAttributeSyntax: {"invalidAttributeSyntax", ErrSchema},
	NoSuchObject:           {"noSuchObject", ErrNotFound},
	InvalidDNSyntax:        {"invalidDNSyntax", ErrSchema},
	InappropriateAuth:      {"inappropriateAuthentication", ErrDenied},
	InvalidCredentials:     {"invalidCredentials", ErrDenied},
	InsufficientAccess:     {"insufficientAccessRights", ErrDenied},
	Busy:                   {"busy", ErrUnavailable},
	Unavailable:            {"unavailable", ErrUnavailable},
	UnwillingToPerform:     {"unwillingToPerform", ErrUnavailable}, // a data base that was made read-only for a while, for one
	NamingViolation:        {"namingViolation", ErrSchema},
	ObjectClassViolation:   {"objectClassViolation", ErrSchema},
	NotAllowedOnNonLeaf:    {"notAllowedOnNonLeaf", ErrConflict},
	NotAllowedOnRDN:        {"notAllowedOnRDN", ErrSchema},
	EntryAlreadyExists:     {"entryAlreadyExists", ErrExists},
	ObjectClassModsBarred:  {"objectClassModsProhibited", ErrSchema},
	AffectsMultipleDSAs:    {"affectsMultipleDSAs", ErrOther},
	Other:                  {"other", ErrUnavailable}, // "an internal error": a full disk, for one
	AssertionFailed:        {"assertionFailed", ErrConflict},
}

// String is the code's name in RFC 4511.
func (c Code) String() string {
	if i, ok := codes[c]; ok {
		return i.name
	}
	return fmt.Sprintf("LDAP result %d", uint16(c))
}

// Kind is the kind of failure that a code means.
func (c Code) Kind() error {
	if i, ok := codes[c]; ok && i.kind != nil {
		return i.kind
	}
	return ErrOther
}

// CodeOf is the result code of err: Success for nil, the schema's own for what
// ldapschema.Check refused, Other for what has none.
func CodeOf(err error) Code {
	if err == nil {
		return Success
	}
	var e *Error
	if errors.As(err, &e) && e.Code != Success {
		return e.Code
	}
	var s *ldapschema.Error
	if errors.As(err, &s) {
		return problemCode(s.Problem)
	}
	switch {
	case errors.Is(err, ldapschema.ErrDN):
		return InvalidDNSyntax
	case errors.Is(err, ErrUnavailable):
		return Unavailable
	}
	return Other
}

func problemCode(p ldapschema.Problem) Code {
	switch p {
	case ldapschema.BadName:
		return NamingViolation
	case ldapschema.BadClasses, ldapschema.MissingAttribute, ldapschema.ForbiddenAttr:
		return ObjectClassViolation
	case ldapschema.UnknownAttribute:
		return UndefinedAttributeType
	case ldapschema.DuplicateValue:
		return AttributeOrValueExists
	case ldapschema.BadValue:
		return InvalidAttributeSyntax
	}
	return ConstraintViolation
}
