/*
Package keys makes, keeps and reads the identity of an actor: its GUID, its name,
its private key, and a certificate that carries the public key to peers.

Certificates are self-signed. Their subject is CN=GUID, OU=name, and they name
urn:uuid:GUID as an alternative name. What makes peers believe a key is not the
certificate but the pin they keep (wssec.Pin); [Fingerprint] is for the telephone
call before an administrator makes one.

An identity is kept in a folder as two files: identity.pem, with the private key
and the certificate, readable by its owner only; and certificate.pem, to be given
to peers. Both are written whole or not at all. [Load] refuses an identity.pem
that others can read.
*/
package keys
