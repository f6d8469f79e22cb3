package directory

import (
	"context"

	"github.com/leasehold/leasehold/ldapschema"
)

// A Description is what a server says of itself.
type Description struct {
	Schema   []ldapschema.Definition // attribute types and object classes
	Controls map[string]bool         // OIDs of the controls it understands
}

// ControlAssertion is the control that a site cannot do without (RFC 4528).
const ControlAssertion = "1.3.6.1.1.12"

// A Describer is a directory that can say what its server is.
type Describer interface {
	Describe(ctx context.Context) (Description, error)
}
