package directory_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

func ExampleError() {
	err := fmt.Errorf("node 7: %w", &directory.Error{
		Op: "modify", DN: "cn=a1,dc=site,dc=test", Code: directory.AssertionFailed, Err: errors.New("an operator was here"),
	})
	fmt.Println(err)
	fmt.Println(errors.Is(err, directory.ErrConflict), errors.Is(err, directory.ErrUnavailable), directory.CodeOf(err))
	// Output:
	// node 7: directory: modify cn=a1,dc=site,dc=test: entry is not as believed (assertionFailed): an operator was here
	// true false assertionFailed
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	_, badDN := ldapschema.ParseDN("x")
	schema := func(p ldapschema.Problem) error { return fmt.Errorf("in: %w", &ldapschema.Error{Problem: p}) }
	for _, c := range []struct {
		err  error
		want directory.Code
	}{
		{nil, directory.Success},
		{io.EOF, directory.Other},
		{badDN, directory.InvalidDNSyntax},
		{&directory.Error{Kind: directory.ErrUnavailable}, directory.Unavailable},
		{&directory.Error{Code: directory.Busy}, directory.Busy},
		{schema(ldapschema.BadName), directory.NamingViolation},
		{schema(ldapschema.BadClasses), directory.ObjectClassViolation},
		{schema(ldapschema.MissingAttribute), directory.ObjectClassViolation},
		{schema(ldapschema.ForbiddenAttr), directory.ObjectClassViolation},
		{schema(ldapschema.UnknownAttribute), directory.UndefinedAttributeType},
		{schema(ldapschema.TooManyValues), directory.ConstraintViolation},
		{schema(ldapschema.ReadOnlyAttr), directory.ConstraintViolation},
		{schema(ldapschema.DuplicateValue), directory.AttributeOrValueExists},
		{schema(ldapschema.BadValue), directory.InvalidAttributeSyntax},
	} {
		if got := directory.CodeOf(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
	if got := directory.Code(999); got.String() != "LDAP result 999" || got.Kind() != directory.ErrOther {
		t.Errorf("unknown code: %v %v", got, got.Kind())
	}
	if err := (&directory.Error{Op: "read", DN: "dc=x", Kind: directory.ErrUnavailable}); !errors.Is(err, directory.ErrUnavailable) || errors.Is(err, directory.ErrOther) {
		t.Errorf("kind of %v", err)
	}
}
