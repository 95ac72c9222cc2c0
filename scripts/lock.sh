#!/usr/bin/env bash
# Lock all packages with their hashes, for every platform and Python: one file per purpose in locks/.
# Usage: scripts/lock.sh [ARGUMENT...]   (arguments go to uv, for example --upgrade-package numpy)
#
# Each file holds only what the earlier ones lack, so the chart can be installed where an extra has no wheel.
# A package has the same version in all files. Set UV to the path of uv if it is not on the PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly uv="${UV:-uv}"
command -v "$uv" >/dev/null || {
  echo "lock: error: uv not found: pip install uv, or set UV=/path/to/uv" >&2
  exit 1
}

# lock NAME BEFORE...: write locks/NAME.lock, without the packages in locks/BEFORE.lock.
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
lock alerts chart archive video
lock serve chart archive video alerts
# nkeys is published only as source; setuptools, which builds it, is among the build tools.
lock bus chart
sed -i '1i --no-binary nkeys' locks/bus.lock
lock cluster chart archive video alerts serve
lock build chart
lock bundle chart archive video alerts serve bus
lock dev chart archive video serve bus cluster build
lock peers chart archive video serve bus cluster build dev
