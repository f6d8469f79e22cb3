#!/bin/sh
# kernel.sh prints the folder that Debian's smallest kernel lies in, as the file vmlinuz,
# with its modules below usr/lib/modules; unpack.sh fetches it.
exec "$(dirname "$0")/unpack.sh" kernel
