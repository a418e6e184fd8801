#!/usr/bin/env bash
# The first process of the hub: the control plane.  hub.sh [--name N] hub
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=names.sh
. "$here/names.sh"
# shellcheck source=inside.sh
. "$here/inside.sh"
cd "$run/pki"

start etcd --data-dir /var/lib/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
start "$kubernetes/bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --advertise-address=$hub_address --bind-address=0.0.0.0 --secure-port=6443 --insecure-port=0 \
    --tls-cert-file="$PWD/api.crt" --tls-private-key-file="$PWD/api.key" --token-auth-file="$PWD/tokens.csv" --authorization-mode=Node,RBAC --allow-privileged \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$PWD/accounts.pub" --service-account-signing-key-file="$PWD/accounts.key" \
    --feature-gates=$dual_stack --service-cluster-ip-range=$service_network --kubelet-preferred-address-types=InternalIP --profiling=false
await 120 "the API server" answers controller-manager.kubeconfig
start "$kubernetes/bin/kube-controller-manager" --kubeconfig=controller-manager.kubeconfig --service-account-private-key-file=accounts.key --root-ca-file=ca.crt \
    --feature-gates=$dual_stack --use-service-account-credentials --leader-elect=false --port=0 --kube-api-qps=200 --kube-api-burst=400 --node-monitor-grace-period=20s --node-monitor-period=1s
start "$kubernetes/bin/kube-scheduler" --kubeconfig=scheduler.kubeconfig --leader-elect=false --port=0 --kube-api-qps=200 --kube-api-burst=400
start names
exec "$tools/bin/pause"
