/*
Package manage is what operators see and may do, over any set of actors in one
process: list and show reservations, request, extend, modify and close them, wait
for a state, watch what moves.

[Service] is the contract. [Local] carries it out on hosts in this process;
[Client] carries it to a [Local] behind a Unix socket. Command line, portal and
tests are written against Service and work with either.

# Names

An actor is named by its configured name or its GUID, a reservation by its
identity; any unique beginning will do. Where one reservation is known to several
actors of the process, as in a demonstration federation, its service manager is
meant unless an actor is named. Anything else ambiguous is refused with the
candidates.

# Times

Everything here is in RFC 3339. Actors count in cycles; an instant made from a
cycle is the first of that cycle by that actor's own clock settings. An end is
the first instant no longer covered, so that a term from 09:00 to 10:00 says so,
and two such terms in a row do not overlap; on the wire and in package actors the
end is the last instant that is still covered. An absent time means none: an end
that is absent is a term without end.

# Errors

Errors are of the kinds of package actors, and carry the whole story, because
operators are on our side. [ExitCode] turns them into the exit codes of commands.

# What to read next

service.go is the contract, model.go what it shows. handler.go and client.go are
the two ends of the socket. What is not here: what a peer may do (actors/endpoint)
and pages (actors/portal).
*/
package manage
