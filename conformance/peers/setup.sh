#!/bin/sh
# setup.sh prepares the Java peers of the tests and prints the folder they are in:
# libraries fetched by Maven as wss4j/pom.xml and axis2/pom.xml ask for, stubs that
# Axis2 generates from our WSDL, and our own small programs around them, compiled.
#
# What is there already is used again. It lies outside the tree, in LEASEHOLD_PEERS
# or the user's cache, in folders named after what they were made from.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
wsdl=$here/../../wire/wsdl/testdata
cache=${LEASEHOLD_PEERS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/leasehold/peers}

say() { printf 'setup.sh: %s\n' "$*" >&2; }

for tool in java javac mvn flock; do
    command -v "$tool" >/dev/null 2>&1 || {
        say "$tool is not installed: run conformance/setup/install.sh"
        exit 1
    }
done

# key files...: a name for whatever follows from these files
key() { cat "$@" | sha256sum | cut -c1-16; }

# libraries PEER: the folder with the jars its pom.xml asks for
libraries() {
    lib=$cache/$1-lib-$(key "$here/$1/pom.xml")
    if [ ! -d "$lib" ]; then
        say "fetching the libraries of $1"
        rm -rf "$lib.new"
        for attempt in 1 2 3; do
            mvn -q -B -f "$here/$1/pom.xml" dependency:copy-dependencies \
                "-DoutputDirectory=$lib.new" -DincludeScope=runtime >&2 && break
            [ "$attempt" = 3 ] && exit 1
            say 'trying again'
        done
        mv "$lib.new" "$lib"
    fi
}

# compile OUT LIB FILES...
compile() {
    out=$1 jars=$2
    shift 2
    javac -nowarn -encoding UTF-8 -d "$out" -cp "$jars/*" "$@" 2>"$out.log" || {
        cat "$out.log" >&2
        exit 1
    }
}

# Stubs for a client and a server of the service that has all operations.
generate() {
    for kind in '-s -u' '-ss -sd -u -ssi'; do
        # shellcheck disable=SC2086 # a list of options
        java -cp "$1/*" org.apache.axis2.wsdl.WSDL2Java -uri "$wsdl/AuthorityService.wsdl" \
            -d adb $kind -p peer.stub -o "$2" >"$2.log" 2>&1 || {
            cat "$2.log" >&2
            exit 1
        }
    done
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

made=$cache/made-$(key "$here"/*.sh "$here"/*/pom.xml "$here"/*/*.java "$here"/*/*.xml "$wsdl"/*)
if [ -d "$made" ] && [ -d "$(readlink "$made/wss4j-lib")" ] && [ -d "$(readlink "$made/axis2-lib")" ]; then
    printf '%s\n' "$made"
    exit 0
fi
new=$made.new
rm -rf "$made" "$new"
mkdir -p "$new/wss4j" "$new/axis2" "$new/stub"

libraries wss4j
ln -s "$lib" "$new/wss4j-lib"
compile "$new/wss4j" "$lib" "$here"/common/*.java "$here"/wss4j/*.java

libraries axis2
ln -s "$lib" "$new/axis2-lib"
say 'generating and compiling the stubs of Axis2'
generate "$lib" "$new/stub"
# shellcheck disable=SC2046 # no name has a blank
compile "$new/axis2" "$lib" "$here"/common/*.java "$here"/axis2/*.java $(find "$new/stub" -name '*.java')

mv "$new" "$made"
printf '%s\n' "$made"
