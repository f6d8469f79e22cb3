package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

// shipped are the families that every OpenLDAP has as files.
var shipped = []ldapschema.Family{ldapschema.Core, ldapschema.Cosine, ldapschema.NIS, ldapschema.InetOrgPerson}

// A SchemaError says what a server's schema lacks, and what to load.
type SchemaError struct{ Lacks []ldapschema.Lack }

// Error lists the families, and ends with what to do.
func (e *SchemaError) Error() string {
	var b strings.Builder
	b.WriteString("the directory's server lacks schema that a site needs:")
	var ours []string
	for _, l := range e.Lacks {
		fmt.Fprintf(&b, "\n  %s:", l.Family)
		if n := len(l.Missing); n > 0 {
			fmt.Fprintf(&b, " no %s", strings.Join(l.Missing[:min(n, 4)], ", "))
			if n > 4 {
				fmt.Fprintf(&b, " and %d more", n-4)
			}
		}
		if len(l.Clash) > 0 {
			fmt.Fprintf(&b, " other definitions under the same names: %s; another schema is loaded that cannot be beside it", strings.Join(l.Clash, ", "))
			continue
		}
		if slices.Contains(shipped, l.Family) {
			fmt.Fprintf(&b, "; load OpenLDAP's own %s.schema", l.Family)
			continue
		}
		ours = append(ours, string(l.Family))
	}
	if len(ours) > 0 {
		fmt.Fprintf(&b, "\nload it while the server runs: leasehold cod schema --ldif %s | ldapadd -Y EXTERNAL -H ldapi:///", strings.Join(ours, " "))
	}
	return b.String()
}
