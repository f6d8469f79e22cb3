/*
Package server answers XML-RPC over HTTP: a table of methods, the questions that a
client may ask about the table, and limits.

	HTTP -> bounded body -> wire/xmlrpc -> method -> answer, or a fault, with status 200

A call that is XML-RPC gets status 200 whatever becomes of it, because clients read
the body of no other. Only what is no call to this server has another status: a wrong
method of HTTP, an encoding nobody asked for, and 503 when there is no room.

Methods of the name system. are the usual ones: listMethods, methodHelp,
methodSignature, multicall and getCapabilities.

# Slow clients

Whoever sends slowly holds a connection and the part of its body that has arrived.
A [Budget] bounds those parts for all clients together; how long one may take is for
the http.Server's deadlines.
*/
package server
