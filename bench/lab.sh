#!/bin/sh
# Time to start and to stop a lab, small and ten times as large, alternating. README.md says how to read it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<'END'
usage: lab.sh [--rounds R] [--proxy-mode MODE]

  --rounds R         rounds, each with one lab of either size (default 3)
  --proxy-mode MODE  nftables (default) or iptables

The agent is $LBTEST, or the one under ../output. Needs a C compiler.
END
}

rounds=3 mode=nftables name=bench-$$

case " $* " in *' -h '* | *' --help '*) usage; exit 0 ;; esac
. "$here/measure.sh"

while [ $# -gt 0 ]; do
    case $1 in --rounds | --proxy-mode) [ $# -gt 1 ] || die "$1 wants a value" ;; *) usage >&2; die "unknown option '$1'" ;; esac
    case $1 in
    --rounds) whole_number "$1" 1 "$2"; rounds=$2 ;;
    --proxy-mode) mode=$2 ;;
    esac
    shift 2
done

build_yardstick
require_agent

printf '%s\n' "$rounds rounds, a lab of either size in turn, proxy mode $mode"
rows=$scratch/rows
: >"$rows"
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for nodes in 10 100; do
        endpoints=$((nodes * 10))
        lab_is_up=yes
        timed lab start --name "$name" --nodes "$nodes" --endpoints "$endpoints" --proxy-mode "$mode" --detached
        start=$seconds
        timed lab stop --name "$name"
        lab_is_up=
        echo "$round $nodes $endpoints $start $seconds" >>"$rows"
    done
done

awk "$awk_statistics"'
{
    starts[$2] = starts[$2] " " $4; stops[$2] = stops[$2] " " $5; endpoints[$2] = $3
    start[$2, $1] = $4 / $3; stop[$2, $1] = $5 / $3; rounds = $1
}
END {
    print "\nlab                           start, s: median (min - max)   stop, s: median (min - max)"
    for (nodes = 10; nodes <= 100; nodes *= 10)
        printf "%3d nodes, %4d endpoints      %8.2f (%.2f - %.2f)         %8.2f (%.2f - %.2f)\n", nodes, endpoints[nodes],
            median(starts[nodes]), least(starts[nodes]), greatest(starts[nodes]),
            median(stops[nodes]), least(stops[nodes]), greatest(stops[nodes])
    for (r = 1; r <= rounds; r++) {
        start_ratios = start_ratios " " start[100, r] / start[10, r]
        stop_ratios = stop_ratios " " stop[100, r] / stop[10, r]
    }
    printf "\ntime per endpoint, large lab to small (1 = linear, below 1 = a fixed part): start %.2f, stop %.2f\n",
        median(start_ratios), median(stop_ratios)
}' "$rows"
