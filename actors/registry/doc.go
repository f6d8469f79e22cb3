/*
Package registry says who the peers of one actor are: their names, addresses,
roles, keys, how each signs, and what each may ask.

A [Registry] is what the administrator wrote, and nothing else. No message adds
a peer, a key or an address to it: legacy actors learn all three from unsigned
headers and unverified tickets, and never forget them (wssec A4, A22). It is
built from a slice; where the slice comes from is the program's business.

It implements wssec.Trust. Reads take a snapshot that never changes, so a
message is judged by one state of the registry; [Registry.Replace] puts another
in its place while messages are under way.

peer.go is one peer and its rules, permissions.go says who may ask what.
*/
package registry
