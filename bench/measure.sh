# shellcheck shell=sh disable=SC2154
# What the benchmarks share; they source it. A scratch folder that goes away with the script, the yardstick built into
# it, the agent, numbers out of JSON, and commands that are measured from outside, all in the same way.
# Wants: $here, the folder of the benchmarks.

LC_ALL=C
export LC_ALL
running=          # process ids of the measured commands under way
server_cpu='' client_cpu=''
where="where the scheduler puts them"

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
    "${CC:-cc}" -O2 -Wall -Wextra -Werror -pthread -o "$yardstick" "$here/yardstick/yardstick.c" "$here/yardstick/traffic.c"
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

# For benchmarks of labs: the agent has to be there, and the lab $name goes away with the script while $lab_is_up says that there is one.
require_agent() {
    lab_is_up=''
    find_agent
    [ -n "$lbtest" ] || die "no lbtest under ../output: build it, or set LBTEST"
    before_leaving() {
        [ -z "$lab_is_up" ] || "$lbtest" lab stop --name "$name" >/dev/null 2>&1 || say "lab $name could not be stopped"
    }
}

# Runs `lbtest ARGUMENT...`; sets $seconds, and leaves what it prints in $scratch/run.out: timed ARGUMENT...
timed() {
    start_measured run "$lbtest" "$@"
    if ! end_measured "$started"; then
        die "lbtest $* failed: $(cat "$scratch/run.err" "$scratch/run.out" | head -n 5)"
    fi
    seconds=$(json_number "$scratch/run.cost" wallSeconds)
}

# The first number with that name in a JSON file, nothing if there is none: json_number FILE KEY. Totals are in the first lines; what
# follows in results of traffic tests are megabytes of connections.
json_number() {
    head -n 100 "$1" | awk -v key="\"$2\"" '{ text = text " " $0 } END {
        if (match(text, key "[ \t]*:[ \t]*-?[0-9][0-9.eE+-]*")) {
            found = substr(text, RSTART, RLENGTH)
            sub(/^"[^"]*"[ \t]*:[ \t]*/, "", found)
            print found
        } }'
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

# Server and client on one CPU each from now on.
keep_apart() {
    command -v taskset >/dev/null || die "--apart needs taskset (util-linux)"
    cpus=$(taskset -cp $$ | sed 's/.*: *//')
    server_cpu=${cpus%%[,-]*} client_cpu=${cpus##*[,-]}
    [ "$server_cpu" != "$client_cpu" ] || die "--apart needs two CPUs"
    where="on CPU $server_cpu (server) and CPU $client_cpu (client)"
}

on_cpu() { # on_cpu CPU NAME COMMAND...: start_measured, on that CPU if one is given
    cpu=$1 name=$2
    shift 2
    if [ -n "$cpu" ]; then set -- taskset -c "$cpu" "$@"; fi
    start_measured "$name" "$@"
}

# User and system time of a measured command that has ended: cpu_seconds NAME
cpu_seconds() {
    echo "$(json_number "$scratch/$1.cost" userSeconds) $(json_number "$scratch/$1.cost" systemSeconds)" |
        awk '{ print $1 + $2 }'
}

# What follows wants `answers` (whether the server answers on $port), `start_server TOOL` and `start_client TOOL ...`.
choose_port() {
    if [ -z "$port" ]; then
        port=$((20000 + $$ % 10000))
        while answers; do port=$((port + 1)); done
    fi
    ! answers || die "something answers on port $port already"
}

# Waits for the server just started; returns 1 if it never answers: await_server TOOL
await_server() {
    server=$started tries=200
    until answers; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "$server" 2>/dev/null; then
            say "the server of $1 does not answer: $(head -n 3 "$scratch/server.err")"
            stop_server
            return 1
        fi
        sleep 0.05
    done
}

stop_server() {
    kill "$server" 2>/dev/null || true
    end_measured "$server" || true
    tries=100
    while answers; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "something still answers on port $port, though the server was ended"
        sleep 0.05
    done
}

# One client against a server of its own: measure_client SERVER TOOL [MORE FOR start_client...]. Sets client_cost and
# server_cost (CPU seconds), client_kib and server_kib (peak memory) and wall (seconds); returns 1 if there was no server.
measure_client() {
    start_server "$1" || return 1
    shift
    start_client "$@"
    end_measured "$started" || true
    stop_server
    client_cost=$(cpu_seconds client) server_cost=$(cpu_seconds server)
    client_kib=$(json_number "$scratch/client.cost" maxRssKiB) server_kib=$(json_number "$scratch/server.cost" maxRssKiB)
    wall=$(json_number "$scratch/client.cost" wallSeconds)
}

# Shows what the client said instead of a result: no_result TOOL
no_result() {
    say "no result from the client of $1 (it ended with $(json_number "$scratch/client.cost" exitCode)):" \
        "$(cat "$scratch/client.err" "$scratch/client.out" | cut -c 1-300 | head -n 3)"
}

# Sets $tools to the names of those that are here, the yardstick first: list_tools PUBLIC_TOOL ITS_PATH_OR_NOTHING
list_tools() {
    tools=yardstick
    if [ -n "$lbtest" ]; then tools="$tools lbtest"; else say "no lbtest under ../output and no LBTEST: left out"; fi
    if [ -n "$2" ]; then tools="$tools $1"; else say "no $1 on PATH: left out"; fi
}

load_before() {
    echo "load of the machine before: $(cut -d ' ' -f 1 /proc/loadavg) (other work makes the figures worthless)"
}

# Awk functions for the reports: the median, least and greatest of "value value ..." lists; the ratios to the yardstick,
# round by round, of what is in at[WHAT, TOOL, ROUND]; whether a target is met.
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
function ratio(what, tool,    round, list) {
    for (round = 1; round <= rounds; round++)
        if ((what, tool, round) in at && at[what, "yardstick", round] > 0)
            list = list " " at[what, tool, round] / at[what, "yardstick", round]
    return list
}
function verdict(good) { return good ? "met" : "MISSED" }
'
