#!/usr/bin/env bash
# See to it that there is a Chromium: as root, Debian's, where there is none.
set -euo pipefail

fail() {
  echo "make test-pages: needs chromium on the PATH; $*" >&2
  exit 1
}

command -v chromium chromium-browser google-chrome > /dev/null && exit
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  fail "install it, or run this as root where apt-get can"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt-get update -q && apt-get install -q -y --no-install-recommends chromium; } > "$log" 2>&1 ||
  fail "apt-get cannot install it: $(tail -n 3 "$log")"
