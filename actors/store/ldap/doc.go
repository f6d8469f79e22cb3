/*
Package ldap keeps actors' records in a directory server: the recovery repository
of the Shirako paper. Any server that follows RFC 4511 will do; no extension is
asked for, and of transactions (RFC 5805) there are none.

# The tree

	Base                                    an entry of the site's own choice
	  lhName=broker                         lhActor: one actor
	    lhName=7-KX3...                     lhHolding: generation 7, and whose it is
	      lhName=reservation/4f0c           lhRecord: one record, its octets in lhData
	      lhName=~1~reservation/9a1e        lhPart: the rest of a value too long for one entry
	      lhName=~log3                      lhPart: a batch whose records are not written yet

A key may be any octets. As a name each octet but letters, digits and some signs
is written %XX; what then is too long for a name is named by its SHA-256. The key
itself is in lhKey.

# The fence

Whoever opens an actor renames its holding: 7-KX3... becomes 8-PQ1..., and
everything below goes with it. That is one operation (RFC 4511 4.9). From then on
every write of the former holder names an entry that is not there, and fails, adding
a record as well as changing one; so does a request of our own that was thought
lost and arrives late, because after any doubt we rename our own holding before we
go on. An assertion (RFC 4528) could guard only writes to an entry that is there,
and not every server knows it.

The last one to open an actor has it. There is no lease: do not point two servers
at the same actors and expect them to take turns. See package postgres for that.

# A batch

An LDAP write changes one entry. A batch of one record whose entry is there is one such
write. Any other goes first, as a whole, into one entry: a page of the log (~log0,
~log1 and so on). That write is the batch's moment: before it nothing has happened,
after it the batch is kept. The records themselves are written when the log has no more
pages, or no more room: of each key only the last value, and nothing of one that has come
and gone meanwhile. The batch that finds the log full then becomes the journal, in the
holding's own entry, and begins the log anew: pages whose number is not above that of
the holding are over.

Load reads journal and log over the records. It does not matter how many of these had
been written: each carries the number of the batch that wrote it last, and what the log
says of it counts only with that number or a higher one. Whoever opens an actor carries
out what its log says, and clears it away.

A batch too long for a page, or for the holding's entry when it is to become the journal,
is put into parts, beside the records, before the journal says that they count; its
records are written at once. That is dear, so a page takes as much as a part does: batches
of signed tickets, each some thousands of octets long, are nearly all short enough.

# Versions

A holding says in which schema version its records are (lhSchema; the first programs
did not say, which means 1). A newer one is refused before it is taken over. An older
one is brought forward in one batch, after a copy of the actor was made beside it,
below lhName=~schema1~broker. To go back, remove the actor's entry and give the copy
its name.

# The server

Bind, search, add, modify, delete and modifyDN of RFC 4511 are all that is used: no
control, no extended operation, no operational attribute. The renaming of an entry
that has others below it is asked of a server by few programs; a server that refuses
it (RFC 4511 4.9 allows that) cannot be used, and says so when an actor is opened.

Some slapd 2.5 end themselves when the first question about a data base finds nothing
in it at all. Load the entry above Base before the first start:

	ldapadd -x -D cn=admin,dc=example,dc=org -W <<.
	dn: dc=example,dc=org
	objectClass: domain
	dc: example
	.

# What to read next

open.go takes over, save.go writes, load.go reads, migrate.go brings forward, journal.go and name.go are the
forms of things. What is not here: connections, see cod/directory/ldapdir; the
schema, see ldapschema/recovery.go.
*/
package ldap
