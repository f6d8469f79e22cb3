#!/bin/sh
# unpack.sh SET fetches Debian packages without installing them, and prints the folder
# that they are unpacked in: programs of tests that would change this machine if they
# were installed, such as those that put themselves into its log-ins. What is there
# already is used again; it lies outside the tree, in LEASEHOLD_PEERS or the user's cache.
#
#   guest    what a node needs to resolve names, log people in and mount
#   grub     GRUB, for machines that boot from the network
#   kernel   Debian's smallest kernel, with its modules
set -eu

case ${1:-} in
guest)
    packages='nslcd libnss-ldapd libpam-ldapd pamtester autofs autofs-ldap libnsl2 libtirpc3 nfs-ganesha nfs-ganesha-vfs'
    packages="$packages libntirpc4.3 liburcu8 libnfsidmap1 libwbclient0 libnfs-utils libnfs13 nfs-kernel-server libevent-core-2.1-7"
    ;;
grub) packages='grub-common grub-pc-bin grub-efi-amd64-bin libefivar1 libefiboot1' ;;
kernel) packages= ;;
*)
    echo 'usage: unpack.sh guest|grub|kernel' >&2
    exit 2
    ;;
esac

cache=${LEASEHOLD_PEERS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/leasehold/peers}
# What is unpacked belongs to its list, so that another version of this script takes
# nothing away from under a test. Which kernel there is changes by itself.
dir=$cache/unpacked-$1
[ "$1" = kernel ] || dir=$dir-$(printf '%s' "$packages" | sha256sum | cut -c 1-12)
if [ -e "$dir/packages" ]; then
    echo "$dir"
    exit 0
fi

if [ "$1" = kernel ]; then
    packages=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: //p' | head -n 1)
    if [ -z "$packages" ]; then
        echo 'unpack.sh: the package lists name no linux-image-cloud-amd64: apt-get update' >&2
        exit 1
    fi
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/new-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# apt's own user cannot write here, and warns about it
# shellcheck disable=SC2086 # a list of words
apt-get download -o APT::Sandbox::User=root -o Acquire::Retries=3 $packages >&2
mkdir tree
for package in ./*.deb; do
    dpkg -x "$package" tree
done
# Debian's /bin, /lib and /sbin lie below /usr.
for old in bin lib lib64 sbin; do
    if [ -d "tree/$old" ] && [ ! -L "tree/$old" ]; then
        mkdir -p "tree/usr/$old"
        cp -a "tree/$old/." "tree/usr/$old/"
        rm -rf "tree/$old"
    fi
done
for kernel in tree/boot/vmlinuz-*; do
    [ ! -e "$kernel" ] || mv "$kernel" tree/vmlinuz
done
rm -rf tree/boot tree/usr/share/doc tree/usr/share/man
chmod 755 tree
printf '%s' "$packages" >tree/packages
mv -T "$work/tree" "$dir" 2>/dev/null || [ -e "$dir/packages" ] # somebody else may have been first
echo "$dir"
