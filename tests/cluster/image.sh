#!/usr/bin/env bash
# Makes the archive of an image around a program: one of the cluster's own, or any other, by a name for it.  image.sh pause|kube-proxy|dns|<name:tag> <program> <archive>
set -euo pipefail
program=$2 archive=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir "$root"

# A file of this machine with the libraries that it loads.
add() { # add <file> <where>
    install -D -m 755 "$1" "$root$2"
    { ldd "$1" 2> /dev/null || true; } | { grep -o "/[^ ]*" || true; } | while read -r library; do install -D -m 755 "$library" "$root$library"; done
}

case $1 in
    pause)
        tag=k8s.gcr.io/pause:3.2
        add "$program" /pause
        entry=/pause
        ;;
    kube-proxy)
        tag=k8s.gcr.io/kube-proxy:v1.20.2
        add "$program" /usr/local/bin/kube-proxy
        entry=/usr/local/bin/kube-proxy
        for tool in xtables-legacy-multi conntrack ipset; do add "$(command -v $tool)" /usr/sbin/$tool; done
        for tool in {ip,ip6}tables{,-save,-restore}; do ln -s xtables-legacy-multi "$root/usr/sbin/$tool"; done
        plugins=$(dirname "$(find /usr/lib -name libxt_statistic.so)")
        for plugin in "$plugins"/*.so; do add "$plugin" "$plugin"; done
        mkdir "$root/tmp"
        ;;
    dns)
        tag=localhost/dnsmasq:2
        add "$program" /usr/sbin/dnsmasq
        entry=/usr/sbin/dnsmasq
        mkdir "$root/etc"
        echo 'root:x:0:0::/:' > "$root/etc/passwd"
        ;;
    *:*)
        tag=$1
        entry=/usr/local/bin/$(basename "$program")
        add "$program" "$entry"
        ;;
    *) echo "tests/cluster/image.sh: '$1' is no name for an image: pause, kube-proxy, dns, or a name with a tag." >&2 && exit 1 ;;
esac

tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$root" -cf "$work/layer.tar" .
digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
cat > "$work/config.json" << JSON
{"architecture": "$(dpkg --print-architecture)", "os": "linux", "created": "1970-01-01T00:00:00Z",
 "config": {"Entrypoint": ["$entry"], "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "WorkingDir": "/"},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]}, "history": [{"created": "1970-01-01T00:00:00Z"}]}
JSON
echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$tag\"], \"Layers\": [\"layer.tar\"]}]" > "$work/manifest.json"
tar -C "$work" -cf "$archive" manifest.json config.json layer.tar
