/*
Package site gives package cod's machine its world: a directory to write, a driver
to call, and time.

A [Site] takes a host's actions through [Site.Run], which never blocks, and answers
each through Config.Report. One goroutine steps the machine; a bounded number of
workers carry out directory operations, another bounded number driver calls. Their
answers come back to the one goroutine as events.

# Starting

A Site first reads the whole directory, adding the base tree where it is absent
([cod.Base]), and rebuilds the machine from it ([cod.Machine.Load]). Until the
directory answers, actions wait. When it goes away later, the machine tries again by
itself.

# Serial numbers

Name servers that read zones from the directory need a new serial number when a name
has changed. With Config.Serials a site raises it; package cod/dns needs none.

# Stopping

Close gives up whatever is under way, as a crash would. Nothing is lost by that: the
directory says what was done, and the authority asks again for what was not answered.

# What is not here

Every decision: package cod. This package chooses nothing but when to give up on one
call.
*/
package site
