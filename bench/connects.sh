#!/bin/sh
# Connects per second, CPU per connect and memory of the agent, beside the yardstick (what the kernel allows) and any
# `mconnect` on PATH, over loopback, alternating. README.md beside this file says how to read it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<'END'
usage: connects.sh [--count N] [--rounds R] [--apart] [--threads T] [--port P]
       connects.sh --million [--apart] [--port P]

  --count N    connects per run (default 50000)
  --rounds R   rounds, each with one run of every tool (default 5)
  --apart      server and client on one CPU each, instead of where the scheduler puts them
  --threads T  threads of the yardstick's server and of its client (default 1)
  --port P     TCP port on 127.0.0.1 (default: a free one below the ephemeral ports)
  --million    instead: 1,000,000 connects with the agent, and the memory that they took

The agent is $LBTEST, or the one under ../output. Needs a C compiler.
END
}

count=50000 rounds=5 threads=1 port='' million=''
source_range=127.1.0.0/16 # many addresses, so that ephemeral ports never run out
concurrency=64            # what the agent and mconnect use unless told otherwise

case " $* " in *' -h '* | *' --help '*) usage; exit 0 ;; esac
. "$here/measure.sh"

while [ $# -gt 0 ]; do
    case $1 in
    --apart) keep_apart; shift; continue ;;
    --million) million=yes; shift; continue ;;
    --count | --rounds | --threads | --port) [ $# -gt 1 ] || die "$1 wants a value" ;;
    *) usage >&2; die "unknown option '$1'" ;;
    esac
    whole_number "$1" 1 "$2"
    case $1 in
    --count) count=$2 ;;
    --rounds) rounds=$2 ;;
    --threads) threads=$2 ;;
    --port) port=$2 ;;
    esac
    shift 2
done

build_yardstick
find_agent
mconnect=$(command -v mconnect || true)

# answers: whether something accepts on the port and says its name
answers() { "$yardstick" connect 127.0.0.1 "$port" 1 1 >/dev/null 2>&1; }

choose_port

start_server() {
    case $1 in
    yardstick) on_cpu "$server_cpu" server "$yardstick" serve 127.0.0.1 "$port" yardstick "$threads" ;;
    lbtest) on_cpu "$server_cpu" server "$lbtest" serve --address "127.0.0.1:$port" --name lbtest ;;
    mconnect) on_cpu "$server_cpu" server "$mconnect" -server -address "127.0.0.1:$port" ;;
    esac
    await_server "$1"
}

start_client() {
    case $1 in
    yardstick) on_cpu "$client_cpu" client "$yardstick" connect 127.0.0.1 "$port" "$2" "$concurrency" \
        "$threads" "$source_range" ;;
    lbtest) on_cpu "$client_cpu" client "$lbtest" connect --address "127.0.0.1:$port" --count "$2" \
        --source "$source_range" --json ;;
    mconnect) on_cpu "$client_cpu" client "$mconnect" -address "127.0.0.1:$port" -nconn "$2" \
        -srccidr "$source_range" -output json ;;
    esac
}

# One server, one client, N connects: run TOOL N. Sets duration, failed and what measure_client sets; returns 1 if there
# was no result. Failed connects are a result.
run() {
    measure_client "$1" "$1" "$2" || return 1
    duration=$(json_number "$scratch/client.out" durationSeconds)
    failed=$(json_number "$scratch/client.out" failed)
    if [ "$1" = mconnect ]; then
        duration=$(json_number "$scratch/client.out" duration | awk '{ print $1 / 1e9 }') # Go's nanoseconds
        connects=$(json_number "$scratch/client.out" failed_connects) reads=$(json_number "$scratch/client.out" failed_reads)
        failed=${connects:+$((connects + ${reads:-0}))}
    fi
    if [ -z "$duration" ] || [ -z "$failed" ]; then
        no_result "$1"
        return 1
    fi
}

if [ -n "$million" ]; then
    [ -n "$lbtest" ] || die "no lbtest: build it, or set LBTEST"
    printf '%s\n' "1,000,000 connects over loopback with lbtest, source addresses $source_range, client and server $where"
    run lbtest 1000000 || exit 1
    awk -v duration="$duration" -v failed="$failed" -v client="$client_kib" -v server="$server_kib" \
        -v connections="$(json_number "$scratch/client.out" connections)" 'BEGIN {
        printf "connections %d, failed %d, %.1f s, %.0f connects/s\n", connections, failed, duration, (1e6 - failed) / duration
        good = client <= 100 * 1024
        printf "peak memory: client %.1f MB (target <= 100: %s), server %.1f MB\n", client / 1024, good ? "met" : "MISSED",
            server / 1024
        if (connections != 1000000 || failed > 0) print "not a full million: the figures are of what got through"
    }'
    exit 0
fi

list_tools mconnect "$mconnect"
printf '%s\n' "$rounds rounds of $count connects, $concurrency at a time, source addresses $source_range, over loopback" \
    "client and server of the same tool, $where; tools: $tools" \
    "$(load_before)"

# Each run of N connects has beside it a run of one connect: what starting and ending costs.
rows=$scratch/rows
: >"$rows"
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for tool in $tools; do
        run "$tool" 1 || continue
        start_client_cost=$client_cost start_server_cost=$server_cost start_wall=$wall
        run "$tool" "$count" || continue
        echo "$tool $round $duration $failed $client_cost $start_client_cost $server_cost $start_server_cost" \
            "$client_kib $wall $start_wall" >>"$rows"
    done
done
[ -s "$rows" ] || die "no run gave a result"

awk -v n="$count" -v tools="$tools" -v rounds="$rounds" "$awk_statistics"'
{
    tool = $1; done = n - $4
    runs[tool]++; failed[tool] += $4
    if (done <= 0) next
    rates[tool] = rates[tool] " " (at["rate", tool, $2] = done / $3)
    cpus[tool] = cpus[tool] " " (at["cpu", tool, $2] = $5 / done * 1e6)
    nets[tool] = nets[tool] " " (at["net", tool, $2] = ($5 - $6) / done * 1e6)
    servers[tool] = servers[tool] " " ($7 - $8) / done * 1e6
    memory[tool] = memory[tool] " " $9 / 1024
    hidden[tool] = hidden[tool] " " ($10 - $11 - $3) / $3
}
END {
    print ""
    print "            connects/s                 client CPU us/connect    server CPU   client"
    print "tool        median (min - max)         all    less start-up     us/connect   peak MB   failed"
    count = split(tools, order, " ")
    for (i = 1; i <= count; i++) {
        t = order[i]
        if (rates[t] == "") { printf "%-10s  nothing measured, %d failed\n", t, failed[t]; continue }
        printf "%-10s %7.0f (%.0f - %.0f)%*s%6.1f %10.1f %14.1f %12.1f %8d%s\n", t, median(rates[t]), least(rates[t]),
            greatest(rates[t]), 17 - length(sprintf("%.0f%.0f", least(rates[t]), greatest(rates[t]))), "",
            median(cpus[t]), median(nets[t]), median(servers[t]), greatest(memory[t]), failed[t], runs[t] < rounds ? "  (" runs[t] " of " rounds " rounds)" : ""
    }
    print "\nto the yardstick (median of the ratios of each round):"
    for (i = 2; i <= count; i++) {
        t = order[i]
        if ((list = ratio("rate", t)) == "") continue
        r = median(list); c = median(ratio("cpu", t)); l = median(ratio("net", t))
        if (t == "lbtest")
            printf "%-10s connects/s %.2f (target >= 0.9: %s), client CPU %.2f (target <= 1.2: %s), less start-up %.2f (%s)\n",
                t, r, verdict(r >= 0.9), c, verdict(c <= 1.2), l, verdict(l <= 1.2)
        else
            printf "%-10s connects/s %.2f, client CPU %.2f, less start-up %.2f\n", t, r, c, l
    }
    print "\n\"all\" is the whole client process; \"less start-up\" and the server have a run of one connect taken off."
    for (i = 1; i <= count; i++)
        if (median(hidden[order[i]]) > 0.1)
            printf "%s reports a duration that leaves out %.0f %% of its run: its connects/s look better than they are.\n",
                order[i], 100 * median(hidden[order[i]])
}' "$rows"
