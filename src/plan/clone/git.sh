# Clones with git. Arguments: the remote to check out from, its URL, the revision or nothing, the folders to check out (a
# line each; nothing: all of it); then name and URL of every other remote.

remote=$1 url=$2 revision=$3 folders=$4
shift 4

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

case $revision in -*) fail "$revision is no revision" ;; esac
command -v git >/dev/null 2>&1 || exit 69
begin

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

finish
