/*
Package upkeep is what operators do to a site's directory with our commands: they lay
its tree, keep the inventory and the images, and hold nodes back. It is an LDAP tool:
the authority need not run, and learns from the directory.

# Promises

  - What was read is asserted when it is overwritten (RFC 4528): somebody else's edit in
    between is a conflict and stands.
  - Only the attributes that a command is about are written. Whatever else operators or
    other tools have put into an entry stays, and entries of others are never removed.
  - A name is a value and nothing else, whatever it holds: names of entries are built,
    never pasted together.
  - Every command says what it changed, what was so already and what it left, and why.

# What is not here

What the authority does with it: packages cod and cod/site. Reading lists from
elsewhere: cod/inventory.
*/
package upkeep
