# Functions for the scripts that make Debian roots on this machine: scripts/bare.sh, scripts/bundle_check.sh and
# scripts/image.sh source it. They read the addresses, certificates and proxies of the registries from this machine's
# apt and pip settings.
# Expects: say (a function), cache and work (folders). See also "inside a root" below.

# have COMMAND: install a command's Debian package of the same name if it is missing.
have() {
  command -v "$1" >/dev/null ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >/dev/null 2>&1 </dev/null
}

# This machine's pip, to read its settings and to test its registry.
host_pip() {
  local python=.venv/bin/python
  [[ -x $python ]] || python=python3
  "$python" -m pip --disable-pip-version-check "$@"
}

# Everything on this machine's disk that its pip settings name.
pip_paths() {
  { host_pip config list; env | grep '^PIP_'; } 2>/dev/null | grep -oE "(file://)?/[^' ]+" | sed 's#^file://##' | sort -u
}

# This machine's own Debian mirror and its security archive, as "deb" lines for a suite; nothing if it does not run Debian.
sources() {
  local suite="$1" codename main security
  codename="$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")"
  [[ $codename == "debian "* ]] || return 0
  main="$(targets | awk -v want="${codename#debian }" '$2 == want { print $1; exit }')"
  security="$(targets | awk '$2 ~ /-security$/ { print $1; exit }')"
  [[ -z $main ]] || printf 'deb %s %s main\ndeb %s %s-updates main\n' "$main" "$suite" "$main" "$suite"
  [[ -z $security ]] || printf 'deb %s %s-security main\n' "$security" "$suite"
}

targets() { apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null; }

# build_root SUITE PACKAGES TAR: make a root of a suite with these packages, unless there is one from this week.
build_root() {
  local suite="$1" packages="$2" tar="$3" lines
  [[ -f $tar && -z $(find "$tar" -mtime +7) ]] && return 0
  say "building a root of $suite"
  apt-config dump | grep -E '^Acquire::(http|https|ftp|Check-|Retries|ForceIPv)' >"$work/apt.conf" || true
  mapfile -t lines < <(sources "$suite")
  mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" \
    --include="$packages" "$suite" "$tar.part.tar" "${lines[@]}" >"$work/$suite.log" 2>&1 &&
    mv "$tar.part.tar" "$tar"
}

# --- inside a root, in mount and process namespaces of its own ----------------------------------------------------
# Expects: suite, root (its folder), log (a file for the output of the last command), step_s (the most seconds that a
# command may take), label (what messages begin with), user and place (who runs the steps, and in which folder), and
# variables (an array of NAME=VALUE: a command's environment consists of these, HOME, USER and PATH).

home_of() { [[ $1 == root ]] && echo /root || echo "/home/$1"; }

# in_root USER COMMAND...: run a command inside, in the user's home folder.
in_root() {
  local name="$1" home
  shift
  home="$(home_of "$name")"
  timeout --kill-after=10 "$step_s" chroot --userspec="$name:" "$root" \
    /usr/bin/env -i HOME="$home" USER="$name" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "${variables[@]}" sh -c 'cd "$HOME" && exec "$@"' sh "$@"
}

# Print the end of the last command's output, and exit.
complain() {
  say "$label: FAILED: $1"
  sed 's/^/    /' <(tail -n 40 "$log")
  exit 1
}

# step NAME COMMAND...: run a command as the user; 0 if it exits with 0.
step() {
  local name="$1" began=$SECONDS code=0
  shift
  in_root "$user" sh -c 'cd "$1" && shift && exec "$@"' sh "$place" "$@" >"$log" 2>&1 </dev/null || code=$?
  say "$label: $name: exit code $code, $((SECONDS - began)) s"
  return "$code"
}

# must NAME COMMAND...: as step, but anything but exit code 0 is a failure.
must() { step "$@" || complain "$1"; }

# Give the root this machine's devices, host names and certificates, its own shared memory (the names of segments contain
# process numbers, which differ in this namespace), the cached packages of its suite, and the user.
open_root() {
  local path
  mount --make-rprivate /
  for path in proc sys dev; do mount --rbind "/$path" "$root/$path"; done
  mount -t tmpfs -o size=2g,mode=1777 tmpfs "$root/dev/shm"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  [[ $user == root ]] || chroot "$root" useradd --create-home --shell /bin/bash "$user"
  mkdir -p "$cache/apt-$suite"
  mount --bind "$cache/apt-$suite" "$root/var/cache/apt/archives"
}
