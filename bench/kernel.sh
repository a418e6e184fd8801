#!/bin/sh
# A lab on a user-mode kernel beside the same one on the host's, in turn: boot to ready, connects per second. README.md says how to read it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<'END'
usage: kernel.sh [--rounds R] [--nodes N] [--endpoints E] [--count C]

  --rounds R     rounds, each with one lab on either kernel (default 3)
  --nodes N      nodes of a lab (default 10)
  --endpoints E  endpoints of a lab (default 100)
  --count C      connects of a test (default 10000)

The agent is $LBTEST, or the one under ../output. Needs a C compiler and the package user-mode-linux.
END
}

rounds=3 nodes=10 endpoints=100 count=10000 name=bench-$$

case " $* " in *' -h '* | *' --help '*) usage; exit 0 ;; esac
. "$here/measure.sh"

while [ $# -gt 0 ]; do
    case $1 in --rounds | --nodes | --endpoints | --count) [ $# -gt 1 ] || die "$1 wants a value" ;; *) usage >&2; die "unknown option '$1'" ;; esac
    whole_number "$1" 1 "$2"
    case $1 in
    --rounds) rounds=$2 ;;
    --nodes) nodes=$2 ;;
    --endpoints) endpoints=$2 ;;
    --count) count=$2 ;;
    esac
    shift 2
done

build_yardstick
require_agent

printf '%s\n' "$rounds rounds, mode iptables, $nodes nodes, $endpoints endpoints, $count connects; either kernel in turn"
rows=$scratch/rows
: >"$rows"
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for kernel in Host UserMode; do
        lab_is_up=yes
        # The least lab there is: what is left is the boot.
        timed lab start --name "$name" --kernel "$kernel" --proxy-mode iptables --nodes 1 --endpoints 1 --detached
        boot=$seconds
        timed lab stop --name "$name"
        timed lab start --name "$name" --kernel "$kernel" --proxy-mode iptables --nodes "$nodes" --endpoints "$endpoints" --detached
        ready=$seconds
        timed connect --lab "$name" --count "$count" --json
        duration=$(json_number "$scratch/run.out" durationSeconds) made=$(json_number "$scratch/run.out" connections)
        [ "$made" = "$count" ] || die "only $made of $count connects were made on kernel $kernel"
        timed lab stop --name "$name"
        lab_is_up=
        echo "$round $kernel $boot $ready $count $duration $seconds" >>"$rows"
    done
done

awk "$awk_statistics"'
{
    boots[$2] = boots[$2] " " $3; readies[$2] = readies[$2] " " $4; rates[$2] = rates[$2] " " $5 / $6; stops[$2] = stops[$2] " " $7
    boot[$2, $1] = $3; ready[$2, $1] = $4; rate[$2, $1] = $5 / $6; rounds = $1
}
END {
    print "\nkernel    least lab ready, s    lab ready, s          connects/s            stop, s      (median, min - max)"
    split("Host UserMode", kernels, " ")
    for (k = 1; k <= 2; k++) {
        name = kernels[k]
        printf "%-8s  %5.2f (%.2f - %.2f)   %5.2f (%.2f - %.2f)   %6.0f (%.0f - %.0f)   %5.2f (%.2f - %.2f)\n", name,
            median(boots[name]), least(boots[name]), greatest(boots[name]), median(readies[name]), least(readies[name]), greatest(readies[name]),
            median(rates[name]), least(rates[name]), greatest(rates[name]), median(stops[name]), least(stops[name]), greatest(stops[name])
    }
    for (r = 1; r <= rounds; r++) {
        boot_ratios = boot_ratios " " boot["UserMode", r] / boot["Host", r]
        ready_ratios = ready_ratios " " ready["UserMode", r] / ready["Host", r]
        rate_ratios = rate_ratios " " rate["UserMode", r] / rate["Host", r]
    }
    printf "\nuser mode to host: least lab %.1f, lab %.1f, connects/s %.2f\n", median(boot_ratios), median(ready_ratios), median(rate_ratios)
}' "$rows"
