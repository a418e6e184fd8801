#!/bin/sh
# Many long-lived connections: the highest rate without drops, CPU per packet and memory per connection of the agent,
# beside the yardstick (what the kernel allows) and any `ctraffic` on PATH, over loopback, alternating, all against the
# same server. README.md beside this file says how to read it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<'END'
usage: traffic.sh [--rounds R] [--connections N] [--many N] [--rate R] [--packet-size B] [--grain US] [--apart]
                  [--port P]

  --rounds R       rounds, each with every measurement of every tool (default 3)
  --connections N  connections in the search for the highest rate and for CPU (default 1000)
  --many N         connections where memory is measured (default 10000)
  --rate R         packets/s where CPU and memory are measured (default 20000)
  --packet-size B  bytes per packet, 64 to 16384 (default 1024)
  --grain US       the yardstick wakes up for due packets at multiples of so many microseconds (default 1)
  --apart          server and client on one CPU each, instead of where the scheduler puts them
  --port P         TCP port on loopback (default: a free one below the ephemeral ports)

The agent is $LBTEST, or the one under ../output. Needs a C compiler. Three to five minutes a round.
END
}

rounds=3 connections=1000 many=10000 fixed=20000 size=1024 grain=1 port=''
trial=3          # seconds of one try of a rate; also of the run that is taken off where CPU is measured
long=9           # seconds of that other run; ctraffic sends nothing in less than 2
first=10000      # packets/s of the first try
precision=1.04   # the search ends when the lowest rate with drops is so near
runs=0

case " $* " in *' -h '* | *' --help '*) usage; exit 0 ;; esac
. "$here/measure.sh"

while [ $# -gt 0 ]; do
    case $1 in
    --apart) keep_apart; shift; continue ;;
    --rounds | --connections | --many | --rate | --packet-size | --grain | --port) [ $# -gt 1 ] || die "$1 wants a value" ;;
    *) usage >&2; die "unknown option '$1'" ;;
    esac
    whole_number "$1" 1 "$2"
    case $1 in
    --rounds) rounds=$2 ;;
    --connections) connections=$2 ;;
    --many) many=$2 ;;
    --rate) fixed=$2 ;;
    --packet-size) size=$2 ;;
    --grain) grain=$2 ;;
    --port) port=$2 ;;
    esac
    shift 2
done
[ "$size" -ge 64 ] && [ "$size" -le 16384 ] || die "--packet-size must be 64 to 16384, not $size"

build_yardstick
find_agent
ctraffic=$(command -v ctraffic || true)

# Client and server have as many descriptors as there are connections.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
allowed=$(ulimit -n)
if [ "$allowed" != unlimited ] && [ $((allowed - 200)) -lt "$many" ]; then
    say "only $allowed descriptors are allowed (ulimit -n): $((allowed - 200)) connections instead of $many"
    many=$((allowed - 200))
    [ "$many" -ge "$connections" ] || die "too few descriptors for $connections connections"
fi

# answers: whether something echoes on the port
answers() { "$yardstick" traffic 127.0.0.1 "$port" 1 1000 64 5 >/dev/null 2>&1; }
choose_port

start_server() {
    case $1 in
    yardstick) on_cpu "$server_cpu" server "$yardstick" echo 0.0.0.0 "$port" yardstick ;;
    lbtest) on_cpu "$server_cpu" server "$lbtest" serve --service Traffic --address "0.0.0.0:$port" --name lbtest ;;
    esac
    await_server "$1"
}

start_client() { # start_client TOOL CONNECTIONS RATE SECONDS
    # An address of its own for each run, so that ports in TIME_WAIT never run out.
    runs=$((runs + 1))
    to=127.$((1 + runs / 250 % 250)).$((1 + runs % 250)).1
    case $1 in
    yardstick) on_cpu "$client_cpu" client "$yardstick" traffic "$to" "$port" "$2" "$3" "$size" "$(($4 * 1000))" "$grain" ;;
    lbtest) on_cpu "$client_cpu" client "$lbtest" traffic --address "$to:$port" --connections "$2" \
        --packets-per-second "$3" --packet-size "$size" --duration "$4" --json ;;
    ctraffic) on_cpu "$client_cpu" client "$ctraffic" -address "$to:$port" -nconn "$2" -retries 10 \
        -rate "$(awk -v rate="$3" -v size="$size" 'BEGIN { printf "%.3f", rate * size / 1024 }')" \
        -psize "$size" -timeout "$4s" ;;
    esac
}

# run SERVER TOOL CONNECTIONS RATE SECONDS. Sets sent, received, dropped, latency (the mean in seconds, nothing where the
# tool does not tell) and what measure_client sets; returns 1 if there was no result.
run() {
    measure_client "$@" || return 1
    shift
    case $1 in
    ctraffic) sent=Sent received=Received dropped=Dropped ;;
    *) sent=sent received=received dropped=dropped ;;
    esac
    sent=$(json_number "$scratch/client.out" "$sent") received=$(json_number "$scratch/client.out" "$received")
    dropped=$(json_number "$scratch/client.out" "$dropped")
    if [ -z "$sent" ] || [ -z "$received" ] || [ -z "$dropped" ]; then
        no_result "$1"
        return 1
    fi
    latency=$(json_number "$scratch/client.out" meanSeconds)
}

# Nothing dropped, and all sent that was planned but for the start, which takes up to a tenth of a run (lbtest sends nothing
# until all are connected, and 50 ms more), and the end: holds RATE SECONDS
holds() { [ "$dropped" -eq 0 ] && [ $((sent * 100)) -ge $(($1 * $2 * 90)) ]; }

# Finds the highest rate of each tool without drops, a try of each in turn: search SERVER TOOL... Sets highest_TOOL, 0
# for none, and starts near it when there is one from a search before. A rate has failed when it failed twice: other work
# on the machine must not decide.
search() {
    with=$1 searching=
    shift
    for tool in "$@"; do
        eval "before=\${highest_$tool:-0}"
        if [ "$before" -gt 0 ]; then start=$((before * 84 / 100)) step=1.19; else start=$first step=2; fi
        eval "low_$tool=0 high_$tool=0 next_$tool=$start step_$tool=$step failures_$tool=0 highest_$tool=0"
        searching="$searching $tool"
    done
    while [ -n "$searching" ]; do
        unfinished=
        for tool in $searching; do
            eval "rate=\$next_$tool low=\$low_$tool high=\$high_$tool step=\$step_$tool failures=\$failures_$tool"
            run "$with" "$tool" "$connections" "$rate" "$trial" || continue
            if holds "$rate" "$trial"; then
                low=$rate failures=0
            elif [ "$failures" -eq 0 ]; then
                failures=1
            else
                high=$rate failures=0
            fi
            eval "low_$tool=$low high_$tool=$high failures_$tool=$failures highest_$tool=$low"
            if [ "$failures" -eq 0 ]; then
                next=$(awk -v low="$low" -v high="$high" -v step="$step" -v precision="$precision" 'BEGIN {
                    if (high == 0) print (low < 1e7 ? int(low * step) : 0)
                    else if (low == 0) print (high >= 200 ? int(high / step) : 0)
                    else print (high / low <= precision ? 0 : int(sqrt(low * high)))
                }')
                eval "next_$tool=$next"
                [ "$next" -gt 0 ] || continue
            fi
            unfinished="$unfinished $tool"
        done
        searching=$unfinished
    done
}

# CPU microseconds of client and server per 1,000 packets, a short run taken off: cpu SERVER TOOL. Sets client_all,
# client_net and server_net; returns 1 if there was no result.
cpu() {
    run "$1" "$2" "$connections" "$fixed" "$trial" || return 1
    short_sent=$sent short_client=$client_cost short_server=$server_cost
    run "$1" "$2" "$connections" "$fixed" "$long" || return 1
    [ "$sent" -gt "$short_sent" ] || return 1
    client_all=$(per_thousand "$client_cost" "$sent")
    client_net=$(per_thousand "$client_cost - $short_client" "$((sent - short_sent))")
    server_net=$(per_thousand "$server_cost - $short_server" "$((sent - short_sent))")
}
per_thousand() { awk "BEGIN { printf \"%.1f\", ($1) * 1e9 / $2 }"; }

list_tools ctraffic "$ctraffic"
printf '%s\n' "$rounds rounds over loopback, packets of $size bytes, client and server $where" \
    "all against the yardstick's server; tools: $tools" \
    "$(load_before)"

# Rows: "what tool round value ...".
rows=$scratch/rows
: >"$rows"
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    # shellcheck disable=SC2086
    search yardstick $tools
    for tool in $tools; do
        eval "echo rate $tool $round \$highest_$tool" >>"$rows"
        if cpu yardstick "$tool"; then
            echo "cpu $tool $round $client_net $client_all $dropped $latency" >>"$rows"
        fi
        run yardstick "$tool" 10 "$fixed" "$trial" || continue
        few_kib=$client_kib
        run yardstick "$tool" "$many" "$fixed" "$long" || continue
        echo "many $tool $round $(((client_kib - few_kib) * 1024 / many)) $dropped $sent $received $client_kib" >>"$rows"
    done
done
if [ -n "$lbtest" ]; then
    search lbtest yardstick lbtest
    echo "own lbtest 1 $highest_yardstick $highest_lbtest" >>"$rows"
    for with in yardstick lbtest; do
        if cpu "$with" yardstick; then echo "server $with 1 $server_net" >>"$rows"; fi
    done
fi
[ -s "$rows" ] || die "no run gave a result"

awk -v tools="$tools" -v rounds="$rounds" -v connections="$connections" -v many="$many" -v fixed="$fixed" "$awk_statistics"'
{ of[$1, $2] = of[$1, $2] " " $4; at[$1, $2, $3] = $4 }
$1 == "cpu" { all[$2] = all[$2] " " $5; cpu_dropped[$2] += $6; if (NF > 6) late[$2] = late[$2] " " $7 * 1e6 }
$1 == "many" { many_dropped[$2] += $5; lost[$2] += $6 - $7; peak[$2] = peak[$2] " " $8 / 1024 }
$1 == "own" { own_yardstick = $4; own_lbtest = $5 }
function spread(list) { return sprintf("%.0f (%.0f - %.0f)", median(list), least(list), greatest(list)) }
END {
    count = split(tools, order, " ")
    for (i = 1; i <= count; i++) rates[order[i]] = greatest(of["rate", order[i]]) > 0 ? spread(of["rate", order[i]]) : "none"
    printf "\n            %d connections\n", connections
    printf "            highest rate without drops   client CPU us/1000 packets, %d packets/s\n", fixed
    print "tool        packets/s (min - max)        less start-up (min - max)    all      latency us   dropped"
    for (i = 1; i <= count; i++) {
        t = order[i]
        if (("cpu", t) in of)
            printf "%-10s  %-28s %-28s %-8.0f %-12s %d\n", t, rates[t], spread(of["cpu", t]), median(all[t]),
                late[t] == "" ? "not told" : sprintf("%.0f", median(late[t])), cpu_dropped[t]
        else printf "%-10s  %-28s nothing measured\n", t, rates[t]
    }
    printf "\n            %d connections, %d packets/s, all rounds\n", many, fixed
    print "tool        dropped   never came back   bytes per connection (min - max)   peak MB"
    for (i = 1; i <= count; i++) {
        t = order[i]
        if (("many", t) in of)
            printf "%-10s  %-9d %-17d %-34s %.1f\n", t, many_dropped[t], lost[t], spread(of["many", t]), greatest(peak[t])
        else printf "%-10s  nothing measured\n", t
    }
    print "\nto the yardstick (median of the ratios of each round):"
    for (i = 2; i <= count; i++) {
        t = order[i]
        r = ratio("rate", t); c = ratio("cpu", t)
        if (c == "") { printf "%-10s nothing measured\n", t; continue }
        printf "%-10s highest rate %.2f", t, median(r)
        if (t == "lbtest") printf " (target >= 0.9: %s)", verdict(median(r) >= 0.9)
        printf ", client CPU %.2f", median(c)
        if (t == "lbtest") printf " (target <= 1.11: %s)", verdict(median(c) <= 1.11)
        print ""
    }
    if (("many", "lbtest") in of)
        printf "lbtest with %d connections: nothing dropped: %s, at most 4096 bytes per connection: %s\n", many,
            verdict(many_dropped["lbtest"] == 0), verdict(median(of["many", "lbtest"]) <= 4096)
    if (own_lbtest != "")
        printf "\nfor the record, one round: against the server of lbtest the highest rates are %d (yardstick) and %d (lbtest);\n" \
            "server CPU us/1000 packets, less start-up: yardstick %.0f, lbtest %.0f\n", own_yardstick, own_lbtest,
            at["server", "yardstick", 1], at["server", "lbtest", 1]
}' "$rows"
