/*
Package registrar is an actor registry: where the actors of a federation say that
they are there, with their addresses and certificates, and where others ask for them.
It answers the methods of the deployed registry (actor-registry 1.1), so that deployed
actors register here and ours read theirs.

	insert       -> checks -> a record, not verified
	an operator  -> verified
	getActors... -> those that were heard of lately

A registration proves one thing only: whoever made it has the private key of the
certificate in it, because TLS says so. What it says beside that is somebody's word
until an operator has compared it with what the actor's people say. Queries for
verified actors give nothing else.

# What differs from the deployed registry

The certificate in a registration is compared with that of the connection, and with
the one before, as a certificate and not as a text. A connection without one is
refused, unless the configuration says that deployed practice is wanted. Names, texts
and the number of actors are bounded, so that nobody who may register can fill the
disk.

service.go is the methods, check.go what is refused, store.go the records, admin.go
what operators do while it runs. Package member is the other side.
*/
package registrar
