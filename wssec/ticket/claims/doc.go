/*
Package claims holds issuers of tickets to account: nobody may give away more
than was given to him, and whoever does has signed the proof himself (the SHARP
papers; tickets 12.1, 13.3).

Tickets carved from one root form a tree, a claim under each claim. The rule is
conservation: at every instant the children of a claim together hold no more
units than the claim. A [Ledger] takes verified chains, one after the other, and
refuses the first that breaks the rule, as the site does with the later redeemer.
Its [Conflict] names the instant and the fewest sibling claims that exceed their
parent there, and from it comes a [Proof]: their tickets, which anybody who has
the root's key can check without asking anyone ([Proof.Verify]).

# What counts as one holding

An extension is a new record beside the old one, and nothing signed links the two
(tickets 13.3). Counting both would accuse an honest issuer, so:

  - claims redeemed under one reservation are versions of one holding. The latest
    counts from its NewStart on, the one before it until then (tickets 11.4);
  - where no reservation is known, so in a Proof and for claims that are only
    ancestors of what was redeemed, records with one holder, type and Start count
    as versions of one holding, in order of NewStart. Only if all of them are
    first grants (NewStart is Start) in the scheme sha256-chain-1, whose issuers
    never extend to the same NewStart, does each count by itself.

The price is that a Proof cannot show every conflict that a Ledger refuses:
[Conflict.Proof] says when not.

# What a proof does not show

That the issuer took nothing back: units that were relinquished may be given
again, and the issuer then answers an accusation with the signed relinquish. In
the legacy scheme, moreover, a record does not name its parent, so a holder can
move it under another ticket of its issuer: [Finding].Conclusive is false, and
only the site, who knows what it issued, can judge.

Read ledger.go, then hold.go for how much is held when, and proof.go. There is no
clock here, nothing is kept on disk, and a Ledger is for one goroutine: a site
rebuilds it from the tickets of its leases, in the order they were redeemed.
*/
package claims
