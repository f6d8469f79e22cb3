/*
Package endpoint is the inbound side of one actor: it turns an HTTP request into
an event for the actor, if and only if a pinned peer signed exactly this request
for exactly this actor, just now and once.

	HTTP -> wire/xmltree -> wssec.OpenRequest -> replay cache -> wire/soap
	     -> translate (tickets verified) -> permission -> the actor

Each stage refuses what the next one need not understand. The order matters: no
octet of the Body is decoded before its signature holds, and what is decoded is
the very node that was verified (wssec 12). A message that is refused anywhere
reaches no actor and changes nothing but the replay cache.

# Deployed actors

A peer whose policy says legacy signs its Body and nothing else; nothing says when
or for whom. Such a message is remembered, with [Journal] also over restarts, and
its octets sent again are answered as the first time and not acted upon. It may
come as text/xml or in one part of MTOM, chunked, with or without
Expect: 100-continue.

# Calls of XML-RPC

A peer whose policy says protocol xmlrpc calls methods instead, under another path
(xmlrpc-leasing 4). Its calls go through the same stages, with a codec and a signature
of their own, and end in the same events:

	HTTP -> wire/xmlrpc/server -> wssec.OpenCall -> replay cache -> permission
	     -> wire/xmlrpc/leasing -> translate -> the actor

# Answers

A 200 with an empty, signed response says that the actor has taken the message and
that its effects are durable; it confirms the signature of the request. What the
actor thinks of it comes later, as a call in the other direction.

Anything else is a SOAP fault that gives a kind and no cause. Once a request is
verified its fault is signed as well, so that the caller knows it is ours (not for
deployed actors, which look for no signature there); before that it is unsigned,
and one text serves all failures of authentication (wssec
A28). The cause goes to the log, once, with the fields actor, peer, reservation,
msg_id and kind. A peer that could not be verified is logged by its address.

# Where to read next

config.go, admit.go for HTTP, receive.go for the message, rules.go for what a
verified message must still obey, answer.go for responses, calls.go for the same as calls of XML-RPC,
journal.go for what outlives the process, describe.go for the WSDL that anybody may read, services.go to
serve several actors.

# What is not here

Deadlines for slow clients and the number of connections: those are the
http.Server's. The packaging itself is in wire/soap, signatures in wssec.
*/
package endpoint
