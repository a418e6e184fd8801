#!/usr/bin/env bash
# Makes what the test cluster runs, once per machine: Kubernetes, compiled from Debian's source package; etcd, containerd, runc and the CNI plugins, out of Debian's
# packages; two small programs; three images. All lies in ~/.cache/lbtest (LBTEST_CLUSTER_CACHE names another folder); of the host only tools to build with are installed.
#
#   tests/cluster/build.sh            about ten minutes on two cores, a moment where it is done already
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
programs=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl)
packages=(etcd-server containerd runc containernetworking-plugins)

[ -e "$kubernetes/done" ] && [ -e "$tools/done" ] && exit
mkdir -p "$kubernetes" "$tools"
exec 9> "$cache/cluster.lock"
flock 9
log=$cache/cluster-build.log
: > "$log"

missing=()
for pair in go:golang-go rsync:rsync jq:jq make:make dpkg-source:dpkg-dev gcc:gcc /usr/include/stdio.h:libc6-dev \
    openssl:openssl ip:iproute2 xtables-legacy-multi:iptables conntrack:conntrack ipset:ipset dnsmasq:dnsmasq-base; do
    command -v "${pair%%:*}" > /dev/null || [ -e "${pair%%:*}" ] || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || fail "needs ${missing[*]}: sudo apt-get install ${missing[*]}"
    say "installs ${missing[*]}"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >> "$log" 2>&1 || fail "cannot install ${missing[*]}; see $log"
fi

# A part is made in its folder's 'work' and moved out of it when whole.
begin() { rm -rf "$1/work" && mkdir -p "$1/work" && cd "$1/work"; }
end() {
    for made in "${@:2}"; do rm -rf "${1:?}/$made" && mv "$1/work/$made" "$1/"; done
    rm -rf "$1/work"
    touch "$1/done"
}

# The machine's own package sources, asked for source packages too, with lists of their own: the host's stay as they are.
packages_of_debian() {
    mkdir -p apt/sources.list.d apt/lists/partial apt/archives/partial
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then sed -E 's/^Types:.*/Types: deb deb-src/' /etc/apt/sources.list.d/debian.sources > apt/sources.list.d/debian.sources
    else sed -E 's/^deb (.*)$/deb \1\ndeb-src \1/' /etc/apt/sources.list > apt/sources.list.d/debian.list; fi
    apt=(-o "Dir::Etc::SourceParts=$PWD/apt/sources.list.d" -o Dir::Etc::SourceList=/dev/null -o "Dir::State::lists=$PWD/apt/lists" -o "Dir::Cache=$PWD/apt" -o APT::Sandbox::User=)
    apt-get "${apt[@]}" update >> "$log" 2>&1 || fail "cannot read the package lists; see $log"
}

make_tools() {
    say "compiles pause and relay"
    mkdir bin root
    for program in pause relay; do gcc -O2 -Wall -Werror -static -s -o bin/$program "$here/$program.c" || fail "cannot compile $program.c"; done
    say "unpacks ${packages[*]}"
    packages_of_debian
    (cd apt/archives && apt-get "${apt[@]}" download "${packages[@]}") >> "$log" 2>&1 || fail "cannot download ${packages[*]}; see $log"
    for deb in apt/archives/*.deb; do dpkg-deb -x "$deb" root; done
}

make_kubernetes() {
    say "builds Kubernetes $version (about ten minutes)"
    packages_of_debian
    apt-get "${apt[@]}" source --download-only kubernetes >> "$log" 2>&1 || fail "cannot download the source of kubernetes $version; see $log"
    grep -q "^Version: .*$version-" kubernetes_*.dsc || fail "this Debian has another version than $version: $(grep ^Version: kubernetes_*.dsc)"
    dpkg-source --no-check -x kubernetes_*.dsc source >> "$log" 2>&1
    (
        cd source
        export CGO_ENABLED=0 GOPROXY=off GOFLAGS=-mod=vendor GOCACHE=$PWD/../go
        export KUBE_GIT_VERSION=v$version KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=archive KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20
        make WHAT="${programs[*]/#/cmd/}" >> "$log" 2>&1
    ) || fail "the build failed; see $log"
    mkdir bin
    for program in "${programs[@]}"; do install -m 755 "source/_output/bin/$program" bin/; done
}

# The small part first: what is missing shows before the long build, not after it.
[ -e "$tools/done" ] || { begin "$tools" && make_tools; }
[ -e "$kubernetes/done" ] || { begin "$kubernetes" && make_kubernetes && end "$kubernetes" bin; }
if [ ! -e "$tools/done" ]; then
    say "makes the images of pause, kube-proxy and DNS"
    cd "$tools/work"
    mkdir images
    "$here/image.sh" pause "$PWD/bin/pause" images/pause.tar
    "$here/image.sh" kube-proxy "$kubernetes/bin/kube-proxy" images/kube-proxy.tar
    "$here/image.sh" dns "$(command -v dnsmasq)" images/dns.tar
    end "$tools" bin root images
fi
