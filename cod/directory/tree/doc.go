/*
Package tree holds the rules of a directory tree: an entry's parent exists, what
has children stays, a name is used once, a modification leaves an entry that the
schema allows, a renamed entry takes its subtree along.

The rules work on any [Store], a map in memory or a transaction of a data base.
Each operation checks everything before it writes anything, so a refused one has
changed nothing and a store needs no undo.

# What is not here

Protocol, locking, durability and access rights belong to those who hold a store.
Nothing here reads a clock or draws a number; [Tree.Stamp] is where they come in.
*/
package tree
