#!/usr/bin/env bash
# Becomes a box: joins control groups of its own below the caller's, and starts hub.sh or node.sh in namespaces that end with it.  box.sh [--name N] <box>
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
box=${arguments[0]}
role=${box%-*}

hierarchies=0
while IFS=: read -r _ controllers path; do
    case $controllers in
        '') continue ;;   # version 2: where it has controllers there is none of the others, see below
        name=*) mount=/sys/fs/cgroup/${controllers#name=} ;;
        *) mount=/sys/fs/cgroup/$controllers && hierarchies=$((hierarchies + 1)) ;;
    esac
    top=$mount${path%/}/lbtest-$name
    echo "$top" >> "$run/cgroups"
    for group in "$top" "$top/$box"; do
        mkdir -p "$group"
        # A new group of this kind has no processors and no memory until it is told.
        if [ -e "$group/cpuset.cpus" ]; then
            cat "$mount/cpuset.cpus" > "$group/cpuset.cpus"
            cat "$mount/cpuset.mems" > "$group/cpuset.mems"
        fi
    done
    echo $$ > "$top/$box/cgroup.procs"
done < /proc/self/cgroup
[ $hierarchies -gt 0 ] || fail "needs control groups of version 1 in /sys/fs/cgroup; this machine has version 2 alone."

exec nsenter --net="/run/netns/$(namespace "$box")" unshare --mount --uts --ipc --cgroup --pid --fork --kill-child --mount-proc "$here/$role.sh" --name "$name" "$box"
