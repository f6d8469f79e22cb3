/*
Package dirtest is the suite that every directory.Directory passes: the one in
memory, the client against the embedded server, and the client against slapd. What
the suite does not ask, callers must not rely on.
*/
package dirtest
