#!/bin/sh
# Boots the Debian in $1 with a systemd of its own: in namespaces of its own, below a cgroup of its own. Call as
# unshare --mount --pid --fork --kill-child --uts --ipc --net sh boot.sh ROOT CGROUP
set -eu
root=$1 group=$2
mount --make-rprivate /
mount -t tmpfs none /mnt
mount -t cgroup2 none /mnt
mkdir "/mnt/$group"
echo 0 >"/mnt/$group/cgroup.procs" # this process
mount --bind "$root" "$root"
mount -t proc none "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro none "$root/sys"
for folder in run tmp dev; do mount -t tmpfs -o mode=755 none "$root/$folder"; done
chmod 1777 "$root/tmp"
for name in null zero full random urandom tty; do
  : >"$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
: >"$root/dev/console"
ip link set lo up
exec unshare --cgroup sh -c 'mount -t cgroup2 none "$0/sys/fs/cgroup" &&
  exec chroot "$0" env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target' "$root" </dev/null
