/*
Package site gives package cod's machine its world: a directory to write, a driver
to call, and time.

A [Site] takes a host's actions through [Site.Run], which never blocks, and answers
each through Config.Report. One goroutine steps the machine; a bounded number of
workers carry out directory operations, another bounded number driver calls. Their
answers come back to the one goroutine as events.

# Starting

A Site first adds the base tree where it is absent ([cod.Base]), and is told everything
that is in the directory (RFC 4533). It takes the next number among the processes of its
owner and makes the machine ([cod.Machine.Load]). Until the directory answers, actions
wait.

# In sight

From then on each change in the directory reaches the machine as an event, so that
operators' edits are followed as they are made. While the directory is out of sight
nothing is written: another process may have taken over meanwhile, and once everything
was told again, so was that. A directory that cannot be watched is read once.

# Stopping

Close gives up whatever is under way, as a crash would. Nothing is lost by that: the
directory says what was done, and the authority asks again for what was not answered.

# What is not here

Every decision: package cod. This package chooses nothing but when to give up on one
call.
*/
package site
