# Puts one project's sources in their place, once. What fetches them follows this and calls begin and finish. Arguments: the
# directory of all projects, the project's path in it, the project's name, the only folder to keep or nothing; then what
# the fetching takes. Ends with 69 where what it needs is missing here.

root=$1 path=${2%/} name=$3 sub=$4
shift 4
target=$root/$path
parent=${target%/*}

fail() {
    echo "$*" >&2
    exit 1
}

# Whether there is work already: nothing is ever put over it.
taken() {
    [ -L "$target" ] || { [ -e "$target" ] && [ -n "$(ls -A "$target")" ]; }
}

# A name of its own: an earlier run that nobody waits for any more may still be at work in its directory, and must not
# finish in this one.
begin() {
    mkdir -p -- "$parent" || exit 1
    rm -rf -- "$parent/.wharf-clone-$name".*
    new=$parent/.wharf-clone-$name.$$
    trap 'rm -rf -- "$new"' EXIT
}

finish() {
    [ -z "$sub" ] || [ -d "$new/$sub" ] || fail "there is no folder $sub in it"
    taken && exit 0
    if [ -d "$target" ]; then
        rmdir -- "$target" || exit 1
    fi
    mv -- "$new${sub:+/$sub}" "$target"
}

case $path in '' | . | ./*) fail "the project's path must name a directory below $root" ;; esac
taken && exit 0

