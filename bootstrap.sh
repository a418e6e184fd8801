#!/bin/sh
# Sets up and runs the main job or the tests on a bare machine: needs a POSIX shell and the .NET 10 SDK, and says how to get that.
#   ./bootstrap.sh demo    build, then 10,000 connections through a lab of 10 nodes and 100 endpoints
#   ./bootstrap.sh test    build, then every test that can run here; the last line counts them
#   ./bootstrap.sh build   only build
# The tests against Kubernetes run where KUBECONFIG names a cluster, or, as root, with LBTEST_TEST_CLUSTER=1: then a cluster is made for them on this machine (tests/cluster).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$root"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false POWERSHELL_TELEMETRY_OPTOUT=1
export DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true
# An ordinary user's PATH often lacks the folders that the network tools are in.
export PATH="$PATH:/usr/sbin:/sbin"

fail() {
    printf 'bootstrap: %s\n' "$1" >&2
    exit 2
}

task=${1:-}
case $task in
    demo | test | build) ;;
    *) fail "say what to do: './bootstrap.sh demo', './bootstrap.sh test' or './bootstrap.sh build'." ;;
esac

# The SDK.
case $(dotnet --version 2>/dev/null || true) in
    1[0-9].*) ;;
    *) fail "the .NET 10 SDK is missing. Get it from https://dotnet.microsoft.com/download/dotnet/10.0, or with your package manager (dotnet-sdk-10.0), or with its install script: dotnet-install.sh --channel 10.0." ;;
esac

# The system's tools, by the Debian package that has them.
missing=
command -v ip >/dev/null || missing="$missing iproute2"
command -v nft >/dev/null || missing="$missing nftables"
command -v iptables-restore >/dev/null || missing="$missing iptables"
command -v unshare >/dev/null && command -v setsid >/dev/null || missing="$missing util-linux"
# The charts of reports are bundled with it.
command -v npm >/dev/null || missing="$missing npm"
if [ "$task" = test ]; then
    # A test fills a connection-tracking table with the one; another looks at a report with the other.
    command -v conntrack >/dev/null || missing="$missing conntrack"
    command -v chromium >/dev/null || missing="$missing chromium"
    # IPVS labs, on a kernel of their own where the machine's has no ip_vs; Debian has that for PCs only.
    case $(uname -m) in x86_64 | i?86) command -v linux.uml >/dev/null || missing="$missing user-mode-linux" ;; esac
    command -v ipvsadm >/dev/null || missing="$missing ipvsadm"
    command -v ipset >/dev/null || missing="$missing ipset"
fi
if [ -n "$missing" ]; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        printf 'bootstrap: installing%s\n' "$missing"
        # shellcheck disable=SC2086 # one word a package
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null ||
            fail "could not install$missing. Install them and try again."
    else
        printf 'bootstrap: missing, so labs of some kinds, the charts of reports or some tests are left out:%s. As root: apt-get install%s\n' "$missing" "$missing"
    fi
fi

# One cluster for all suites, taken down whatever becomes of them. Its nodes have our image.
if [ "$task" = test ] && [ "${LBTEST_TEST_CLUSTER:-}" = 1 ] && [ -z "${KUBECONFIG:-}" ]; then
    dotnet msbuild build.proj -nologo -v:minimal -t:Image
    cluster=tests-$$
    trap 'tests/cluster/down.sh --name "$cluster"' EXIT
    trap 'exit 130' INT TERM
    KUBECONFIG=$(tests/cluster/up.sh --name "$cluster") || fail "the cluster for the tests did not come up."
    tests/cluster/load.sh --name "$cluster" output/lbtest-image.tar
    export KUBECONFIG PATH="${KUBECONFIG%/*}/bin:$PATH"
    ./bootstrap.sh test
    exit
fi

# PowerShell: the one on PATH, else the pinned dotnet tool, else none.
if command -v pwsh >/dev/null; then
    exec pwsh -NoProfile -NonInteractive -File ./build.ps1 -Task "$task"
elif dotnet tool restore >/dev/null 2>&1; then
    exec dotnet tool run pwsh -- -NoProfile -NonInteractive -File ./build.ps1 -Task "$task"
fi
printf 'bootstrap: no PowerShell 7.6 here, so the cmdlets and their tests are left out (get it: dotnet tool install -g PowerShell).\n'

build() {
    dotnet msbuild build.proj -nologo -v:minimal "-t:$1"
}

case $task in
    build)
        build Build
        ;;
    demo)
        build Build
        for agent in output/LbTest/bin/*/lbtest; do break; done
        lab=demo-$$
        trap '"$agent" lab stop --name "$lab" >/dev/null 2>&1 || true' EXIT
        trap 'exit 130' INT TERM
        "$agent" lab start --name "$lab" --proxy-mode nftables --detached
        "$agent" connect --lab "$lab" --count 10000
        ;;
    test)
        log=$(mktemp)
        trap 'rm -f "$log"' EXIT
        status=0
        { build Test || echo "exit $?" >"$log.status"; } 2>&1 | tee "$log"
        if [ -e "$log.status" ]; then
            status=1
            rm -f "$log.status"
        fi
        # "Passed!  - Failed:     0, Passed:    97, Skipped:     1, Total: …", a line for each test project
        awk -v status="$status" '
            /Failed: +[0-9]+, Passed: +[0-9]+, Skipped: +[0-9]+/ {
                gsub(/[^0-9]+/, " "); split($0, n, " "); failed += n[1]; passed += n[2]; skipped += n[3]
            }
            END {
                if (passed == 0) status = 1
                printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
                exit status
            }' "$log"
        ;;
esac
