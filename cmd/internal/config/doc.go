/*
Package config reads, checks and writes the configuration of leasehold serve.

One YAML file says which actors a process hosts, who their peers are and where
things lie. [Parse] turns its text into a [Config] and, if anything is wrong, into
[Problems]: all of them at once, each with file, line, column, the path of the key
and, for a slip of the pen, the nearest word that would have been right. [Load]
reads a file, parses it and also looks at the files it names: a key must belong to
its actor, a certificate to its peer, and a secret must not be readable by others. [Config.YAML] is the way back; it
writes the commented file that leasehold init starts people with, and Parse gives
the same Config again.

# The rules

A key nobody knows is an error, never ignored. A key that belongs to another role
is an error. A value that is missing takes the default written beside its field.
Relative paths are relative to the folder of the file. Sizes are limited: see
[MaxBytes] and [MaxNodes]; aliases count each time they are used.

# What to read next

config.go is the shape. actor.go, peer.go, store.go and parse.go read it, one function for
each block of the file. check.go holds the rules that concern more than one key.

# What is not here

Nothing is made or started: package wiring does that with what is read here.
*/
package config
