#!/usr/bin/env bash
# A base image like the official slim Python, of the Debian that this machine runs.
#   containers/debian_base.sh PORT   prints its name, and makes it if the daemon has none yet
# For where no image registry is reached: packages come from the machine's own apt sources, and its
# pip takes wheels from the wheel house (containers/offline.sh) at PORT of 127.0.0.1 only.
set -euo pipefail

PORT=${1:?the port of the wheel house}
PACKAGES=python3,python3-pip,ca-certificates

fail() {
  echo "containers/debian_base.sh: $*" >&2
  exit 1
}

# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
# Other recipe, other name: this file and the port are the recipe.
recipe=$( (cat "$0" && echo "$PORT") | sha256sum | cut -c 1-12)
image=nephele/debian-python:$suite-$recipe

if ! docker image inspect "$image" > /dev/null 2>&1; then
  command -v mmdebstrap > /dev/null || fail "no mmdebstrap; install it, or use the official base"
  [ "$(id -u)" = 0 ] || fail "mmdebstrap makes images as root only; say sudo"
  sources=()
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/{debian,ubuntu}.sources; do
    if [ -s "$file" ]; then sources+=("$file"); fi
  done
  [ ${#sources[@]} -gt 0 ] || fail "no apt sources in /etc/apt; expected Debian's or Ubuntu's"

  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  # shellcheck disable=SC2016  # the hooks' own $1 is the folder of the new system
  # `python` and `pip` for all, as in the official image; what nobody reads stays out.
  mmdebstrap --quiet --variant=minbase --include="$PACKAGES" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook='ln -s python3 "$1/usr/bin/python"' \
    --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
    --customize-hook="printf '[global]\nno-index = true\nfind-links = http://127.0.0.1:$PORT/\n' \
      > \"\$1/etc/pip.conf\"" \
    "$suite" "$folder/base.tar" "${sources[@]}" 2> "$folder/log" ||
    fail "mmdebstrap failed: $(tail -n 3 "$folder/log")"
  docker import --change 'CMD ["python"]' "$folder/base.tar" "$image" > /dev/null
fi
echo "$image"
