/*
Package xen runs the driver of virtual machines on real Xen hosts.

Two of them run side by side: Xen 4.17 and Debian's control domain, each in a QEMU
without hardware support, joined by a network of their own. image.sh makes the disk
that both start from, once. A host that has come up is kept as a snapshot beside its
disk, from which the next run goes on within seconds.

	make test-xen

The test drives everything through handlers/drivers/xen and handlers/run/sshrun with
the forced command, and looks at what came of it with another key: at xl's own list,
and at the consoles of the domains, where a program counts aloud.

A plain "go test" leaves this out, because it takes minutes.
*/
package xen
