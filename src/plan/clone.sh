# Clones one project, once. Arguments: the directory of all projects, the project's path in it, the project's name, the
# remote to check out from, its URL, the revision or nothing, the folders to check out (a line each; nothing: all of it);
# then name and URL of every other remote.
# Ends with 69 where there is no git here.

root=$1 path=${2%/} name=$3 remote=$4 url=$5 revision=$6 folders=$7
shift 7
target=$root/$path
parent=${target%/*}

fail() {
    echo "$*" >&2
    exit 1
}

# Whether there is work already: nothing is ever cloned over it.
taken() {
    [ -L "$target" ] || { [ -e "$target" ] && [ -n "$(ls -A "$target")" ]; }
}

# A URL may name a transport, but never a command.
safe_git() {
    git -c protocol.ext.allow=never "$@"
}

checkout() {
    if safe_git -C "$new" show-ref --verify --quiet "refs/remotes/$remote/$revision"; then
        safe_git -C "$new" checkout --quiet -B "$revision" --track "$remote/$revision"
    elif safe_git -C "$new" rev-parse --verify --quiet "$revision^{commit}" >/dev/null; then
        safe_git -C "$new" checkout --quiet --detach "$revision^{commit}" --
    else
        safe_git -C "$new" fetch --quiet -- "$remote" "$revision" &&
            safe_git -C "$new" checkout --quiet --detach FETCH_HEAD --
    fi
}

case $path in '' | . | ./*) fail "the project's path must name a directory below $root" ;; esac
case $revision in -*) fail "$revision is no revision" ;; esac
taken && exit 0
command -v git >/dev/null 2>&1 || exit 69

# A name of its own: an earlier clone that nobody waits for any more may still be at work in its directory, and must
# not finish in this one.
mkdir -p -- "$parent" || exit 1
rm -rf -- "$parent/.wharf-clone-$name".*
new=$parent/.wharf-clone-$name.$$
trap 'rm -rf -- "$new"' EXIT

# Nobody is there to answer a question.
GIT_TERMINAL_PROMPT=0
GIT_SSH_COMMAND=${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}
export GIT_TERMINAL_PROMPT GIT_SSH_COMMAND

if [ -z "$folders" ]; then
    safe_git clone --quiet --origin "$remote" -- "$url" "$new" || exit 1
else
    # The files of the top folder come with those of the folders that are named.
    safe_git clone --quiet --no-checkout --origin "$remote" -- "$url" "$new" &&
        safe_git -C "$new" sparse-checkout init --cone &&
        printf '%s\n' "$folders" | safe_git -C "$new" sparse-checkout set --stdin || exit 1
fi
while [ $# -ge 2 ]; do
    safe_git -C "$new" remote add -- "$1" "$2" || exit 1
    shift 2
done
if [ -n "$revision" ]; then
    checkout || fail "revision $revision can't be checked out"
elif [ -n "$folders" ]; then
    safe_git -C "$new" checkout --quiet || exit 1
fi

taken && exit 0
if [ -d "$target" ]; then
    rmdir -- "$target" || exit 1
fi
mv -- "$new" "$target"
