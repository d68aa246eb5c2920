#!/bin/sh
# What the agent's package lays out, run as its units would run it, where no systemd is PID 1: in processes, network and
# mounts of its own, over the real /etc and so on, of which nothing changes.
# Arguments: an empty folder, the package's tree, the repository. Prints what the steps led to, and leaves in the folder
# what the agents recorded.
set -eu
out=$1 tree=$2 repository=$3
work=$out/work
mkdir "$work"
mount -t tmpfs none "$work"
overlay() { # folder, lower folders
  mkdir -p "$work/$1/upper" "$work/$1/work"
  mount -t overlay overlay -o "lowerdir=$2,upperdir=$work/$1/upper,workdir=$work/$1/work" "/$1"
}
for folder in etc opt home run var/lib; do overlay "$folder" "/$folder"; done
units=/usr/lib/systemd/system
overlay "${units#/}" "$tree$units:$units"
rm -rf /run/systemd /opt/bartizan /etc/bartizan /etc/sudoers.d/bartizan*
mkdir -p /opt/bartizan
mount --bind "$tree/opt/bartizan" /opt/bartizan
cp -a "$tree/etc/bartizan" /etc/
ip link set lo up

step() {
  echo "== $1"
  shift
  "$@" 2>&1 || echo "code $?"
}
step 'maintainer script' env DPKG_MAINTSCRIPT_PACKAGE=bartizan-agent DPKG_MAINTSCRIPT_NAME=postinst sh "$repository/scripts/package/debian/postinst" configure
step 'enabled' sh -c 'cd /etc/systemd/system && find . -name "bartizan-*" | sort'

command_of() { sed -n 's/^ExecStart=//p' "$units/$1.service"; }
ports_of() { sed -n 's/^ListenStream=//p' "$units/$1.socket"; }
environment() { sed -n 's/^Environment=//p' "$units/$1" "$units/bartizan-agent.service.d/rights.conf" | tr '\n' ' '; }
install -d -m 711 -o bartizan-agent /run/bartizan-agent/record # RuntimeDirectory=
chmod 755 /run/bartizan-agent
as_agent='setpriv --reuid bartizan-agent --regid bartizan-agent --init-groups --bounding-set=-all --no-new-privs env -i PATH=/usr/bin:/bin'
# shellcheck disable=SC2046,SC2086 # words
set_up() {
  systemd-socket-activate --accept --inetd --listen "$(ports_of bartizan-tty-probe)" $(command_of bartizan-tty-probe@) &
  env -i PATH=/usr/bin:/bin systemd-socket-activate --listen "$(ports_of bartizan-agent-standby)" --fdname=sudo \
    $as_agent LISTEN_FDS=1 $(environment bartizan-agent-standby.service) sh -c 'export LISTEN_PID=$$; exec "$@"' sh \
    $(command_of bartizan-agent-standby) &
  env -i PATH=/usr/bin:/bin systemd-socket-activate --listen "$(ports_of bartizan-agent)" --listen "$(ports_of bartizan-record)" \
    --fdname=sudo:record $as_agent LISTEN_FDS=2 LISTEN_FDNAMES=sudo:record RUNTIME_DIRECTORY=/run/bartizan-agent/record \
    $(environment bartizan-agent.service) $(command_of bartizan-agent) &
  main=$!
}
set_up >"$out/agents.log" 2>&1
until [ -S "$(ports_of bartizan-tty-probe)" ]; do sleep 0.1; done
chown bartizan-agent: "$(ports_of bartizan-tty-probe)" # SocketUser=

groupadd --system bartizan-recorded
useradd --create-home --shell /bin/bash --groups bartizan-recorded alice
sed 's|@GROUP@|bartizan-recorded|g; s|@PORT@|30343|g; s|log_server_timeout=10|log_server_timeout=60|' \
  /opt/bartizan/app/hooks/sudo/setup/sudoers >/etc/sudoers.d/bartizan
install -m 440 /opt/bartizan/app/deploy/agent/sudoers-standby /etc/sudoers.d/bartizan-standby
chmod 440 /etc/sudoers.d/bartizan
visudo -cq
as_alice() { setpriv --reuid alice --regid alice --init-groups env -i HOME=/home/alice USER=alice PATH=/usr/bin:/bin "$@"; }
session() { as_alice sudo -n -u alice /bin/bash -c "echo $1"; }
info=/var/lib/bartizan-agent/agent/agent.json

step 'a session of sudo' session by-main
step 'bartizan record' as_alice /opt/bartizan/app/bartizan record -- sh -c 'echo by-record; id -un'
step 'doctor' $as_agent /opt/bartizan/app/bartizan doctor --json
step 'posture' $(command_of bartizan-posture)
step 'told the agent' ls /var/lib/bartizan-agent/posture
step 'who listens' sh -c "tr '\\n' ' ' <$info | sed 's/.*\"sudoPort\":\\([0-9]*\\),\"scriptPort\":\\([0-9]*\\).*/\\1 \\2\\n/'"
kill "$main" # as systemd does with KillMode=process
wait "$main" || :
while [ -e "$info" ]; do sleep 0.1; done
step 'a session, main stopped' session by-standby
step 'bartizan record, main stopped' as_alice /opt/bartizan/app/bartizan record -- echo unrecorded
step 'the standby tells nobody that it is the agent' sh -c "[ ! -e $info ]"
for pid in $(ps -o pid= -u bartizan-agent); do kill "$pid"; done
while [ -n "$(ps -o pid= -u bartizan-agent)" ]; do sleep 0.1; done
cp -a /var/lib/bartizan-agent "$out/data"
