package guest

import (
	"fmt"
	"strings"
)

// Join is a script for the nodes of a lessee that makes them see their cluster: a sample
// of what a join handler runs, as root, on Debian. It writes the files of [Files] from
// what the lessee is told about its units, which it finds in its environment.
func Join() string {
	files, err := Config{
		Servers: []string{"${LEASEHOLD_URL}"}, Cluster: "${LEASEHOLD_CLUSTER}", BindDN: "${LEASEHOLD_BIND}", Password: "${LEASEHOLD_PASSWORD}",
	}.files()
	if err != nil {
		return "" // the values are ours
	}
	var b strings.Builder
	b.WriteString(joinHead)
	for _, f := range files {
		end := "END"
		if !strings.Contains(f.Content, "${LEASEHOLD_") {
			end = "'END'" // as it is
		}
		fmt.Fprintf(&b, "put %s %o <<%s\n%sEND\n", f.Path, f.Mode, end, f.Content)
	}
	b.WriteString(joinTail)
	return b.String()
}

const joinHead = `#!/bin/sh
# join makes this node see its virtual cluster: people, groups, hosts and home
# directories, through the programs of the packages libnss-ldapd, libpam-ldapd,
# autofs-ldap and ldap-utils. Run it as root, with what the lease says of the unit:
#
#   LEASEHOLD_URL        unit.directory.url
#   LEASEHOLD_CLUSTER    unit.directory.dn
#   LEASEHOLD_BIND       unit.directory.bind.dn
#   LEASEHOLD_PASSWORD   unit.directory.password
#
# Homes are mounted by the automounter as they are used. A volume that is always there
# is a line of /etc/fstab, such as
#
#   nfs.site.test:/export/web /srv/web nfs4 rw,nofail,x-systemd.automount 0 0
set -eu
umask 077
: "${LEASEHOLD_URL:?is the directory, unit.directory.url}"
: "${LEASEHOLD_CLUSTER:?is the entry of the cluster, unit.directory.dn}"
: "${LEASEHOLD_BIND:?is whom to bind as, unit.directory.bind.dn}"
: "${LEASEHOLD_PASSWORD:?is its password, unit.directory.password}"
case $LEASEHOLD_URL$LEASEHOLD_CLUSTER$LEASEHOLD_BIND$LEASEHOLD_PASSWORD in
*[!A-Za-z0-9:/.,=_\ \[\]-]*)
    echo 'join: only letters, digits and : / . , = _ - [ ] are taken' >&2
    exit 2
    ;;
esac

# A file is whole or as it was.
put() {
    mkdir -p "$(dirname "$1")"
    cat >"$1.new"
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
}

`

const joinTail = `
# What runs has to read its files again.
if [ -d /run/systemd/system ]; then
    systemctl restart nslcd autofs
    systemctl try-reload-or-restart ssh
fi
`
