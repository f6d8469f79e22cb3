/*
Package xmlrpc is the codec of XML-RPC: calls, answers and faults as octets, and
the values inside them.

	ParseCall, ParseAnswer             octets -> Call, Value or *Fault
	AppendCall, AppendAnswer, AppendFault     and back

# Read liberally, write strictly

Two dozen stacks speak XML-RPC and no two agree on its edges (xmlrpc-leasing
6.1). The reader takes every spelling one
of them is known to write: strings without a type, i1 to i8 and their Apache names,
both forms of nil, int beyond 32 bits, boolean true, dates with and without dashes,
fraction and zone, broken lines in base64, CDATA, members whose value comes first,
US-ASCII and ISO-8859-1, gzip that is or is not announced. What no two readers agree
on is refused: a struct with two members of one name, text beside an element, a
number that does not fit.

The writer keeps to what all of them read: string, i4, boolean 0 and 1, double,
base64, array, struct, in UTF-8 and on one line. A [Dialect] says what more one peer
understands. A value that the dialect has no word for is an error, never something
near to it.

# Limits

Octets, elements, depth and text are bounded by [Limits] before anything is built
from them, what gzip unfolds to as well. An [Error] carries the fault code that its
sender is to be told.

# Where to read next

value.go, then read.go and scalar.go; write.go.
*/
package xmlrpc
