#!/usr/bin/env bash
# Build a bundle of flow_gl that needs no Python: a folder and a Debian package.
#
# Usage: scripts/bundle.sh [--check]
#   --check   then try both in bare Debian roots without Python: scripts/bundle_check.sh
#
# PYTHON is the interpreter to bundle, 3.11 to 3.13 with its shared library (on Debian: python3 with python3-venv and
# libpython3-dev); by default that of .venv. The bundle runs where glibc is at least as new as on this machine. Needs no
# root: on Debian binutils and dpkg, which every installation with a compiler has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly work=build/bundle dist=dist
readonly venv=$work/venv locks=(chart archive video alerts serve bus bundle)

say() { printf 'bundle: %s\n' "$*"; }
fail() {
  printf 'bundle: error: %s\n' "$*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} .venv/bin/python python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
      # For a virtual environment, use the interpreter that it was made with.
      "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
      return
    fi
  done
  fail "Python 3.11, 3.12 or 3.13 with venv is needed: name one with PYTHON=/path/to/python"
}

pip_install() {
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: "$@"
}

# The environment holds exactly what is shipped, so no package of a developer's can be included by accident. One package
# of the bus is built from source, with the setuptools of locks/bundle.lock.
environment() {
  local python stamp wanted lock arguments=()
  python="$(find_python)"
  for lock in "${locks[@]}"; do arguments+=(--requirement "locks/$lock.lock"); done
  stamp="$venv/bundle.stamp"
  wanted="$(cat locks/*.lock | cksum) $python"
  if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
    say "installing the locked packages (some minutes)"
    "$python" -m venv --clear "$venv"
    pip_install --no-deps --requirement locks/bundle.lock ||
      fail "pip could not install locks/bundle.lock; its reason is above"
    pip_install --no-build-isolation "${arguments[@]}" ||
      fail "pip could not install the locked packages; its reason is above"
    pip_install --no-deps --target "$work/tools" --upgrade --requirement locks/build.lock
    printf '%s' "$wanted" >"$stamp"
  fi
  PYTHONPATH="$PWD/$work/tools" "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps \
    --no-build-isolation --force-reinstall . || fail "pip could not install flow_gl itself; its reason is above"
}

bundle() {
  say "collecting the program (some minutes)"
  rm -rf "$dist/flow-gl"
  # Run from another folder, so that flow_gl is imported from the environment, as its wheel installs it.
  (cd "$work" && venv/bin/python -I -m PyInstaller --noconfirm --log-level WARN --distpath "$OLDPWD/$dist" \
    --workpath pyinstaller "$OLDPWD/deploy/bundle/flow_gl.spec") >"$work/pyinstaller.log" 2>&1 ||
    fail "PyInstaller: $(tail -n 5 "$work/pyinstaller.log")"
  # Bytecode that is never compared with its source: the folder may be read-only, and times change when it is copied.
  "$venv/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$dist/flow-gl/_internal/flow_gl"
}

is_checked=false
case "${1:-}" in
  '') ;;
  --check) is_checked=true ;;
  *) fail "usage: scripts/bundle.sh [--check]" ;;
esac
[[ $(uname -s) == Linux ]] || fail "a bundle can only be made on Linux, for Linux"
for command in objdump dpkg-deb; do
  command -v "$command" >/dev/null || fail "$command is missing (on Debian: apt-get install binutils dpkg)"
done
mkdir -p "$work" "$dist"
environment
bundle
deb="$(PYTHONPATH="$PWD:$PWD/deploy/bundle" "$venv/bin/python" scripts/bundle_deb.py "$dist/flow-gl" "$dist")"
say "folder: $dist/flow-gl ($(du -sm --apparent-size "$dist/flow-gl" | cut -f 1) MB), started as $dist/flow-gl/flow-gl"
say "Debian package: $deb ($(du -m --apparent-size "$deb" | cut -f 1) MB); install it with: apt install ./$deb"
! $is_checked || scripts/bundle_check.sh
