#!/usr/bin/env bash
# Brings up a Kubernetes of three nodes on this machine, and prints the path of its administrator's kubeconfig.
#
#   tests/cluster/up.sh [--name N]       half a minute; ten more the first time (build.sh)
#
# Beside that file: limited.kubeconfig of a user with no rights, bin/kubectl, log/. down.sh takes all of it down.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
[ $# = 0 ] || fail "takes nothing but --name N."
[ "$(id -u)" = 0 ] || fail "a cluster needs root: it makes network namespaces, mounts and control groups."
"$here/build.sh" >&2
mkdir -m 700 "$run" 2> /dev/null || fail "a cluster of the name '$name' is up already, or was left half made: $run. Take it down: $here/down.sh --name $name"
clean() {
    rm -rf "$run.log"
    cp -r "$run/log" "$run.log"
    "$here/down.sh" --name "$name"
    say "its logs are in $run.log"
}
trap clean EXIT
mkdir "$run/log" "$run/pid" "$run/bin" "$run/names"
ln -s "$kubernetes/bin/kubectl" "$run/bin/"

background() { # background <recorded name> <command...>
    setsid "${@:2}" < /dev/null 2> "$run/log/$1.log" &
    record "$1" $!
    disown
}
say "starts the control plane and ${#nodes[@]} nodes"
"$here/certificates.sh" --name "$name"
"$here/network.sh" --name "$name"
for box in hub "${nodes[@]}"; do background "$box" "$here/box.sh" --name "$name" "$box" > /dev/null; done
background relay "$tools/bin/relay" "/run/netns/$(namespace hub)" 6443 > "$run/relay.port"
await 5 "the relay" test -s "$run/relay.port"
for user in admin limited; do sed "s|server:.*|server: https://127.0.0.1:$(cat "$run/relay.port")|" "$run/pki/$user.kubeconfig" > "$run/$user.kubeconfig"; done
kubectl() { "$run/bin/kubectl" --kubeconfig "$run/admin.kubeconfig" "$@"; }

await 120 "the API server" answers "$run/admin.kubeconfig"
filled_in() {
    for part in kube-proxy dns; do
        echo ---
        sed "s|SERVER|https://$hub_address:6443|; s|POD_NETWORK|$pod_network|; s|DNS_ADDRESS|$dns_address|; s|NAMES|$run/names|" "$here/$part.yaml"
    done
}
applied() { filled_in | kubectl apply -f - > "$run/log/apply.log" 2>&1; }
await 30 "kube-proxy and DNS to be taken" applied
all_ready() { [ "$(kubectl get nodes --no-headers 2> /dev/null | grep -cw Ready)" = ${#nodes[@]} ]; }
await 90 "the nodes to be ready" all_ready
rolled_out() { kubectl -n kube-system rollout status "$1" --timeout 5s > /dev/null 2>&1; }
await 60 "kube-proxy on every node" rolled_out daemonset/kube-proxy
await 60 "DNS" rolled_out deployment/dns
has_account() { kubectl get serviceaccount default > /dev/null 2>&1; }
await 30 "the service account of pods" has_account
trap - EXIT
say "up in $SECONDS s"
echo "$run/admin.kubeconfig"
