#!/usr/bin/env bash
# Makes the cluster's certificates, the tokens of its users, and the kubeconfigs of those that live inside.  certificates.sh [--name N]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
mkdir "$run/pki"
cd "$run/pki"

certificate() { # certificate <name> <extension...>
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') \
        -subj "/CN=lbtest-$1" -keyout "$1.key" -out "$1.crt" "${@:2}" 2>> "$run/log/openssl.log"
}
certificate ca -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
certificate api -CA ca.crt -CAkey ca.key -addext extendedKeyUsage=serverAuth \
    -addext "subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1,IP:$hub_address"
openssl ecparam -genkey -name prime256v1 -noout -out accounts.key
openssl ec -in accounts.key -pubout -out accounts.pub 2>> "$run/log/openssl.log"

user() { # user <file> <name> <groups>
    local token
    token=$(openssl rand -hex 16)
    echo "$token,$2,$1,\"$3\"" >> tokens.csv
    "$here/kubeconfig.sh" "https://$hub_address:6443" "$1" "$token" "$run/pki/ca.crt" > "$1.kubeconfig"
}
user admin admin system:masters
user limited limited ""
user controller-manager system:kube-controller-manager ""
user scheduler system:kube-scheduler ""
for node in "${nodes[@]}"; do user "$node" "system:node:$node" system:nodes; done
