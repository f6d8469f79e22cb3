/*
Package wsdl writes the description of the leasing services for other people's
tools: a WSDL 1.1 document for each of the four port types, and the schema of the
beans that all four import (wire contract 1.4, 1.5, 2.2, 2.3).

Both follow from tables: the operations and their parts from package wire, the
beans from beans.go beside this file. Code that a tool generates from them writes
what wire/soap reads and legacy readers accept:

  - the parts stand in wire order, which is the order of the legacy beans and not
    that of the legacy WSDL (wire contract 2.2)
  - what legacy readers do not survive without is mandatory here, though the legacy
    schema calls it optional: resourceSet, term and resourceData in a reservation,
    value in a plistNode (wire contract 3.9)
  - pvalue, which nobody writes and legacy readers skip, is left out

The AuthToken header and the signature are no part of the description, as with
legacy services: no tool would know how to make them from it.

# Where to read next

beans.go is the schema as a table, definitions.go the WSDL. actors/endpoint serves
both, conformance/peers has other people's tools read them.
*/
package wsdl
