#!/usr/bin/env bash
# Loads the archive of an image (OCI or docker) into every node, as 'kind load image-archive' does.  tests/cluster/load.sh [--name N] <archive.tar>
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
archive=${arguments[0]:-}
[ -d "$run" ] || fail "no cluster of the name '$name' is up."
[ -r "$archive" ] || fail "cannot read the archive '$archive'."
loads=()
for node in "${nodes[@]}"; do
    "$here/enter.sh" --name "$name" "$node" "$tools/root/usr/bin/ctr" -n k8s.io images import - < "$archive" > "$run/log/load-$node.log" 2>&1 &
    loads+=($!)
done
for i in "${!nodes[@]}"; do wait "${loads[i]}" || { cat "$run/log/load-${nodes[i]}.log" >&2 && fail "${nodes[i]} did not take '$archive'."; }; done
