#!/usr/bin/env bash
# Run a command where images can be built and run, though no image registry is reached.
#   containers/offline.sh make images
# As root: starts a docker daemon if its own does not run, makes a base image from Debian's packages,
# fills a wheel house from wherever this machine's pip has its wheels, serves it on loopback, and runs
# the command with DOCKER_HOST, BASE_IMAGE and NETWORK set. What it started ends with it; images
# and wheels stay in NEPHELE_CONTAINERS (default /var/lib/nephele) for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

export NEPHELE_CONTAINERS=${NEPHELE_CONTAINERS:-/var/lib/nephele}
PYTHON=$PWD/.venv/bin/python
WHEELS=$NEPHELE_CONTAINERS/wheels
PORT=8418 # of the wheel house; the base image has it in its pip.conf

fail() {
  echo "containers/offline.sh: $*" >&2
  exit 1
}

install_tools() {
  command -v dockerd > /dev/null && command -v docker > /dev/null &&
    command -v mmdebstrap > /dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    fail "needs docker and mmdebstrap; install docker.io and mmdebstrap"
  fi
  {
    apt-get update -q && apt-get install -q -y --no-install-recommends docker.io mmdebstrap
    # The client is a package of its own in newer Debians.
    command -v docker || apt-get install -q -y --no-install-recommends docker-cli
  } > "$log" 2>&1 ||
    fail "docker.io and mmdebstrap cannot be installed: $(tail -n 3 "$log")"
}

# The wheels of what every image asks for, and of what builds nephele itself.
fill_wheel_house() {
  local recipe project version
  # For the Python of the images, which need not be the one here.
  version=$(docker run --rm --network none "$BASE_IMAGE" python -c \
    'import sys; print("%d.%d" % sys.version_info[:2])') || fail "$BASE_IMAGE has no python"
  recipe=$( (cat pyproject.toml constraints.txt && echo "$version") | sha256sum | cut -c 1-12)
  [ -e "$WHEELS/.$recipe" ] && return
  mkdir -p "$WHEELS"
  project=$(mktemp -d)
  cp pyproject.toml constraints.txt LICENSE "$project"
  (cd "$project" && "$PYTHON" -m pip download --quiet --disable-pip-version-check \
    --only-binary=:all: --python-version "$version" --dest "$WHEELS" --constraint constraints.txt \
    '.[data,train,evaluation,report,tracking]' 'setuptools>=77' wheel) > "$log" 2>&1 ||
    fail "the wheel house cannot be filled: $(grep -v '^WARNING' "$log" | tail -n 3)"
  rm -rf "$project" "$WHEELS"/nephele-*
  touch "$WHEELS/.$recipe"
}

# pip takes whatever it is served there: be sure that it is served by the server started here.
serve_wheels() {
  local nonce=$WHEELS/.nonce got
  rm -f "$nonce" && (umask 077 && head -c 24 /dev/urandom | base64 > "$nonce")
  "$PYTHON" -m http.server --bind 127.0.0.1 --directory "$WHEELS" "$PORT" > /dev/null 2> "$log" &
  server=$!
  for _ in $(seq 50); do
    got=$(fetch .nonce) && break
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  if [ "$got" != "$(cat "$nonce")" ]; then
    fail "port $PORT does not lead to the wheel house; end what listens there ($(tail -n 1 "$log"))"
  fi
  rm -f "$nonce"
}

# A file of the wheel house, without any proxy.
fetch() {
  timeout 5 "$PYTHON" - "$PORT" "/$1" << 'END' 2> /dev/null
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
connection.request("GET", sys.argv[2])
print(connection.getresponse().read(1000).decode())
END
}

finish() {
  [ -z "$server" ] || kill "$server" 2> /dev/null || true
  [ -z "$started" ] || containers/daemon.sh stop
  rm -f "$log"
}

main() {
  [ $# -gt 0 ] || fail "say which command to run, such as: containers/offline.sh make images"
  [ -x "$PYTHON" ] || fail "no .venv; say make setup"
  server='' started='' log=$(mktemp)
  trap finish EXIT
  trap 'exit 130' INT TERM
  install_tools
  docker --host "unix://$NEPHELE_CONTAINERS/docker.sock" version > /dev/null 2>&1 || started=yes
  DOCKER_HOST=$(containers/daemon.sh start)
  export DOCKER_HOST
  BASE_IMAGE=$(containers/debian_base.sh "$PORT")
  export BASE_IMAGE NETWORK=host
  fill_wheel_house
  serve_wheels
  "$@"
}

# Sourced, it is a set of functions.
[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
