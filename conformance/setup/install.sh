#!/bin/sh
# install.sh installs the programs of Debian 12 that tests run Leasehold against or with:
#
#   slapd, ldap-utils         the LDAP server that sites use, and their operators' tools
#   gosa-schema               RFC 2307bis as Debian ships it
#   systemd                   systemd-analyze, which checks the units that we generate
#   BIND 9 and its tools,
#   ldap2zone                 the name server that follows the directory
#   ISC's dhcpd and dhclient,
#   tftpd, PXELINUX, QEMU and
#   its firmware, iproute2,
#   sshd                      a site, in network namespaces that tests make
#   debootstrap, qemu-utils   disk images: of Xen hosts, and of what nodes boot
#   xmlsec1, xmllint, zeep,
#   openssl                   XML security, schemas and SOAP as others wrote them
#   a JDK and Maven           for the Java peers, which conformance/peers/setup.sh makes
#   Perl, Ruby, PHP, Node and
#   C, with their libraries   the peers of XML-RPC, which conformance/rpcpeers/setup.sh makes
#   net-snmp's agent          which the driver of network devices sets variables of
#   PostgreSQL                which can keep actors' records
#   gcc and libc's headers    for Go's race detector
#   GRUB, nslcd, libpam-ldapd,
#   autofs, NFS-Ganesha       unpacked beside it, not installed (unpack.sh)
#
# Nothing is started: tests start their own, unprivileged, on loopback.
#
# It installs as root, or through sudo when that asks no password. Set
# LEASEHOLD_NO_INSTALL=1 to be told what is missing and to install nothing.
set -eu

# program=package, or file=package, one pair for each thing that has to be there
python=/usr/lib/python3/dist-packages
wanted='slapd=slapd ldapsearch=ldap-utils initdb=postgresql xmlsec1=xmlsec1 named=bind9 rndc=bind9-utils dig=bind9-dnsutils xmllint=libxml2-utils openssl=openssl'
wanted="$wanted dhcpd-noldap=isc-dhcp-server-ldap dhclient=isc-dhcp-client ip=iproute2 in.tftpd=tftpd-hpa"
wanted="$wanted /usr/lib/PXELINUX/pxelinux.0=pxelinux /usr/lib/syslinux/modules/bios/ldlinux.c32=syslinux-common"
wanted="$wanted qemu-system-x86_64=qemu-system-x86 /usr/lib/ipxe/qemu=ipxe-qemu /usr/share/OVMF/OVMF_CODE.fd=ovmf busybox=busybox-static"
wanted="$wanted ldap2zone=ldap2zone sshd=openssh-server systemd-analyze=systemd /etc/ldap/schema/gosa/rfc2307bis.schema=gosa-schema snmpd=snmpd debootstrap=debootstrap qemu-img=qemu-utils"
wanted="$wanted qemu-storage-daemon=qemu-system-common sfdisk=fdisk mke2fs=e2fsprogs losetup=mount mkfs.xfs=xfsprogs filefrag=e2fsprogs ssh=openssh-client"
wanted="$wanted useradd=passwd pkill=procps nsenter=util-linux systemctl=systemd xz=xz-utils zstd=zstd"
wanted="$wanted $python/zeep=python3-zeep $python/xmlsec=python3-xmlsec"
wanted="$wanted /usr/share/perl5/RPC/XML.pm=librpc-xml-perl /usr/share/perl5/XMLRPC/Lite.pm=libxmlrpc-lite-perl"
wanted="$wanted ruby=ruby /usr/lib/ruby/vendor_ruby/xmlrpc/client.rb=ruby-xmlrpc /usr/share/rubygems-integration/all/gems/webrick-1.8.1/lib/webrick.rb=ruby-webrick"
wanted="$wanted php=php-cli /etc/php/8.2/cli/conf.d/20-xmlrpc.ini=php-xmlrpc node=nodejs npm=npm"
wanted="$wanted xmlrpc-c-config=libxmlrpc-core-c3-dev curl-config=libcurl4-openssl-dev"
wanted="$wanted javac=default-jdk-headless mvn=maven gcc=gcc /usr/include/stdio.h=libc6-dev"

say() { printf 'install.sh: %s\n' "$*"; }

have() {
    case $1 in /*)
        for file in "$1" "$1".*; do
            [ -e "$file" ] && return 0
        done
        return 1
        ;;
    esac
    for dir in /usr/sbin /usr/local/sbin /sbin /usr/lib/postgresql/*/bin; do
        [ -x "$dir/$1" ] && return 0
    done
    command -v "$1" >/dev/null 2>&1
}

missing() {
    for pair in $wanted; do
        have "${pair%%=*}" || printf '%s ' "${pair##*=}"
    done
}

# As root: apt and what goes with it. A mirror that hiccups is asked again, and somebody
# else's apt is waited for.
asroot() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}
apt() { asroot env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 "$@"; }

# The Java peers are made now, so that no test has to wait for their libraries, and
# what is not installed but unpacked is fetched: the kernel that a virtual machine boots
# and its boot loader, and what puts itself into the log-ins of where it is installed.
peers() {
    "$(dirname "$0")/../peers/setup.sh" >/dev/null
    "$(dirname "$0")/../rpcpeers/setup.sh" >/dev/null
    for set in guest grub kernel; do
        "$(dirname "$0")/unpack.sh" "$set" >/dev/null || {
            say 'the package lists may be old; reading them and trying again'
            apt update >/dev/null
            "$(dirname "$0")/unpack.sh" "$set" >/dev/null
        }
    done
}

packages=$(missing)
if [ -z "$packages" ]; then
    peers
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

if ! asroot true 2>/dev/null; then
    say "not root, and sudo wants a password; please run: sudo apt-get install $packages" >&2
    exit 1
fi

# Debian starts a server as soon as it is installed. A policy that forbids it keeps
# this machine as it was; one that is there already is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | asroot tee "$policy" >/dev/null
    asroot chmod 755 "$policy"
    trap 'asroot rm -f "$policy"' EXIT
fi

say "installing: $packages"
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $packages || {
    say 'the package lists may be old; reading them and trying again'
    apt update
    apt install -y --no-install-recommends $packages
}

packages=$(missing)
if [ -n "$packages" ]; then
    say "still missing: $packages" >&2
    exit 1
fi
peers
say 'done'
