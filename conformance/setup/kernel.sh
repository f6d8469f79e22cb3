#!/bin/sh
# kernel.sh fetches Debian's smallest kernel for the tests that boot a machine, without
# installing it, and prints the folder that its file vmlinuz is in. What is there
# already is used again; it lies outside the tree, in LEASEHOLD_PEERS or the user's
# cache, in a folder named after the package.
set -eu

cache=${LEASEHOLD_PEERS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/leasehold/peers}
for dir in "$cache"/linux-image-*; do
    if [ -e "$dir/vmlinuz" ]; then
        echo "$dir"
        exit 0
    fi
done

package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: //p' | head -n 1)
if [ -z "$package" ]; then
    echo 'kernel.sh: the package lists name no linux-image-cloud-amd64: apt-get update' >&2
    exit 1
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/new-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# apt's own user cannot write here, and warns about it
apt-get download -o APT::Sandbox::User=root "$package" >&2
dpkg -x "$package"_*.deb tree
mv tree/boot/vmlinuz-* vmlinuz
rm -rf tree ./*.deb
mv "$work" "$cache/$package" 2>/dev/null || [ -e "$cache/$package/vmlinuz" ] # somebody else may have been first
echo "$cache/$package"
