#!/usr/bin/env bash
# Build the image of deploy/Dockerfile with buildah and try it out: as its own user, with a read-only root, the server
# must become ready, and the image's health check must pass.
#
# Usage: scripts/image.sh [--keep]
#   --keep   leave the image flow_gl in buildah's store
#
# BASE is the image to build on; localhost/... is one of this machine's own. By default it is Debian 13 from Docker's
# registry or, where that cannot be reached, a root of Debian 13 made with mmdebstrap from this machine's Debian mirror.
# Needs root and mount namespaces. Pip's index, certificates and proxies are this machine's, at build time only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly cache="${FLOW_GL_BARE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flow_gl/bare}"
readonly debian=trixie image=flow_gl port=18080
work= base= is_own_root=false

say() { printf 'image: %s\n' "$*"; }
. scripts/debian_roots.sh

fail() {
  say "FAILED: $*"
  exit 1
}

buildah() { command buildah --storage-driver vfs "$@"; }

# Set base to an image that this machine can reach.
find_base() {
  base="${BASE:-docker.io/library/debian:$debian-slim}"
  [[ $base != localhost/* ]] || is_own_root=true
  [[ -z ${BASE:-} ]] || return 0
  timeout 60 command buildah --storage-driver vfs pull --quiet "$base" >/dev/null 2>&1 && return 0
  have mmdebstrap || fail "$base cannot be reached, and mmdebstrap is not installed"
  build_root "$debian" ca-certificates "$cache/$debian-minimal.tar" ||
    fail "no root of $debian could be built: $(tail -n 1 "$work/$debian.log")"
  base="localhost/debian:$debian"
  is_own_root=true
  say "base: a root of Debian $debian from this machine's mirror"
  local container
  container="$(buildah from scratch)"
  buildah add --quiet "$container" "$cache/$debian-minimal.tar" / >/dev/null
  buildah config --env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet "$container" "$base" >/dev/null
  buildah rm "$container" >/dev/null
}

# The build's steps can read this machine's pip settings, and the folders and certificates that they name. They are not
# in the image.
build() {
  local path options=() certificates=/etc/ssl/certs/ca-certificates.crt
  for path in /etc/pip.conf /etc/xdg/pip; do
    [[ ! -e $path ]] || options+=(--volume "$path:$path:ro")
  done
  [[ ! -d $HOME/.config/pip ]] || options+=(--volume "$HOME/.config/pip:/root/.config/pip:ro")
  while read -r path; do
    [[ $path != *.crt && $path != *.pem ]] || continue
    # With a folder, mount its siblings too, because an index may link to them.
    if [[ -d $path && ${path%/*} == /*/* ]]; then path="${path%/*}"; fi
    [[ ! -e $path || " ${options[*]} " == *" $path:"* ]] || options+=(--volume "$path:$path:ro")
  done < <(pip_paths)
  # Docker's base image has no certificates yet, and installing them fails if this machine's are mounted there.
  if $is_own_root && [[ -e $certificates ]]; then options+=(--volume "$certificates:$certificates:ro"); fi
  say "building $image (some minutes)"
  buildah bud --isolation chroot --format docker --build-arg "BASE=$base" --network host "${options[@]}" \
    --file deploy/Dockerfile --ignorefile deploy/Dockerfile.dockerignore --tag "$image" . >"$work/build.log" 2>&1 ||
    fail "the image cannot be built: $(tail -n 20 "$work/build.log")"
}

# Try the image: its own user, a read-only root, a volume for what is kept, shared memory and /tmp of its own.
try_out() {
  local container root
  container="$(buildah from --pull-never "$image")"
  root="$(buildah mount "$container")"
  megabytes="$(du -sm --apparent-size "$root" | cut -f 1)"
  health="$(buildah inspect --type image "$image" | python3 -c '
import json, shlex, sys
print(shlex.join(json.load(sys.stdin)["Docker"]["config"]["Healthcheck"]["Test"][1:]))')"
  export root health image port
  unshare --mount --pid --fork --kill-child bash -c '
    set -euo pipefail
    mount --make-rprivate /
    mount --bind "$root" "$root" && mount -o remount,bind,ro "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o size=1g,mode=1777 tmpfs "$root/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o uid=10001,gid=10001,mode=0700 tmpfs "$root/var/lib/flow_gl"
    inside() {
      chroot --userspec=10001:10001 --groups= "$root" /usr/bin/env -i PATH=/opt/flow_gl/bin:/usr/bin:/bin HOME=/var/lib/flow_gl \
        PYTHONDONTWRITEBYTECODE=1 XDG_{CONFIG,DATA,STATE,CACHE}_HOME=/var/lib/flow_gl \
        HEALTH_URL="http://127.0.0.1:$port/healthz" "$@"
    }
    inside sh -c "! touch /x 2>/dev/null" || { echo "the root can be written to"; exit 1; }
    inside flow-gl serve demo --port "$port" --workers 2 >"$root/tmp/log" 2>&1 &
    server=$!
    for _ in $(seq 240); do
      kill -0 "$server" 2>/dev/null || { echo "the server has ended:"; cat "$root/tmp/log"; exit 1; }
      ready="$(inside python3 -c "import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:$port/readyz\", timeout=2).read().decode())" 2>/dev/null)" && break
      sleep 1
    done
    [[ -n ${ready:-} ]] || { echo "it was not ready within 240 s"; cat "$root/tmp/log"; exit 1; }
    echo "ready: $ready"
    inside python3 -c "
import urllib.request as r
page = r.urlopen(\"http://127.0.0.1:$port/\", timeout=5)
assert b\"<html\" in page.read(), \"not a page\"" || { echo "the page is missing"; exit 1; }
    inside sh -c "$health" || { echo "the health check fails"; exit 1; }
    kill -TERM "$server"
    wait "$server" || code=$?
    [[ ${code:-0} == 0 || $code == 143 ]] || { echo "it ended with exit code $code"; exit 1; }
  ' >"$work/try.log" 2>&1 || fail "the image does not work: $(tail -n 20 "$work/try.log")"
  say "$(grep '^ready' "$work/try.log")"
  say "$image: $megabytes MB, as user 10001 with a read-only root: ready, healthy, and ends cleanly"
  buildah rm "$container" >/dev/null
}

clean_up() {
  if ! $is_kept; then buildah rmi --force "$image" >/dev/null 2>&1 || true; fi
  rm -rf --one-file-system "$work"
}

is_kept=false
[[ ${1:-} != --keep ]] || is_kept=true
[[ $(id -u) == 0 ]] || fail "needs root, to mount the image"
unshare --mount --pid --fork true 2>/dev/null || fail "this machine does not allow mount namespaces (unshare)"
have buildah || fail "buildah is not installed, and apt-get cannot install it"
mkdir -p "$cache"
work="$(mktemp -d "${TMPDIR:-/tmp}/flow_gl_image.XXXXXX")"
trap clean_up EXIT
trap 'exit 130' INT TERM
find_base
build
try_out
