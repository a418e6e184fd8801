#!/usr/bin/env bash
# Makes the cluster's network: the hub's namespace with a bridge, the nodes' on it, routes to every node's pods. Nothing leads to the machine's own.  network.sh [--name N]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
hub=$(namespace hub)
ip netns add "$hub"
for node in "${nodes[@]}"; do ip netns add "$(namespace "$node")"; done

# Every node sends what it knows no way for to the hub, which says that there is none: service addresses need a route before rules can turn them into others.
forward() { ip netns exec "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; }
forward "$hub"
ip -n "$hub" -batch - << IP
link set lo up
link add br0 type bridge
addr add $hub_address/24 dev br0
addr add $hub_address6/64 dev br0 nodad
link set br0 up
$(for node in "${nodes[@]}"; do
    echo "link add $node type veth peer name eth0 netns $(namespace "$node")"
    echo "link set $node master br0 up"
    echo "route add $(pod_range "$node") via $(node_address "$node")"
    echo "route add $(pod_range6 "$node") via $(node_address6 "$node")"
done)
IP
for node in "${nodes[@]}"; do
    forward "$(namespace "$node")"
    ip -n "$(namespace "$node")" -batch - << IP
link set lo up
addr add $(node_address "$node")/24 dev eth0
addr add $(node_address6 "$node")/64 dev eth0 nodad
link set eth0 up
route add default via $hub_address
route add ::/0 via $hub_address6
route add unreachable 169.254.0.0/16
$(for other in "${nodes[@]}"; do
    [ "$other" = "$node" ] && continue
    echo "route add $(pod_range "$other") via $(node_address "$other")"
    echo "route add $(pod_range6 "$other") via $(node_address6 "$other")"
done)
IP
done
