/*
Package embedded is an LDAP server inside this process: for sites that run no
other, for demonstrations that need nothing installed, and for tests.

It speaks the protocol of RFC 4511 to any client: the OpenLDAP tools, ldapvi, name
service switches, dhcpd, this program's own ldapdir. It checks what it is given
against the schema in ldapschema, publishes that schema, keeps the operational
attributes that others rely on (entryUUID, entryCSN, modifiersName...) and answers
a write only when it is on disk.

# How it is built

	server.go, conn.go         who is connected, and what each has under way
	message.go, control.go     octets to requests, with limits
	bind.go, search.go, ...    one file for each kind of request
	writer.go                  the one goroutine that writes, many requests in one commit
	watch.go                   clients that are told of each change (RFC 4533)
	store.go, codec.go,        entries in a bbolt file, ordered as the tree is walked
	index.go

Readers never wait for the writer, and see only what is durable.

# What is not here

Access rights are coarse: the root DN and the configured writers may do everything,
others may read all but secrets, if that. There is no replication, no SASL, no
referral, and no extensible matching; sites that need those run slapd.
*/
package embedded
