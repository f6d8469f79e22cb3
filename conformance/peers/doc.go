/*
Package peers holds Leasehold's messages against implementations that others wrote,
in both directions: what we sign they verify, what they sign we open, what they
generate from our WSDL we read, and what they read of ours is what we wrote.

	WSS4J    the library of the legacy actors' stack, in generation 1.6 (wss4j/)
	Axis2    its SOAP engine, with stubs generated from our WSDL, and Rampart (axis2/)
	zeep     SOAP in Python, signing with xmlsec (zeep/)
	xmlsec1  XML security in C, run as a command
	xmllint  our schema against our messages

There is no code here but tests: a peer is started once for all of them and spoken
to through its standard input and output, one message a question. setup.sh makes the
Java programs; conformance/setup/install.sh installs Debian's. A peer that is not
there fails the tests that need it.

What each of them does differently from what one would expect is in
conformance/doc/peers.md. The rows of BenchmarkWSS4J measure us beside a warm WSS4J.
*/
package peers
