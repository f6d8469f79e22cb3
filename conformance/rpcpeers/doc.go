/*
Package rpcpeers has nothing but tests: it calls servers of XML-RPC that others wrote
and is called by their clients, and it puts our actor registry and our member of one
beside theirs.

	python    Python's own library
	apache    Apache XML-RPC 3.1.3 of Maven Central, which deployed actors are built on
	perl      RPC::XML, which is strict, and XMLRPC::Lite, which guesses types
	ruby      Ruby's library
	php       PHP's extension (xmlrpc-epi)
	c         xmlrpc-c, with its curl client and its Abyss server
	node      xmlrpc of npm

A client fetches a value of every type that all peers read, test.types, gives it back to
test.same, and sends to test.note what its library is known to write in a way of its
own. A server echoes. What each writes is a table of tests, quirks_test.go, and what we
make of it stands in conformance/doc/peers.md.

setup.sh makes what has to be made; conformance/setup/install.sh installs the rest.
*/
package rpcpeers
