/*
Package dns keeps a name server's zones as the directory says: it watches the
entries of class dNSZone (RFC 4533) and sends what changes to a stock server such
as BIND as signed dynamic updates (RFC 2136, RFC 8945).

A [Follower] belongs in a process of its own; its loop is package cod/feed. Whatever
it sends says the whole truth about a name, so that sending it again is harmless.

# What it will not do

  - Empty a zone because a source was silent: nothing is removed before the
    directory has told everything, and when that would take away more than a share
    of a zone's names, none is and an operator is told.
  - Touch SOA and NS records of a zone's apex, or zones that the directory does not
    name. A zone it did not add it does not remove.
  - Hold up a zone for one bad value: package zones leaves that out.

follow.go is the door, work.go what is due, server.go speaks to the name server, rndc.go adds and
removes zones at BIND, key.go reads the key that both share.
*/
package dns
