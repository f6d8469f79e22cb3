#!/bin/sh
# setup.sh prepares the peers that have to be made and prints the folder they are in:
# Apache's library from Maven Central and our small program around it, xmlrpc of npm,
# and the programs on xmlrpc-c. The others are scripts on packages of Debian.
#
# What is there already is used again. It lies outside the tree, in LEASEHOLD_PEERS or
# the user's cache, in a folder named after what it was made from.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${LEASEHOLD_PEERS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/leasehold/peers}

say() { printf 'setup.sh: %s\n' "$*" >&2; }

for tool in java javac mvn npm node gcc xmlrpc-c-config flock; do
    command -v "$tool" >/dev/null 2>&1 || {
        say "$tool is not installed: run conformance/setup/install.sh"
        exit 1
    }
done

# again COMMAND...: networks fail now and then
again() {
    for attempt in 1 2 3; do
        "$@" >&2 && return 0
        [ "$attempt" = 3 ] && exit 1
        say 'trying again'
    done
}

mkdir -p "$cache"
exec 9>"$cache/rpc.lock"
flock 9

made=$cache/rpc-$(cat "$here"/setup.sh "$here"/apache/* "$here"/node/package.json "$here"/c/* | sha256sum | cut -c1-16)
if [ -d "$made" ]; then
    printf '%s\n' "$made"
    exit 0
fi
new=$made.new
rm -rf "$new"
mkdir -p "$new/lib" "$new/apache" "$new/node"
say 'making the peers of XML-RPC'
again mvn -q -B -f "$here/apache/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$new/lib" -DincludeScope=runtime
javac -nowarn -encoding UTF-8 -d "$new/apache" -cp "$new/lib/*" "$here/apache/Peer.java" >&2
cp "$here/node/package.json" "$new/node/"
again npm install --prefix "$new/node" --no-audit --no-fund --ignore-scripts --loglevel=error
# shellcheck disable=SC2046 # lists of options
gcc -O1 -Wall -o "$new/client" "$here/c/client.c" $(xmlrpc-c-config client --cflags --libs) >&2
# shellcheck disable=SC2046
gcc -O1 -Wall -o "$new/server" "$here/c/server.c" $(xmlrpc-c-config abyss-server --cflags --libs) >&2
mv "$new" "$made"
printf '%s\n' "$made"
