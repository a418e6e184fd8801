# Sourced by the other scripts: where things lie, and what the parts of a cluster are called.
# shellcheck shell=bash disable=SC2034 # used by those who source it
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=1.20.2
cache=${LBTEST_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lbtest}
kubernetes=$cache/kubernetes-$version-2   # raise the last number where what is compiled changes
tools=$cache/cluster-tools-2              # and here where packages, small programs or images do
export PATH=$PATH:/usr/sbin:/sbin

# One cluster is a hub, which holds the control plane and the network, and three nodes. Each is a box: a process tree in namespaces and control groups of its own.
nodes=(node-1 node-2 node-3)
zones=([1]=zone-a [2]=zone-b [3]=zone-b)
hub_address=172.30.0.1 hub_address6=fd00:172:30::1
pod_network=10.244.0.0/16,fd00:10:244::/56
service_network=10.96.0.0/12,fd00:10:96::/112
dual_stack=IPv6DualStack=true   # an alpha feature of this version
dns_address=10.96.0.10
cluster_domain=cluster.local
node_address() { echo "172.30.0.1${1#node-}"; }
node_address6() { echo "fd00:172:30::1${1#node-}"; }
pod_range() { echo "10.244.${1#node-}.0/24"; }
pod_range6() { echo "fd00:10:244:${1#node-}::/64"; }

say() { echo "$@" >&2; }
fail() { say "tests/cluster/$(basename "$0"): $*"; exit 1; }

# "--name N" comes first and picks the cluster; what follows is left in arguments.
name=test
if [ "${1:-}" = --name ]; then
    name=${2:-}
    shift $(($# > 1 ? 2 : 1))
fi
arguments=("$@")
[[ $name =~ ^[a-z0-9][a-z0-9-]{0,19}$ ]] || fail "'$name' is no name for a cluster: up to 20 lower-case letters, digits and hyphens."
run=${TMPDIR:-/tmp}/lbtest-cluster-$name
namespace() { echo "lbtest-$name-$1"; }

# A recorded process is its id and its start time, so that another one with the same id is never taken for it.
started() { cut -d' ' -f22 "/proc/$1/stat" 2> /dev/null; }
record() { echo "$2 $(started "$2")" > "$run/pid/$1"; }
recorded() {
    local pid start
    { read -r pid start < "$run/pid/$1"; } 2> /dev/null && [ -n "$start" ] && [ "$(started "$pid")" = "$start" ] && echo "$pid"
}

# Does the API server answer the holder of this kubeconfig?
answers() { "$kubernetes/bin/kubectl" --kubeconfig "$1" --request-timeout 2s get --raw /readyz > /dev/null 2>&1; }
await() { # await <seconds> <what for> <command...>
    local seconds=$1 what=$2 deadline=$((SECONDS + $1))
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "waited $seconds s in vain for $what."
        sleep 0.2
    done
}
