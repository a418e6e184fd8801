# Sourced by hub.sh and node.sh, the first processes of a box: gives it a view of the machine in which it can write only to memory.
# shellcheck shell=bash disable=SC2154 # common.sh comes first
box=${arguments[0]}
hostname "$box"

# What is written is in memory. The run folder and the cache are carried over, wherever they are.
mount -t tmpfs tmpfs /mnt
mkdir /mnt/run /mnt/cache
mount --bind "$run" /mnt/run
mount --bind "$cache" /mnt/cache
for folder in /run /tmp /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs $folder; done
mkdir -p "$run" "$cache" /run/lock /run/machine /run/libraries/{upper,work}
mount --move /mnt/run "$run"
mount --move /mnt/cache "$cache"
umount /mnt
# A node is expected to have this folder, modules or not.
[ -e /lib/modules ] || {
    mount -t overlay -o lowerdir=/usr/lib,upperdir=/run/libraries/upper,workdir=/run/libraries/work overlay /usr/lib
    mkdir -p /lib/modules
}

# Names cannot be looked up, and that is known at once.
echo 'nameserver 127.0.0.1' > /run/resolv.conf
resolver=$(readlink -m /etc/resolv.conf)
[ -e "$resolver" ] || { mkdir -p "$(dirname "$resolver")" && touch "$resolver"; }
mount --bind /run/resolv.conf "$resolver"

# The kubelet sets these for the whole machine: it may write, and the machine stays as it is.
for setting in vm/overcommit_memory:1 vm/panic_on_oom:0 kernel/panic:10 kernel/panic_on_oops:1 kernel/keys/root_maxkeys:1000000 kernel/keys/root_maxbytes:25000000; do
    file=/run/machine/$(tr / . <<< "${setting%:*}")
    echo "${setting#*:}" > "$file"
    mount --bind "$file" "/proc/sys/${setting%:*}"
done

# This box's network, and the control groups from this box down.
umount -R /sys
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
while IFS=: read -r _ controllers _; do
    case $controllers in
        '') continue ;;
        name=*) folder=${controllers#name=} option=none,$controllers ;;
        *) folder=$controllers option=$controllers ;;
    esac
    mkdir "/sys/fs/cgroup/$folder"
    mount -t cgroup -o "$option" cgroup "/sys/fs/cgroup/$folder"
done < /proc/self/cgroup

mount -o remount,bind,ro /
mount --make-rshared /
export PATH=$tools/root/usr/bin:$tools/root/usr/sbin:$PATH
start() { "$@" > "$run/log/$box-$(basename "$1").log" 2>&1 & }
