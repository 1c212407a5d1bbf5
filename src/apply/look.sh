# One look of a health check: the command line $2 for at most $1 seconds. Nothing ends a command whose session is dropped,
# so that one which hangs would stay in the container, and each further look would leave another. An engine makes a
# command the leader of a process group: what it has started ends with it.
/bin/sh -c "$2" &
look=$!
(
    left=$1
    # Second by second: nobody ends the last sleep of a watch that is ended itself.
    while [ "$left" -gt 0 ]; do
        sleep 1 || exit
        left=$((left - 1))
    done
    kill -s KILL -- "-$$" || kill -s KILL "$look"
) >/dev/null 2>&1 &
watch=$!
wait "$look"
code=$?
{ kill "$watch" && wait "$watch"; } >/dev/null 2>&1
exit "$code"
