# shellcheck shell=sh disable=SC2154
# What the benchmarks share; they source it. A scratch folder that goes away with the script, the yardstick built into
# it, the agent, numbers out of JSON, and commands that are measured from outside, all in the same way.
# Wants: $here, the folder of the benchmarks.

LC_ALL=C
export LC_ALL
running=          # process ids of the measured commands under way

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 2; }

scratch=$(mktemp -d "${TMPDIR:-/tmp}/lbtest-bench.XXXXXX")

leave() {
    trap - EXIT INT TERM HUP
    for pid in $running; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    before_leaving
    rm -rf "$scratch"
}
before_leaving() { :; }
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A whole number from $2 up, or the end: whole_number NAME LOWEST VALUE
whole_number() {
    case $3 in '' | *[!0-9]* | ??????????*) die "$1 must be a whole number, not '$3'" ;; esac
    [ "$3" -ge "$2" ] || die "$1 must be at least $2, not $3"
}

build_yardstick() {
    yardstick=$scratch/yardstick
    command -v "${CC:-cc}" >/dev/null || die "no C compiler: install gcc and libc6-dev (or set CC)"
    "${CC:-cc}" -O2 -Wall -Wextra -Werror -pthread -o "$yardstick" "$here/yardstick/yardstick.c"
}

# Sets $lbtest to $LBTEST, or to the agent that the build left; empty if there is none.
find_agent() {
    lbtest=${LBTEST:-}
    if [ -n "$lbtest" ]; then
        [ -x "$lbtest" ] || die "LBTEST is '$lbtest', which cannot be run"
        return
    fi
    case $(uname -m) in x86_64) machine=x64 ;; aarch64) machine=arm64 ;; *) machine=$(uname -m) ;; esac
    for candidate in "$here/../output/LbTest/bin/linux-$machine/lbtest" "$here"/../output/LbTest/bin/*/lbtest; do
        [ -f "$candidate" ] && [ -x "$candidate" ] && lbtest=$candidate && return
    done
    [ ! -d "$here/../output" ] || lbtest=$(find "$here/../output" -type f -name lbtest -perm -u+x | head -n 1)
}

# The first number with that name in a JSON file, nothing if there is none: json_number FILE KEY
json_number() {
    awk -v key="\"$2\"" '{ text = text " " $0 } END {
        if (match(text, key "[ \t]*:[ \t]*-?[0-9][0-9.eE+-]*")) {
            found = substr(text, RSTART, RLENGTH)
            sub(/^"[^"]*"[ \t]*:[ \t]*/, "", found)
            print found
        } }' "$1"
}

# Starts a command in the background; its cost will be in $scratch/NAME.cost, its words in NAME.out and NAME.err.
# Sets $started to its process id: start_measured NAME COMMAND [ARGUMENT...]
start_measured() {
    measured_as=$scratch/$1
    shift
    "$yardstick" measure "$@" </dev/null >"$measured_as.out" 2>"$measured_as.err" 3>"$measured_as.cost" &
    started=$!
    running="$running $started"
}

# Waits for such a command, returns what it returned: end_measured PID
end_measured() {
    code=0
    wait "$1" || code=$?
    left=
    for pid in $running; do
        [ "$pid" = "$1" ] || left="$left $pid"
    done
    running=$left
    return "$code"
}

# Awk functions for the reports: the median, least and greatest of "value value ..." lists.
# shellcheck disable=SC2034
awk_statistics='
function sorted(list, values,    n, i, j, v) {
    n = split(list, values, " ")
    for (i = 2; i <= n; i++) {
        v = values[i] + 0
        for (j = i - 1; j > 0 && values[j] + 0 > v; j--) values[j + 1] = values[j]
        values[j + 1] = v
    }
    return n
}
function median(list,    values, n) {
    n = sorted(list, values)
    return n == 0 ? 0 : n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}
function least(list,    values) { return sorted(list, values) ? values[1] : 0 }
function greatest(list,    values, n) { n = sorted(list, values); return n ? values[n] : 0 }
'
