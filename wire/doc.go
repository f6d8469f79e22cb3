/*
Package wire holds the messages of the leasing protocol as plain structs, and
one table of its operations. It knows nothing of XML: wire/soap turns a [Message]
into octets and back, wire/plist does the same for the texts that travel inside
values, and actors/translate maps messages to and from the words of package
actors.

The protocol is the legacy one of Shirako ("soapaxis2"), field for field, so that
peers of both kinds can be served by one codec. Section numbers in comments, such
as "wire contract 2.3", are those of that protocol's description.

# Shape

All operations share one [Message]. Which of its fields an operation carries, and
in which order, is the Parts column of the [Operation] table; the other fields
are zero. Ten operations carry the same reservation record, so ten structs would
be one struct ten times.

# Absent and empty

The protocol tells an absent property list from an empty one (wire contract 3.5,
3.9). So does this package: a nil slice is absent, an empty one is present with
nothing in it. Decoders keep the difference and encoders write it.

# How to add a message

 1. A row in the table of op.go and, for a new field, a field of Message with the
    section it comes from.
 2. wire/soap: the part in encode.go and in decode.go, a golden file and a row in
    the golden test. A test there fails for an operation without a golden file.
 3. What peers may write otherwise: a file under wire/soap/testdata/loose.
 4. actors/translate: the row in ops.go, both ways, and a row in its round trip.
 5. An event or an effect in package actors, and a case in each role's step; read
    the difference in the role's matrix.
 6. A line in the simulator's workload, and a conformance case with its sentence.

# What is not here

Signatures and the AuthToken header (wssec), transport (actors/endpoint,
actors/remote), the meaning of a message (the roles' machines).
*/
package wire
