#!/usr/bin/env bash
# Try what scripts/bundle.sh made on systems without Python: in bare Debian 12 and 13 roots, as a user. The folder must
# say which libraries are missing; the package must install, and then show its version, pass its doctor, draw a market
# into a picture and a video, serve it, export a file, and find events in worker processes.
#
# Usage: scripts/bundle_check.sh [--keep FOLDER] [SUITE...]     (bookworm trixie)
#   --keep FOLDER   put the pictures that it drew there
#
# Needs root and mount namespaces, like scripts/bare.sh. Roots are kept in the same folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly cache="${FLOW_GL_BARE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flow_gl/bare}"
readonly python="$PWD/build/bundle/venv/bin/python" folder="$PWD/dist/flow-gl" step_s=300
work= variables=()

say() { printf 'bundle-check: %s\n' "$*"; }
. scripts/debian_roots.sh

# --- inside: one root, in mount and process namespaces of its own ------------------------------------------------

prepare_root() {
  mount --make-rprivate /
  mount -t proc proc /proc # so that process numbers are those of this namespace
  open_root
  no_python
}

no_python() {
  chroot "$root" sh -c '! command -v python3 && ! ls /usr/lib/python3* 2>/dev/null' >"$log" || complain "there is Python"
}

# The folder alone: without OpenGL it names what is missing; with OpenGL it draws.
try_folder() {
  local code=0
  cp -r "$folder" "$home/flow-gl"
  in_root "$user" ./flow-gl/flow-gl demo --headless --duration 1 >"$log" 2>&1 || code=$?
  [[ $code == 5 && $(wc -l <"$log") == 1 && $(<"$log") == *"apt-get install"* ]] ||
    complain "without OpenGL: exit code $code, expected 5 and a line that says what to install"
  say "$suite: without OpenGL: $(<"$log")"
}

try_server() {
  local server port
  port="$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
  in_root "$user" flow-gl serve demo --port "$port" --workers 2 >"$log" 2>&1 </dev/null &
  server=$!
  "$python" - "$port" <<'PYTHON' || complain "serve demo"
import json, sys, time
from urllib.error import HTTPError
from urllib.request import urlopen

def get(path):
    try:
        with urlopen(f"http://127.0.0.1:{sys.argv[1]}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)

end = time.monotonic() + 120
while get("/readyz")[0] != 200 and time.monotonic() < end:
    time.sleep(0.5)
for path, wanted in (("/healthz", ""), ("/readyz", "ready"), ("/", "<html"), ("/metrics", "flow_gl_trades_total")):
    status, text = get(path)
    if status != 200 or wanted not in text:
        sys.exit(f"{path}: {status} {text[:200]}")
PYTHON
  pkill -TERM -P "$server" || true
  wait "$server" || true
  say "$suite: serve demo: healthy, ready, its page and metrics are there"
}

check_pictures() {
  "$python" - "$home" >"$log" 2>&1 <<'PYTHON' || complain "the picture, the video or the export is wrong"
import sys
from pathlib import Path
import av
import numpy as np
import pyarrow.parquet
home = Path(sys.argv[1])
for name, least in (("demo.png", 1), ("folder.png", 1), ("demo.mp4", 50)):
    with av.open(str(home / name)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    colours = len(np.unique(frames[-1].reshape(-1, 3), axis=0))
    if len(frames) < least or colours < 200:
        sys.exit(f"{name}: {len(frames)} pictures, {colours} colours in the last one")
    print(f"{name}: {colours} colours", end="; ")
rows = sum(pyarrow.parquet.read_metadata(path).num_rows for path in home.glob("tables/**/*.parquet"))
if rows < 60:
    sys.exit(f"the export has {rows} rows")
print(f"the export: {rows} rows")
PYTHON
  say "$suite: $(<"$log")"
}

inside() {
  local deb home="$root/home/trader"
  user=trader place=/home/trader label="$suite"
  deb="$(echo dist/flow-gl_*.deb)"
  prepare_root
  try_folder
  cp "$deb" "$root/tmp/"
  in_root root sh -c 'apt-get update && apt-get install -y --no-install-recommends /tmp/flow-gl_*.deb' \
    >"$log" 2>&1 </dev/null || complain "the package cannot be installed"
  no_python
  cp "$work"/day?.dbn.zst "$home/" && chroot "$root" chown -R "$user:" "$place"
  must "--version" flow-gl --version
  say "$suite: $(<"$log")"
  must "demo, first start" flow-gl demo --headless --size 1920x1080 --duration 10 --screenshot demo.png
  must "demo with a video" flow-gl demo --headless --size 960x540 --duration 4 --record demo.mp4
  must "doctor" flow-gl doctor
  must "replay" flow-gl replay day1.dbn.zst --speed max --headless --duration 2
  must "export" flow-gl export day1.dbn.zst --out tables
  must "detect in two processes" flow-gl detect day1.dbn.zst day2.dbn.zst --workers 2 --out study
  try_server
  must "the folder" ./flow-gl/flow-gl demo --headless --size 960x540 --duration 3 --screenshot folder.png
  check_pictures
  [[ -z $keep ]] || { mkdir -p "$keep" && cp "$home/demo.png" "$keep/$suite.png"; }
  in_root root apt-get remove -y flow-gl >"$log" 2>&1 || complain "the package cannot be removed"
  [[ ! -e $root/usr/lib/flow-gl && ! -e $root/usr/bin/flow-gl ]] || complain "something is left behind"
  say "$suite: passed"
}

if [[ ${1:-} == --inside ]]; then
  readonly suite="$2" root="$3" log="$4" keep="$5"
  work="${root%/*}"
  inside
  exit
fi

# --- outside -----------------------------------------------------------------------------------------------------
keep=
suites=()
while (($#)); do
  case "$1" in
    --keep) keep="$(realpath -m "$2")" && shift ;;
    -*) echo "usage: scripts/bundle_check.sh [--keep FOLDER] [SUITE...]" >&2 && exit 2 ;;
    *) suites+=("$1") ;;
  esac
  shift
done
((${#suites[@]})) || suites=(bookworm trixie)

cannot() {
  say "not done here: $*"
  exit 1
}

main() {
  local suite root code=0
  [[ -x $folder/flow-gl ]] || cannot "there is no $folder: run make bundle first"
  [[ $(id -u) == 0 ]] || cannot "it takes root, to make Debian roots and to enter them"
  unshare --mount --pid --fork true 2>/dev/null || cannot "this machine does not allow mount namespaces (unshare)"
  have mmdebstrap || cannot "mmdebstrap is not installed, and apt-get cannot install it"
  mkdir -p "$cache"
  work="$(mktemp -d "${TMPDIR:-/tmp}/flow_gl_bundle.XXXXXX")"
  trap 'rm -rf --one-file-system "$work"' EXIT
  trap 'exit 130' INT TERM
  # A minute of each of two sessions.
  "$python" -I - "$work" <<'PYTHON'
import sys
from pathlib import Path
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import OPEN_NS, TradeMaker
for day in range(2):
    maker = TradeMaker(seed=1 + day, symbols=("NQ", "ES"), start_ns=OPEN_NS + day * 86_400_000_000_000)
    write_dbn(Path(sys.argv[1]) / f"day{day + 1}.dbn.zst", maker.take(60.0), symbols=maker.symbols())
PYTHON
  for suite in "${suites[@]}"; do
    build_root "$suite" ca-certificates "$cache/$suite-minimal.tar" ||
      cannot "no root of $suite could be built: $(tail -n 1 "$work/$suite.log")"
    root="$work/root-$suite"
    mkdir -p "$root"
    tar --extract --file "$cache/$suite-minimal.tar" --directory "$root" --exclude './dev/*'
    unshare --mount --pid --fork --kill-child scripts/bundle_check.sh --inside "$suite" "$root" "$work/$suite.out" "$keep" ||
      code=1
    rm -rf --one-file-system "$root"
  done
  say "$([[ $code == 0 ]] && echo "passed: ${suites[*]}" || echo FAILED) ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
  exit "$code"
}

main
