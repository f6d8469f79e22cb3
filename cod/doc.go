/*
Package cod is Cluster-on-Demand: it turns a site authority's actions on units
into virtual clusters, each a slice's own corner of the site's network and
directory, and their nodes (paper B 4.3).

Like an actor, the [Machine] is pure. It is given an instant and one [Event], and
answers with the [Effects] it wants carried out: entries written to the directory,
entries read, driver calls, and reports back to the authority. Package cod/site
carries them out.

# The life of a node

	asked      the slice's cluster comes first: subdomain, block, group, accounts
	allocated  a free id is claimed by adding the host's entry; DHCP and DNS follow
	staged     the entries say "booting" before anything boots
	booting    the driver sets the unit up
	up         the authority is told: name, address, what the driver found out
	saving     its lease is over, and the driver saves what it is doing, if that is wanted
	held       what was saved is kept for a while, for a later lease of the slice
	draining   the driver tears the unit down
	wiped      DNS, DHCP and the host's entry go, in this order
	free       and with a slice's last node its cluster, whose block is free again

A driver that cannot set a unit up, or a directory that will never accept an entry,
makes the node suspect; one that cannot be torn down is quarantined. The authority is
told, and its next action tries again; an operator's word frees either. A directory that
does not answer, or does not want to for now, is waited for, without end.

# Promises

  - An entry's name is the claim to what it stands for: the node's id, the block, the
    subdomain. A name that somebody else has is not used; another is chosen.
  - Two nodes never share an address, a name or a hardware address.
  - Nothing a lessee writes becomes a name, a statement or a record as it is.
  - Entries without our mark are never changed or removed, and what operators change
    in ours stays changed as long as the entry is needed ([ldapschema.Merge]).
  - What operators write into a node's own entry, its address, name, image or a hold, the
    node follows, and its DHCP and DNS entries with it; what it cannot follow is left and
    shown (adopt.go, conflict.go).
  - The directory is enough: [Machine.Load] rebuilds everything from it. While this
    program is away, the directory goes on saying what is true.
  - One process at a time writes for an owner (fence.go).

# Where to read next

node.go is the life above as code, state.go its table; shelf.go brings a set of
entries from what stands to what should. ladder.go is the end of a lease, virtual.go
where virtual machines are and how machines become their hosts, with package cod/pool. testdata holds stories, events in and
effects out.

# What is not here

Which unit a lease gets: actors/authority. How a machine is made to boot: handlers.
*/
package cod
