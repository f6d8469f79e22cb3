package ldapdir

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

var _ directory.Describer = (*Dir)(nil)

// maxDefinitions is more than any server publishes.
const maxDefinitions = 20_000

// Describe asks the server what it is: its root entry names the controls and where the
// schema is published (RFC 4512 5.1, 4.4). Definitions that cannot be read are left
// out; a server has some that are nobody's business here.
func (d *Dir) Describe(ctx context.Context) (directory.Description, error) {
	out := directory.Description{Controls: map[string]bool{}}
	err := d.read(ctx, "describe", "", func(c *conn) error {
		root, err := one(c, "", "subschemaSubentry", "supportedControl")
		if err != nil {
			return err
		}
		for _, oid := range root.GetAttributeValues("supportedControl") {
			out.Controls[oid] = true
		}
		schema, err := one(c, root.GetAttributeValue("subschemaSubentry"), "attributeTypes", "objectClasses")
		if err != nil {
			return err
		}
		all := append(schema.GetAttributeValues("attributeTypes"), schema.GetAttributeValues("objectClasses")...)
		if len(all) > maxDefinitions {
			return fmt.Errorf("the server publishes %d definitions", len(all))
		}
		for _, text := range all {
			if def, err := ldapschema.ParseDefinition(text); err == nil {
				out.Schema = append(out.Schema, def)
			}
		}
		return nil
	})
	return out, err
}

// one reads operational attributes of one entry.
func one(c *conn, dn string, attrs ...string) (*ldap.Entry, error) {
	res, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attrs, nil))
	if err != nil {
		return nil, err
	}
	if len(res.Entries) != 1 {
		return nil, ldap.NewError(ldap.LDAPResultNoSuchObject, errors.New("hidden"))
	}
	return res.Entries[0], nil
}
