#!/usr/bin/env bash
# Prints a kubeconfig.  kubeconfig.sh <server> <user> <token> <certificate authority's file>
set -euo pipefail
cat << YAML
apiVersion: v1
kind: Config
clusters:
- name: lbtest
  cluster:
    server: $1
    certificate-authority-data: $(base64 -w0 "$4")
users:
- name: $2
  user:
    token: $3
contexts:
- name: lbtest
  context:
    cluster: lbtest
    user: $2
current-context: lbtest
YAML
