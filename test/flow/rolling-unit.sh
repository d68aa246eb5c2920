#!/bin/sh
# Plays systemd for one service whose port a socket unit holds: systemd-socket-activate(1) opened the port and became
# this script, which keeps it for good, and starts and stops as it is told, a word a line. Arguments: KillMode of the
# service, and its command line.
kill_mode=$1
shift
while read -r word; do
  case $word in
    start)
      setsid "$@" </dev/null &
      main=$!
      ;;
    stop)
      if [ "$kill_mode" = process ]; then kill -TERM "$main"; else kill -TERM -- "-$main"; fi
      wait "$main"
      ;;
  esac
  echo "$word $main"
done
