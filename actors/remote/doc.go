/*
Package remote is the outbound side of one actor: it takes the messages of the
actor's steps, signs them, and carries them to the peers they name, those of one
reservation in order, and as long as it takes.

	Effects.Send -> queue of the peer -> translate -> wire/soap -> wssec -> HTTP

[Remote.Send] never blocks. Each peer has a queue of its own and, while that
queue is not empty, goroutines, so a dead peer delays nobody else. Messages of
several reservations are under way at once, so that the peer can make what they
change durable together; while it does not answer, one at a time tries. A newer
message of the same reservation and operation takes the place of one that still
waits. Every attempt is sealed afresh, with a new message id and time, so that a
repetition is never a replay.

# What is tried again, and what is given up

An answer counts only when it is signed by the callee and confirms the signature
of this very request. Everything else is a hint that anybody on the way could
have given: it delays, and it never decides (wssec A24).

	signed answer              delivered
	signed fault
	  transient, exhausted,
	  internal error           tried again after a pause of its own; other
	                           reservations go on
	  any other kind           given up: SendFailed with that kind. A signed "not
	                           allowed" is for good, because the peer knew who asks
	unsigned fault
	  unauthorized             as no usable answer
	  any other                tried again after a pause of its own
	no usable answer           tried again after a pause for the whole peer

An unsigned "unauthorized" passes: the peer may not have our key yet, its clock
may be off, or it restarted and refuses what was signed before its start. A
message is given up, with SendFailed of kind Transient, once it has waited for
[Config.Patience] and

	its term has ended, or
	the peer itself keeps saying "try again later", or
	somebody keeps answering with an unsigned fault other than "unauthorized".

# Where messages go

To the URL in the registry, which the administrator wrote. An update may go to
the address its request named when that has the same scheme and host. No other
address that a message made up is ever contacted, and redirects are not followed.

# Deployed actors

To a peer whose policy says legacy a message goes as text/xml, or, if the policy
says so, in one part of MTOM as its own clients send it; answers are read in both.
Its faults are never signed, so they are hints like those of anybody.

# Peers that speak XML-RPC

To a peer whose policy says protocol xmlrpc the same message goes as a call, and the
result of the call, signed by the peer for this very nonce, is its answer. Which of the
two it is makes no difference to anything above.

# Tickets

A granted ticket arrives without its text; [Grant] signs it here, with the key of
this actor and for the pinned certificate of the holder. Signing again gives the
same text.

queue.go orders, attempt.go makes one attempt, call.go makes it as a call of XML-RPC, verdict.go judges it, grant.go signs
tickets, remote.go runs it all.
*/
package remote
