#!/bin/sh
# install.sh installs the Debian programs that tests run against Leasehold: slapd,
# the LDAP server that sites use, ldap-utils, the tools that their operators use,
# and what the race detector links with. Nothing is started: tests start their own,
# unprivileged, on loopback.
#
# It installs as root, or through sudo when that asks no password. Set
# LEASEHOLD_NO_INSTALL=1 to be told what is missing and to install nothing.
set -eu

# program=package, one pair for each thing that has to be there
wanted='slapd=slapd ldapsearch=ldap-utils'

say() { printf 'install.sh: %s\n' "$*"; }

have() {
    for dir in /usr/sbin /usr/local/sbin /sbin; do
        [ -x "$dir/$1" ] && return 0
    done
    command -v "$1" >/dev/null 2>&1
}

missing() {
    for pair in $wanted; do
        have "${pair%%=*}" || printf '%s ' "${pair##*=}"
    done
    # go test -race links with a C compiler and its library.
    have cc && [ -e /usr/include/stdlib.h ] || printf 'gcc libc6-dev '
}

packages=$(missing)
if [ -z "$packages" ]; then
    say 'everything is installed already; nothing to do'
    exit 0
fi
if [ "${LEASEHOLD_NO_INSTALL:-}" = 1 ]; then
    say "LEASEHOLD_NO_INSTALL=1: not installing: $packages"
    say 'tests that need them will fail and say so'
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    say "this is not a Debian system; please install by your own means: $packages" >&2
    exit 1
fi

root=
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        say "not root, and sudo wants a password; please run: sudo apt-get install $packages" >&2
        exit 1
    fi
    root='sudo -n'
fi

# Debian starts a server as soon as it is installed. A policy that forbids it keeps
# this machine as it was; one that is there already is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod 755 "$policy"
    trap '$root rm -f "$policy"' EXIT
fi

say "installing: $packages"
# shellcheck disable=SC2086 # both are lists of words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages ||
    {
        say 'the package lists may be old; reading them and trying again'
        $root apt-get update
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages
    }

packages=$(missing)
if [ -n "$packages" ]; then
    say "still missing: $packages" >&2
    exit 1
fi
say 'done'
