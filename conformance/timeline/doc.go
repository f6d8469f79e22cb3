/*
Package timeline plays one lease between a service manager, a broker and a site on
exact clocks, and says in which cycle each message is sent.

Nothing is lost and nothing is random here unless a test asks for it: actions take one
cycle, messages arrive in the cycle in which they are sent, or later by as much as a
test says. So what the legacy documents say about cycles can be compared to the cycle
(leasing 2.5, 2.6), and the acceptance checks that concern all three roles stand here
under their numbers (leasing 11). Worlds with chance in them: package sim.
*/
package timeline
