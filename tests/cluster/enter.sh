#!/usr/bin/env bash
# Runs a command in a box (hub, node-1, node-2, node-3), as root, with all of its namespaces.  tests/cluster/enter.sh [--name N] <box> <command...>
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
box=${arguments[0]:-}
[[ $box =~ ^(hub|node-[1-3])$ ]] || fail "there is no box '$box': hub, node-1, node-2 or node-3."
outer=$(recorded "$box") || fail "the box '$box' of the cluster '$name' is not up."
first=$(< "/proc/$outer/task/$outer/children") && [ -n "$first" ] || fail "the box '$box' has no first process."
exec nsenter --target "${first%% *}" --mount --uts --ipc --net --pid --cgroup -- "${arguments[@]:1}"
