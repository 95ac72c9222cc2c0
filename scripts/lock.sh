#!/usr/bin/env bash
# Lock all packages with their hashes, for every platform and Python: one file per purpose in locks/.
# Usage: scripts/lock.sh [ARGUMENT...]   (arguments go to uv, for example --upgrade-package numpy)
#
# Each file holds only what the ones before it lack, so that the chart resolves by itself where an extra has no wheel.
# A package has the same version in all of them. UV names the uv to use.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly uv="${UV:-uv}"
command -v "$uv" >/dev/null || {
  echo "lock: error: uv is needed (pip install uv); UV=/path/to/uv names it" >&2
  exit 1
}

# lock NAME BEFORE...: write locks/NAME.lock, without what locks/BEFORE.lock hold.
lock() {
  local name="$1" before package options=()
  shift
  [[ $name == chart ]] || options+=(--extra "$name")
  for before in "$@"; do
    options+=(--constraint "locks/$before.lock")
    while read -r package; do options+=(--no-emit-package "$package"); done \
      < <(sed -nE 's/^([A-Za-z0-9_.-]+)==.*/\1/p' "locks/$before.lock")
  done
  "$uv" pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
    "${options[@]}" "${arguments[@]}" --output-file "locks/$name.lock"
  echo "locks/$name.lock: $(grep -cE '^[A-Za-z0-9_.-]+==' "locks/$name.lock") packages"
}

readonly arguments=("$@")
mkdir -p locks
lock chart
lock archive chart
lock video chart
lock build chart
lock dev chart archive video build
lock peers chart archive video build dev
