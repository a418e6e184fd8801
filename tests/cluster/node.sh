#!/usr/bin/env bash
# The first process of a node: containerd and the kubelet. kube-proxy comes from the cluster, as a pod.  node.sh [--name N] node-1
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=inside.sh
. "$here/inside.sh"
mkdir -p /run/cni /run/bin
# The kubelet's rules go where those of kube-proxy's image go.
for tool in {ip,ip6}tables{,-save,-restore}; do ln -s "$(command -v xtables-legacy-multi)" "/run/bin/$tool"; done
export PATH=/run/bin:$PATH

cat > /run/cni/10-lbtest.conflist << JSON
{"cniVersion": "0.3.1", "name": "lbtest", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true, "ipMasq": false,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$(pod_range "$box")"}], [{"subnet": "$(pod_range6 "$box")"}]], "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
cat > /run/containerd.toml << TOML
version = 2
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "k8s.gcr.io/pause:3.2"
  disable_apparmor = true
  restrict_oom_score_adj = true   # a box may not be allowed to lower the score; without this no pod starts
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$tools/root/usr/lib/cni"
    conf_dir = "/run/cni"
TOML
cat > /run/kubelet.yaml << YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}   # only the cluster reaches it
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
failSwapOn: false
resolvConf: ""
clusterDNS: [$dns_address]
clusterDomain: $cluster_domain
nodeStatusUpdateFrequency: 1s
kubeAPIQPS: 100
kubeAPIBurst: 200
eventRecordQPS: 100
registryPullQPS: 0
serializeImagePulls: false
# The machine's disk is none of the tests' business.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 0%, imagefs.available: 0%, nodefs.inodesFree: 0%}
YAML

start containerd --config /run/containerd.toml
serves() { ctr version > /dev/null 2>&1; }
await 20 "containerd on $box" serves
for image in "$tools"/images/*.tar; do ctr -n k8s.io images import "$image"; done > "$run/log/$box-images.log" 2>&1
await 120 "the API server" answers "$run/pki/$box.kubeconfig"
start "$kubernetes/bin/kubelet" --kubeconfig="$run/pki/$box.kubeconfig" --config=/run/kubelet.yaml --hostname-override="$box" --feature-gates=$dual_stack --node-ip="$(node_address "$box"),$(node_address6 "$box")" \
    --node-labels="topology.kubernetes.io/zone=${zones[${box#node-}]}" --container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock \
    --volume-plugin-dir=/var/lib/kubelet/plugins
exec "$tools/bin/pause"
