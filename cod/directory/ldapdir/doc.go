/*
Package ldapdir is a directory kept by any server that speaks LDAP (RFC 4511):
OpenLDAP's slapd, another product, or this program's own embedded server.

It keeps a few connections, each used by one call at a time, so that a slow answer
holds up nobody else. It opens them when they are needed and not before: a site
starts, and goes on, while its directory is down, and calls fail with
directory.ErrUnavailable until it is back. Every call ends within its context and
the configured timeout, whatever the server does. A watch has a connection of its own
and reads the server's answers itself (stream.go).

A write whose answer was lost is not repeated here: only the caller knows whether
it may be. See directory.Directory.

# What is not here

Replication, access rights and indexes are the server's.
*/
package ldapdir
