#!/usr/bin/env bash
# Bring the set-up up to date: system libraries, virtual environment, locked packages. Quick once it is done.
# Usage: scripts/setup.sh demo|test|peers    (test: also what only the tests need; peers: the benchmark's other libraries)
# PYTHON names the interpreter to build .venv with; otherwise the newest of 3.11 to 3.13 that is found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly purpose="${1:-demo}"
readonly venv=.venv
readonly stamp="$venv/flow_gl.stamp"

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

# --- system libraries -------------------------------------------------------------------------------------------
readonly chart_packages=(
  libegl1 libegl-mesa0 libgl1 libglx-mesa0 libgl1-mesa-dri
  libx11-6 libxext6 libxrender1 libxrandr2 libxinerama1 libxcursor1 libxi6 libxkbcommon0
)
readonly test_packages=(xvfb xauth xdotool ffmpeg postgresql)
readonly peer_packages=(libvulkan1 mesa-vulkan-drivers)

# Run as root: directly, or by sudo without a question where nobody could answer it.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    return 1
  elif [[ -t 0 ]]; then
    sudo "$@"
  else
    sudo -n "$@" 2>/dev/null
  fi
}

debian_missing() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
  done
}

apt_install() {
  say "installing $*"
  as_root apt-get update -qq || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null
}

has_library() {
  ldconfig -p 2>/dev/null | grep -q "$1" || compgen -G "/usr/lib*/$1*" >/dev/null
}

system_libraries() {
  [[ $(uname -s) == Linux ]] || return 0
  local wanted=("${chart_packages[@]}") missing
  [[ $purpose == test ]] && wanted+=("${test_packages[@]}")
  [[ $purpose == peers ]] && wanted+=("${peer_packages[@]}")
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    mapfile -t missing < <(debian_missing "${wanted[@]}")
    ((${#missing[@]} == 0)) && return 0
    apt_install "${missing[@]}" && return 0
    say "could not install system packages; as an administrator: apt-get install ${missing[*]}"
  elif ! has_library libEGL.so.1 || ! has_library libGL.so.1; then
    say "OpenGL is missing. Install Mesa's EGL and GL and the X libraries of GLFW:"
    say "  Fedora:  dnf install mesa-libEGL mesa-libGL mesa-dri-drivers libXrandr libXinerama libXcursor libXi"
    say "  Arch:    pacman -S mesa libglvnd libxrandr libxinerama libxcursor libxi"
    say "  openSUSE: zypper install Mesa-libEGL1 Mesa-libGL1 Mesa-dri libXrandr2 libXinerama1 libXcursor1 libXi6"
  fi
  # Without them the program still says clearly what it lacks; with software GL from elsewhere it may well run.
  has_library libEGL.so.1 || say "without libEGL.so.1 nothing can be drawn on this machine"
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
    "Install one (Debian 12: apt-get install python3 python3-venv), or name it: make demo PYTHON=/path/to/python3.12"
}

make_venv() {
  local python="$1"
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian splits the standard library: venv comes as a package of its own.
    command -v apt-get >/dev/null && apt_install python3-venv || true
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
      fail "$python cannot make virtual environments: its modules venv and ensurepip are missing" \
        "(Debian: apt-get install python3-venv)"
  fi
  say "making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv"
}

# What the environment was made from: the lock, the project's own metadata, the interpreter, where it stands.
fingerprint() {
  { cat requirements.lock pyproject.toml; "$venv/bin/python" --version; pwd; } | cksum
}

python_packages() {
  if [[ ! -x $venv/bin/python ]] || ! fits "$venv/bin/python"; then
    local python
    python="$(find_python)"
    make_venv "$python"
  fi
  [[ -f $stamp && $(<"$stamp") == "$(fingerprint)" ]] && return 0
  say "installing the locked packages (some minutes the first time)"
  "$venv/bin/python" -m pip install --quiet --require-hashes --requirement requirements.lock
  "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
  fingerprint >"$stamp"
}

[[ $purpose == demo || $purpose == test || $purpose == peers ]] ||
  fail "usage: scripts/setup.sh demo|test|peers, got $purpose"
system_libraries
python_packages
if [[ $purpose == peers ]]; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-peers.lock
fi
