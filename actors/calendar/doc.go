/*
Package calendar answers how many units of something are free over time.

A [Calendar] has a capacity over one term and a set of holds, each a number of
units over an interval. It never lets the holds exceed the capacity at any
instant, which is the promise everything above it rests on: brokers grant from
calendars, find slots in them and draw them, and a site checks with one that no
issuer has sold more than it was given.

A calendar may also know the hosts its units are cut from, each with a size in
several dimensions. A hold can then say on which host it lies and how large each
of its units is; it must fit there as well, in every dimension and at every
instant, and it takes its units from the capacity like any other hold.

Instants are milliseconds and intervals are closed at both ends, as everywhere in
leasing (leasing 2.1).

# Cost

Taking, releasing, asking what is free and finding the next gap cost the logarithm
of the number of holds, and [Calendar.Sketch] costs nothing that depends on it:
profile.go says why. calendar_test.go has the naive twin that every answer is
compared with.
*/
package calendar
