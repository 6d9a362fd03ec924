#!/usr/bin/env bash
# A docker daemon of one's own, where none runs: for root, on a machine without a service manager.
#   containers/daemon.sh start   prints the DOCKER_HOST to use; one that runs already is left alone
#   containers/daemon.sh stop    ends the one that `start` started, and its containers
# It lives in NEPHELE_CONTAINERS (default /var/lib/nephele) and has no network but the host's:
# containers are built and run with `--network host`.
set -euo pipefail

HOME_FOLDER=${NEPHELE_CONTAINERS:-/var/lib/nephele}
SOCKET=unix://$HOME_FOLDER/docker.sock
PID_FILE=$HOME_FOLDER/dockerd.pid
LOG=$HOME_FOLDER/dockerd.log
PATIENCE=60 # seconds

fail() {
  echo "containers/daemon.sh: $*" >&2
  exit 1
}

answers() { docker --host "$SOCKET" version > /dev/null 2>&1; }

start() {
  if ! answers; then
    [ "$(id -u)" = 0 ] || fail "dockerd needs root; start docker's service, or say sudo"
    command -v dockerd > /dev/null || fail "no dockerd; install docker.io"
    mkdir -p "$HOME_FOLDER"
    setsid dockerd --host "$SOCKET" --pidfile "$PID_FILE" --data-root "$HOME_FOLDER/docker" \
      --exec-root "$HOME_FOLDER/run" --bridge=none --iptables=false > "$LOG" 2>&1 < /dev/null &
    local daemon=$!
    for _ in $(seq $((PATIENCE * 2))); do
      answers && break
      kill -0 "$daemon" 2> /dev/null || fail "dockerd ended: $(tail -n 3 "$LOG")"
      sleep 0.5
    done
    answers || fail "dockerd does not answer after $PATIENCE s; $LOG says why"
  fi
  echo "$SOCKET"
}

stop() {
  local daemon
  daemon=$(cat "$PID_FILE" 2> /dev/null) || return 0
  # After a crash of the machine the number may be another process's.
  [ "$(cat "/proc/$daemon/comm" 2> /dev/null)" = dockerd ] || return 0
  kill "$daemon" 2> /dev/null || true
  for _ in $(seq $((PATIENCE * 2))); do
    kill -0 "$daemon" 2> /dev/null || break
    sleep 0.5
  done
  ! kill -0 "$daemon" 2> /dev/null || fail "dockerd ($daemon) does not end after $PATIENCE s"
  rm -f "$PID_FILE"
  umount "$HOME_FOLDER/run/netns/default" 2> /dev/null || true # it leaves this behind
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  *) fail "say start or stop" ;;
esac
