/*
Package inventory reads lists of machines that a site has already: the host
declarations of an ISC dhcpd.conf, a hosts file with an ethers file, and LDIF. Each
becomes machines for the directory ([ldapschema.InventoryHost]), and a [Note] for
every line that was not understood or not taken over: nothing is dropped in silence.

Names become what host names may be in lower case, the first label alone; the rest
stays as another name. A name or a hardware address that comes twice is taken once.

What is not here: files and directories. The texts are given, and limited.
*/
package inventory
