# Sourced by the test scripts: runs checks, reads what they counted, adds it up.
# shellcheck shell=bash

PASSED=0
FAILED=0

# tally OUTPUT: adds nextest's and libtest's summaries in that file; fails when there is none.
tally() {
    local counts
    counts=$(sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
        # nextest:  Summary [  1.2s] 7/9 tests run: 5 passed (1 slow), 2 failed, 0 skipped
        /^ *Summary \[.*tests? run:/ {
            total = $0; sub(/^ *Summary \[[^]]*\] */, "", total); sub(/ tests? run:.*/, "", total); sub(/.*\//, "", total)
            good = $0; sub(/.*tests? run: */, "", good); sub(/ passed.*/, "", good)
            passed += good; failed += total - good; seen = 1
        }
        # libtest:  test result: ok. 5 passed; 0 failed; 1 ignored; ...
        /^test result: / {
            for (i = 1; i < NF; i++) {
                if ($(i + 1) == "passed;") passed += $i
                if ($(i + 1) == "failed;") failed += $i
            }
            seen = 1
        }
        # our own:  5 passed, 0 failed
        /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3; seen = 1 }
        END { print passed + 0, failed + 0, seen + 0 }')
    local passed failed seen
    read -r passed failed seen <<<"$counts"
    PASSED=$((PASSED + passed))
    FAILED=$((FAILED + failed))
    [ "$seen" = 1 ]
}

# check NAME CMD...: one check, counted by its exit code.
check() {
    local name=$1
    shift
    say "== $name"
    if "$@" >&2; then
        PASSED=$((PASSED + 1))
    else
        FAILED=$((FAILED + 1))
        say "FAILED: $name"
    fi
}

# suite NAME CMD...: a test runner, counted by its summary. One that ends badly without a failed test in its summary
# (it did not compile, it was killed) counts as one failure.
suite() {
    local name=$1 output before=$FAILED status=0
    shift
    output=$(mktemp)
    say "== $name"
    "$@" 2>&1 | tee "$output" >&2 || status=$?
    if ! tally "$output" || { [ "$status" -ne 0 ] && [ "$FAILED" -eq "$before" ]; }; then
        FAILED=$((FAILED + 1))
        say "FAILED: $name (exit $status)"
    fi
    rm -f "$output"
}

# stage NAME CMD...: a script of ours, counted by the closing line on its stdout.
stage() {
    local name=$1 output status=0 started=$SECONDS
    shift
    output=$(mktemp)
    say "==== $name"
    "$@" >"$output" </dev/null || status=$?
    if ! tally "$output"; then
        FAILED=$((FAILED + 1))
        cat "$output" >&2
        say "FAILED: $name ended without counts (exit $status)"
    fi
    say "==== $name: $(tail -n 1 "$output") in $((SECONDS - started)) s"
    rm -f "$output"
}

# The closing line, and the exit code that goes with it.
finish() {
    echo "$PASSED passed, $FAILED failed"
    [ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}
