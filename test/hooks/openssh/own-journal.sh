#!/bin/sh
# A journald and an sshd of a test's own, in namespaces of their own: nothing of the machine's is touched, and all ends
# with this script. $1: a folder with journal/, dev/, sshd_config and client_key. $2: sshd's port.
set -eu
folder=$1 port=$2
mount --make-rprivate /
for node in null zero full random urandom tty; do
  touch "$folder/dev.$node"
  mount --bind "/dev/$node" "$folder/dev.$node"
done
mkdir "$folder/pts"
mount --bind /dev/pts "$folder/pts"
mount -t tmpfs tmpfs "$folder/dev"
for node in null zero full random urandom tty; do
  touch "$folder/dev/$node"
  mount --move "$folder/dev.$node" "$folder/dev/$node" 2>/dev/null || mount --bind "/dev/$node" "$folder/dev/$node"
done
mkdir "$folder/dev/pts"
mount --bind "$folder/pts" "$folder/dev/pts"
ln -s pts/ptmx "$folder/dev/ptmx"
ln -s /proc/self/fd "$folder/dev/fd"
mount --move "$folder/dev" /dev
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal /run/sshd
mount --bind "$folder/journal" /run/log/journal
/lib/systemd/systemd-journald 2>/dev/null &
while [ ! -S /run/systemd/journal/dev-log ]; do sleep 0.05; done
ln -s /run/systemd/journal/dev-log /dev/log
/usr/sbin/sshd -D -f "$folder/sshd_config" &
set -- -p "$port" -i "$folder/client_key" -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
until ssh "$@" root@127.0.0.1 true 2>/dev/null; do sleep 0.1; done
ssh "$@" 'nobody from 10.9.9.9 port 22 ssh2@127.0.0.1' true 2>/dev/null || true
shift 2
printf 'get /etc/hostname %s/got\n' "$folder" | sftp -q -P "$port" -b - "$@" root@127.0.0.1 >/dev/null 2>&1
# Not as root, who may write anything anywhere; and gone before the journal can look what it was.
setpriv --reuid=65534 --regid=65534 --clear-groups logger -t 'sshd[1]' 'Accepted password for root from 10.9.9.9 port 22 ssh2'
read -r _ # until the test has seen all of it
