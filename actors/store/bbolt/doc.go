/*
Package bbolt keeps the records of all actors of a process in one file, an
embedded B+tree (go.etcd.io/bbolt): nothing to install, one file to copy.

Every actor has a bucket of its own. All of them share one writer: a goroutine
that takes whatever batches are waiting, from any actor, and commits them in one
transaction, so that the two flushes a commit costs are paid once for all callers
and not once for each.

The file carries the version of its layout. A program refuses a file that is
newer than itself, or that is no file of ours, and changes nothing in it. An older
one is brought forward in one transaction, after a copy was made beside it
(actors.db.schema1); to go back, put the copy in the file's place. The
file is locked while open; a second process is told so and does not wait for ever.

What is not here: sharing between machines. A file belongs to one process.
*/
package bbolt
