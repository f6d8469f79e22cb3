/*
Package evidence makes of a conflict between claims a proof that others can check
(tickets 12.1, 13.3): the tickets of the fewest claims that exceed what they were
carved from. Anybody who has the site's key can check it without asking anyone
([Proof.Verify]), because the one it accuses has signed it himself.

The text of a [Proof] is JSON with the tickets in it, to be kept and passed on.

# What a proof does not show

That the issuer took nothing back: units that were relinquished may be given
again, and the issuer then answers an accusation with the signed relinquish. In
the legacy scheme, moreover, a record does not name its parent, so a holder can
move it under another ticket of its issuer: [Finding].Conclusive is false, and
only the site, who knows what it issued, can judge.

Nor can every conflict be shown. Who redeems a ticket and sells parts of it has
signed only the parts, and some versions of one holding are told from two holdings
by their reservations alone ([Of] says which).

What conflicts is for actors/ledger to find.
*/
package evidence
