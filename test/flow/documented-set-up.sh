#!/bin/sh
# The commands of docs/record-a-bastion.md in a machine within the machine: processes, network and mounts of its own, over
# the real /etc, /opt and /home, of which nothing changes. systemd, which is not there, is played by a SIGHUP to sshd.
# Arguments: an empty folder, the repository, then one file per block of commands. Prints what the steps led to.
set -eu
work=$1 repository=$2 account=$3 files=$4 user_step=$5 check=$6 undo=$7

mount -t tmpfs none "$work"
for folder in etc opt home run; do
  mkdir -p "$work/$folder/upper" "$work/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$work/$folder/upper,workdir=$work/$folder/work" "/$folder"
done
ip link set lo up
mkdir -p /run/sshd "$work/bin"
printf '#!/bin/sh\n[ "$*" = "reload ssh" ] && kill -HUP "$(cat /run/sshd.pid)"\n' >"$work/bin/systemctl"
chmod 755 "$work/bin/systemctl"
PATH=$work/bin:$PATH

ssh-keygen -A >/dev/null
/usr/sbin/sshd
printf '[server]\nlisten_address = 127.0.0.1:30343\n[iolog]\niolog_dir = %s/sessions\n' "$work" >"$work/logsrvd.conf"
sudo_logsrvd -n -f "$work/logsrvd.conf" &
log_server=$!

ssh-keygen -q -t ed25519 -N '' -f "$work/key"
give_key() {
  install -d -o "$1" -m 700 "/home/$1/.ssh"
  install -o "$1" -m 600 "$work/key.pub" "/home/$1/.ssh/authorized_keys"
}
log_in() {
  who=$1
  shift
  ssh -F none -n -i "$work/key" -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null "$who@127.0.0.1" "$@" 2>&1 || echo "code $?"
}
recorded() { find "$work/sessions" -name log.json | wc -l; }
step() {
  echo "== $1"
  shift
  "$@"
}
sshd_again() { # sshd reloads by starting itself anew
  tries=0
  until log_in breakglass true >/dev/null 2>&1 && [ "$(log_in breakglass echo up)" = up ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ]
    sleep 0.1
  done
}

cd "$repository"
useradd --create-home --shell /bin/bash alice
. "$account"
for name in alice breakglass; do give_key "$name"; done
. "$files" >/dev/null
sshd_again
step 'before step 2' log_in alice 'echo not recorded yet'
. "$user_step"
step 'checks of the page' . "$check"
step 'recorded user' log_in alice 'echo in; exit 7'
step 'recorded user, interactively' log_in alice -tt 'tty >/dev/null && echo on a terminal'
step 'other account' log_in breakglass 'echo in'
step 'recordings' recorded
kill "$log_server"
wait "$log_server" || :
step 'recorded user, log server down' log_in alice 'echo in'
step 'other account, log server down' log_in breakglass 'echo in'
step 'undo' . "$undo"
sshd_again
step 'once recorded user, log server down' log_in alice 'echo in; echo $SHELL'
step 'left behind' find /etc/sudoers.d /etc/ssh/sshd_config.d /etc/bartizan /opt/bartizan -type f ! -name README ! -name 'bartizan-test-*'
