/*
Package directory is how the rest of the program sees an LDAP directory: it
carries out changes, reads entries, and says of a failure whether trying again
makes sense.

A site's directory is authoritative. Daemons read it without asking us, operators
edit it with their own tools, and clusters keep running from it while we are down.
So this interface is small, every write stands by itself, and a write can assert
what it believes about the entry: what was changed in between is then not
overwritten but refused, and the writer reads and merges again (ldapschema.Merge).

# The bodies behind it

	memdir    in memory, with the same rules as a server, for tests and the simulator
	ldapdir   a client for any server that speaks LDAP (RFC 4511), such as slapd
	embedded  an LDAP server inside this process, for sites that run no other

Package tree holds the rules of a directory tree, for memdir and embedded both.
Package dirtest is the suite that every body passes.

# What is not here

Names, entries and schema are in ldapschema. Which entries a site wants is decided
in cod.
*/
package directory
