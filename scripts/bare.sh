#!/usr/bin/env bash
# Run the README's commands on a bare system: fresh Debian 12 and 13 roots with only git, make, python3, python3-venv
# and ca-certificates. In each, make demo and make test-fast run as root and as a user without sudo (for whom root runs
# the printed command). Checks the picture, the size of .venv, and that the checkout stays clean.
#
# Usage: scripts/bare.sh [--if-possible] [SUITE...]     (bookworm trixie)
#   --if-possible   if this machine cannot do it, say why and exit 0
#
# Needs root, mount namespaces, and access to Debian's and Python's package registries. Their addresses, certificates and
# proxies are read from this machine's apt and pip settings at run time. Roots, packages and wheels are kept in
# $FLOW_GL_BARE_CACHE (default: flow_gl/bare in the user's cache folder) for a week.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly cache="${FLOW_GL_BARE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flow_gl/bare}"
work=
readonly most_venv_mb=900 most_lines=20 step_s=1200

say() { printf 'bare: %s\n' "$*"; }
. scripts/debian_roots.sh

# --- inside: one root, one user, in mount and process namespaces of its own -------------------------------------

# What this machine's environment says about registries, certificates and proxies, and a locale.
network_settings() {
  echo LANG=C.UTF-8
  env | grep -iE '^(PIP_[A-Z_]*|SSL_CERT_[A-Z]*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|https?_proxy|no_proxy)=' || true
}

# show PATH: mount this machine's file or folder in the root; with a folder also its siblings, to which an index links.
show() {
  local path="$1" folder="${1%/*}"
  [[ -e $path && ! -e $root$path ]] || return 0
  if [[ -d $path && -n $folder && -z $(ls -A "$root$folder" 2>/dev/null) ]]; then path="$folder"; fi
  if [[ -d $path ]]; then mkdir -p "$root$path"; else mkdir -p "$root${path%/*}" && touch "$root$path"; fi
  mount --bind "$path" "$root$path"
}

prepare_root() {
  local path home
  open_root
  home="$(home_of "$user")"
  for path in /etc/pip.conf /etc/xdg/pip; do
    [[ ! -e $path ]] || { mkdir -p "$root${path%/*}" && cp -rL "$path" "$root$path"; }
  done
  mkdir -p "$root$home/.config" "$root$home/.cache/pip" "$cache/pip-$suite"
  [[ ! -d $HOME/.config/pip ]] || cp -rL "$HOME/.config/pip" "$root$home/.config/pip"
  while read -r path; do show "$path"; done < <(pip_paths)
  mount --bind "$cache/pip-$suite" "$root$home/.cache/pip"
  git clone --quiet --no-local . "$root$home/flow_gl" >"$log" 2>&1 || complain "git clone"
  place="$home/flow_gl"
  chroot "$root" chown -R "$user:" "$home"
}

check_demo() {
  local found
  # The user's environment must be able to decode its own files: PyAV reads the PNG and the video.
  found="$(in_root "$user" "$place/.venv/bin/python" - "$place/out" 2>&1 <<'PYTHON'
import sys
import av
import numpy as np
for name, least in (("demo.png", 1), ("demo.mp4", 100)):
    with av.open(f"{sys.argv[1]}/{name}") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    colours = len(np.unique(frames[-1].reshape(-1, 3), axis=0))
    height, width, _ = frames[-1].shape
    if len(frames) < least or colours < 200:
        sys.exit(f"{name}: {len(frames)} pictures, {colours} colours in the last one")
    print(f"{name} {width}x{height}, {len(frames)} pictures, {colours} colours", end="; ")
PYTHON
  )" || { echo "$found" >"$log"; complain "the picture or the video is wrong"; }
  local megabytes tools
  megabytes="$(du -sm --apparent-size "$root$place/.venv" | cut -f 1)"
  say "$label: ${found}.venv $megabytes MB"
  ((megabytes <= most_venv_mb)) || complain ".venv has $megabytes MB, at most $most_venv_mb are wanted"
  tools="$(cd "$root$place" && compgen -G '.venv/bin/@(pytest|mypy|ruff|hatchling)' || true)"
  [[ -z $tools ]] || complain ".venv holds developers' tools: $tools"
}

inside() {
  shopt -s extglob
  local advice lines
  prepare_root
  if [[ $user != root ]]; then
    ! step "make demo, packages missing" make demo || complain "nothing was missing"
    advice="$(grep -A 1 'As root, run:' "$log" | tail -n 1)"
    [[ $advice == *apt-get* ]] || complain "no message says what to install"
    in_root root sh -c "$advice" >"$log" 2>&1 </dev/null || complain "the printed line does not work: $advice"
    say "$label: root ran:$advice"
  fi
  must "make demo" make demo
  lines="$(wc -l <"$log")"
  ((lines <= most_lines)) || complain "make demo printed $lines lines, at most $most_lines are wanted"
  ! grep -q 'setup: without' "$log" || complain "make demo went on without an extra that has a lock"
  check_demo
  must "flow-gl doctor" .venv/bin/flow-gl doctor
  must "make test-fast" make test-fast ARGS=-rs
  say "$label: $(tail -n 1 "$log" | tr -d '=' | sed 's/^ *//')"
  step "make demo again" make demo ARGS='--duration 2' || complain "make demo, a second time"
  ! grep -q 'setup: installing' "$log" || complain "make demo after make test-fast installs again"
  in_root "$user" git -C "$place" status --porcelain >"$log" 2>&1 || complain "git status"
  [[ ! -s $log ]] || complain "the checkout is no longer clean"
  say "$label: passed"
}

if [[ ${1:-} == --inside ]]; then
  readonly suite="$2" user="$3" root="$4" log="$5" label="$2 $3"
  place=
  mapfile -t variables < <(network_settings)
  inside
  exit
fi

# --- outside ----------------------------------------------------------------------------------------------------
is_optional=false
suites=()
for argument in "$@"; do
  case "$argument" in
    --if-possible) is_optional=true ;;
    -*) echo "usage: scripts/bare.sh [--if-possible] [SUITE...]" >&2 && exit 2 ;;
    *) suites+=("$argument") ;;
  esac
done
((${#suites[@]})) || suites=(bookworm trixie)

cannot() {
  say "not done here: $*"
  if $is_optional; then exit 0; else exit 1; fi
}

run_suite() {
  local suite="$1" who root code=0
  for who in root trader; do
    root="$work/$suite-$who"
    mkdir -p "$root"
    tar --extract --file "$cache/$suite.tar" --directory "$root" --exclude './dev/*'
    unshare --mount --pid --fork --kill-child scripts/bare.sh --inside "$suite" "$who" "$root" "$work/$suite-$who.log" ||
      code=1
    rm -rf --one-file-system "$root"
  done
  return "$code"
}

# End what still runs (unshare ignores other signals, and everything inside ends with it) and remove the roots.
clean_up() {
  local job
  for job in $(jobs -p); do pkill -KILL -P "$job" || true; done
  wait
  rm -rf --one-file-system "$work"
}

main() {
  local suite job jobs=() code=0
  [[ $(uname -s) == Linux ]] || cannot "it takes Linux"
  [[ $(id -u) == 0 ]] || cannot "it takes root, to make Debian roots and to enter them"
  unshare --mount --pid --fork true 2>/dev/null || cannot "this machine does not allow mount namespaces (unshare)"
  have mmdebstrap || cannot "mmdebstrap is not installed, and apt-get cannot install it"
  mkdir -p "$cache"
  work="$(mktemp -d "${TMPDIR:-/tmp}/flow_gl_bare.XXXXXX")"
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  host_pip download --quiet --no-deps --no-cache-dir --dest "$work" typer >"$work/pip.log" 2>&1 ||
    cannot "pip reaches no registry of Python packages: $(tail -n 1 "$work/pip.log")"
  for suite in "${suites[@]}"; do
    build_root "$suite" git,make,python3,python3-venv,ca-certificates "$cache/$suite.tar" || cannot "no root of $suite could be built: $(grep -m 1 '^E:' "$work/$suite.log" || tail -n 1 "$work/$suite.log")"
  done
  [[ -z $(git status --porcelain --untracked-files=no) ]] || say "uncommitted changes are not included"

  for suite in "${suites[@]}"; do
    run_suite "$suite" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || code=1; done
  say "$([[ $code == 0 ]] && echo "passed: ${suites[*]}, as root and as a user" || echo FAILED) ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
  exit "$code"
}

main
