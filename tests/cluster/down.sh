#!/usr/bin/env bash
# Takes a cluster down, whole or half made; nothing of it is left.  tests/cluster/down.sh [--name N]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
[ $# = 0 ] || fail "takes nothing but --name N."
[ -d "$run" ] || exit 0

# With the first process of a box everything in it ends.
for file in "$run"/pid/*; do
    if pid=$(recorded "$(basename "$file")"); then kill -9 "$pid"; fi
done
gone() { for file in "$run"/pid/*; do if recorded "$(basename "$file")" > /dev/null; then return 1; fi; done; }
await 10 "its processes to end" gone

[ ! -e "$run/cgroups" ] || sort -u "$run/cgroups" | while read -r group; do
    empty() { [ ! -d "$group" ] || { find "$group" -depth -type d -exec rmdir {} + && [ ! -d "$group" ]; } 2> /dev/null; }
    await 10 "$group to be empty" empty
done
for box in hub "${nodes[@]}"; do
    if [ -e "/run/netns/$(namespace "$box")" ]; then ip netns del "$(namespace "$box")"; fi
done
rm -rf "$run"
