/*
Package site gives package cod's machine its directory, its drivers and its
clock.

A Site is what an authority's host runs actions on. One goroutine steps the
machine; workers carry out what it asks for, a bounded number at once, and bring
the outcomes back as events. Everything the machine knows is in the directory, so
a Site has no store: it lists the directory when it starts, and asks again for
what was under way because the authority does.

A directory that is away stops nothing but writes. The site starts without it,
waits for it with growing pauses, and goes on when it is back; the authority sees
its actions take longer, never fail for that.

site.go is the goroutine, work.go what the workers do. What is not here: which
entries and when (package cod), LDAP (cod/directory), machines (handlers).
*/
package site
