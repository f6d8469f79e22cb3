/*
Package ledger holds issuers of tickets to account: nobody may give away more than
was given to him (the SHARP papers; tickets 12.1, 13.3).

Tickets carved from one root form a tree, a claim under each claim. The rule is
conservation: at every instant to come the children of a claim together hold no
more units than the claim. A [Ledger] takes verified tickets, one after the other,
and refuses the first that breaks the rule, as a site does with the later redeemer.
Its [Conflict] names the instant and the fewest sibling claims that exceed their
parent there, with the signed texts they came in; package actors/evidence makes of
it a proof that others can check.

# What counts as one holding

An extension is a new record beside the old one, and nothing signed links the two
(tickets 13.3). Counting both would accuse an honest issuer, so:

  - claims redeemed under one reservation are versions of one holding. The latest
    counts from its NewStart on, the one before it until then (tickets 11.4);
  - where no reservation is known, so for claims that are only ancestors of what was
    redeemed, and whenever tickets alone are judged, records with one holder, type
    and start count as versions of one holding, in order of NewStart. Only if all
    of them are first grants (NewStart is Start) in a chain whose records name their
    parents, whose issuers never extend to the same NewStart, does each count by
    itself.

The price is that tickets alone cannot show every conflict that a Ledger refuses
([Judge]).

# What is past

Nobody can use what is past, so it is not counted: the clocks of a site and its
broker differ, and what one has taken back the other may sell a moment before.

# What nobody uses

A claim that only is an ancestor counts whole, but only as long as something that
was carved from it is held: its holder gives back early what nobody holds any of, and
its issuer gives it again to somebody else. As soon as somebody presents something
carved from it again, it counts again, and the later of the two is refused.

# What it does not know

That an issuer took something back which its holder presents, or sells on, all the same:
units that were relinquished may be given again, and the issuer then answers an
accusation with the signed relinquish.

# Cost

A claim costs a few look-ups for each of its ancestors and the logarithm of the
number of its siblings (actors/calendar). Only a conflict looks at all of them.

Read ledger.go, then hold.go for how much is held when, and judge.go. Nothing here
is kept on disk: an actor puts its claims back with [Ledger.Restore].
*/
package ledger
