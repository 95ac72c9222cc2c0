#!/usr/bin/env bash
# Install or update what is needed: system packages, the virtual environment .venv, locked Python packages.
#
# Usage: scripts/setup.sh PURPOSE
#   demo    what a user needs: the chart, the archive, videos
#   tools   as demo, plus what developers need: tests without a window, lint, types
#   test    as tools, plus the system packages for the whole test suite
#   peers   as tools, plus the libraries that benchmarks.peers compares with
#
# PYTHON is the interpreter to create .venv with; by default the newest of 3.11 to 3.13 that is found.
# flow_gl/system_packages.txt lists the system packages, locks/ the Python packages with their hashes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly purpose="${1:-demo}"
readonly venv=.venv
readonly list=flow_gl/system_packages.txt

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

# --- system packages --------------------------------------------------------------------------------------------

# Print this system's column of the list: debian, fedora, arch, suse, or nothing.
distribution() {
  [[ -r /etc/os-release ]] || return 0
  # In a subshell, because the file sets variables.
  (
    . /etc/os-release
    for name in ${ID:-} ${ID_LIKE:-}; do
      case "$name" in
        debian | ubuntu) echo debian && return ;;
        fedora | rhel | centos) echo fedora && return ;;
        arch) echo arch && return ;;
        suse | opensuse | sles) echo suse && return ;;
      esac
    done
  )
}

# Print the command that installs packages on that system.
install_command() {
  case "$1" in
    debian) echo "apt-get update && apt-get install -y --no-install-recommends" ;;
    fedora) echo "dnf install -y" ;;
    arch) echo "pacman -S --needed" ;;
    suse) echo "zypper install" ;;
  esac
}

known_libraries=
has_one() {
  case "$1" in
    *.so*)
      [[ $1 != *'*'* && $'\n'$known_libraries == *$'\n'$'\t'"$1 "* ]] ||
        compgen -G "/usr/lib*/$1" >/dev/null || compgen -G "/usr/lib/*/$1" >/dev/null ||
        compgen -G "/usr/lib*/dri/$1" >/dev/null || compgen -G "/usr/lib/*/dri/$1" >/dev/null ||
        compgen -G "/usr/local/lib/$1" >/dev/null
      ;;
    # Servers may be in folders that are only in root's PATH.
    *) command -v "$1" >/dev/null || compgen -G "/usr/sbin/$1" >/dev/null ||
      compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null ;;
  esac
}

has_any() {
  local alternative
  local IFS='|'
  for alternative in $1; do
    has_one "$alternative" && return 0
  done
  return 1
}

# Run as root: directly, or with sudo (without a prompt if there is no terminal).
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    echo "E: not root, and there is no sudo" >&2
    return 1
  elif [[ -t 0 ]]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

# Install Debian packages. apt's output goes to a file; on failure its error lines are shown.
apt_install() {
  if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
    return 1
  fi
  say "installing system packages: $*"
  local log
  log="$(mktemp)"
  # A broken repository does not matter as long as the packages can be installed.
  as_root apt-get update -qq >"$log" 2>&1 </dev/null || true
  if as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1 </dev/null; then
    rm -f "$log"
    return 0
  fi
  say "apt-get failed:"
  { grep -E '^(E:|W:|Err:|sudo:|dpkg: error)' "$log" || tail -n 3 "$log"; } | head -n 8 | sed 's/^/  /'
  rm -f "$log"
  return 1
}

is_required() {
  case "$1" in
    chart) return 0 ;;
    # With a display a window is opened; without one, pictures are drawn off-screen.
    window) [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] ;;
    headless) [[ -z ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] ;;
    *) return 1 ;;
  esac
}

# system_packages MORE...: install missing packages and MORE; if that fails, say what an administrator can do.
system_packages() {
  [[ $(uname -s) == Linux ]] || return 0
  local wanted=" chart headless window " system column need name debian fedora arch suse package
  local missing=("$@") required=("$@") names=()
  [[ -n ${WAYLAND_DISPLAY:-} ]] && wanted+="wayland "
  [[ $purpose == test ]] && wanted+="test "
  [[ $purpose == peers ]] && wanted+="peers "
  system="$(distribution)"
  known_libraries="$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)"
  column="${system:-debian}"
  while read -r need name debian fedora arch suse; do
    [[ -z $need || $need == \#* || $wanted != *" $need "* ]] && continue
    has_any "$name" && continue
    package="${!column}"
    names+=("${name%%|*}")
    [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
    if is_required "$need"; then required+=("${name%%|*}"); fi
  done <"$list"
  ((${#missing[@]} == 0)) && return 0
  if [[ -z $system ]]; then
    say "not found, and needed by some of what follows: ${names[*]}"
    return 0
  fi
  if [[ $system == debian ]] && apt_install "${missing[@]}"; then
    return 0
  fi
  say "system packages are missing. As root, run:"
  printf '  %s %s\n' "$(install_command "$system")" "${missing[*]}"
  ((${#required[@]} == 0)) || fail "run this again when they are installed; it cannot work without ${required[*]}"
  say "going on without them"
}

# --- Python -----------------------------------------------------------------------------------------------------
fits() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

find_python() {
  local candidate
  if [[ -n ${PYTHON:-} ]]; then
    fits "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13"
    printf '%s\n' "$PYTHON"
    return
  fi
  for candidate in python3.13 python3.12 python3.11 python3 python; do
    if command -v "$candidate" >/dev/null && fits "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  fail "Python 3.11, 3.12 or 3.13 is needed, found $(python3 --version 2>/dev/null || echo none)." \
    "Install one (Debian: apt-get install python3 python3-venv), or name it: make demo PYTHON=/path/to/python3.12"
}

can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# True if .venv is usable: its Python runs and has the right version, and .venv was not moved (its scripts contain its
# path).
is_sound() {
  [[ -x $venv/bin/python ]] && fits "$venv/bin/python" &&
    [[ ! -f $venv/flow_gl.home || $(<"$venv/flow_gl.home") == "$(cd -P "$venv" && pwd)" ]]
}

make_venv() {
  can_make_venv "$1" || fail "$1 cannot make virtual environments: its modules venv and ensurepip are missing"
  say "making $venv with $("$1" --version)"
  "$1" -m venv --clear "$venv"
  (cd -P "$venv" && pwd) >"$venv/flow_gl.home"
}

pip_install() {
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: "$@"
}

# Install an extra that the chart can do without; if that fails, say what is missing and why.
pip_install_extra() {
  local name="$1" use="$2" reason
  if reason="$(pip_install --no-build-isolation --requirement "locks/$name.lock" 2>&1)"; then
    return 0
  fi
  say "without $use: $(grep -m 1 '^ERROR: No matching' <<<"$reason" || tail -n 1 <<<"$reason")"
  # "No package for this system" is final; anything else is retried next time.
  [[ $reason == *"No matching distribution"* ]]
}

# Print what a set of packages was installed from: its locks, the project's metadata, the interpreter, its path.
fingerprint() {
  { cat pyproject.toml "$@"; "$venv/bin/python" --version; pwd; } | cksum
}

# stamped SET LOCK...: run install_SET unless it has already run with exactly these locks.
stamped() {
  local set="$1" stamp="$venv/flow_gl.$1.stamp"
  shift
  [[ -f $stamp && $(<"$stamp") == "$(fingerprint "$@")" ]] && return 0
  if "install_$set"; then fingerprint "$@" >"$stamp"; fi
}

# flow_gl, and nkeys for the bus, are built here. The build tools have their own lock and are removed afterwards: users
# do not need them.
install_demo() {
  local is_final=true tools
  tools="$(mktemp -d)"
  say "installing the locked packages (some minutes the first time)"
  pip_install --requirement locks/chart.lock || fail "pip could not install locks/chart.lock; its reason is above"
  pip_install --no-deps --target "$tools" --requirement locks/build.lock ||
    fail "pip could not install locks/build.lock; its reason is above"
  PYTHONPATH="$tools" "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps \
    --no-build-isolation --editable . || fail "pip could not install flow_gl itself; its reason is above"
  pip_install_extra archive "the archive of sessions" || is_final=false
  pip_install_extra video "videos (--record)" || is_final=false
  pip_install_extra alerts "sound and desktop notifications" || is_final=false
  pip_install_extra serve "the server (flow-gl serve)" || is_final=false
  PYTHONPATH="$tools" pip_install_extra bus "the bus (--bus)" || is_final=false
  rm -rf "$tools"
  $is_final
}

install_dev() {
  say "installing the developers' packages"
  pip_install --requirement locks/build.lock --requirement locks/cluster.lock --requirement locks/dev.lock ||
    fail "pip could not install locks/dev.lock; its reason is above"
}

install_peers() {
  say "installing the libraries to compare with"
  pip_install --requirement locks/peers.lock || fail "pip could not install locks/peers.lock; its reason is above"
}

# ----------------------------------------------------------------------------------------------------------------
[[ $purpose =~ ^(demo|tools|test|peers)$ ]] || fail "usage: scripts/setup.sh demo|tools|test|peers, got $purpose"

more=()
if is_sound; then
  python="$venv/bin/python"
else
  python="$(find_python)"
  # On Debian, venv is a separate package.
  can_make_venv "$python" || [[ $(distribution) != debian ]] || more+=(python3-venv)
fi
system_packages ${more[@]+"${more[@]}"}
is_sound || make_venv "$python"
stamped demo locks/chart.lock locks/archive.lock locks/video.lock locks/alerts.lock locks/serve.lock \
  locks/bus.lock locks/build.lock
[[ $purpose == demo ]] || stamped dev locks/build.lock locks/cluster.lock locks/dev.lock
[[ $purpose != peers ]] || stamped peers locks/peers.lock
