# Functions for the scripts that make Debian roots on this machine: scripts/bare.sh and scripts/image.sh source it.
# They read the addresses, certificates and proxies of the registries from this machine's apt and pip settings.
# Expects: say (a function), cache and work (folders).

# have COMMAND: install a command's Debian package of the same name if it is missing.
have() {
  command -v "$1" >/dev/null ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >/dev/null 2>&1 </dev/null
}

# pip of this machine, for its settings and to try its registry.
host_pip() {
  local python=.venv/bin/python
  [[ -x $python ]] || python=python3
  "$python" -m pip --disable-pip-version-check "$@"
}

# Everything on this machine's disk that its pip settings name.
pip_paths() {
  { host_pip config list; env | grep '^PIP_'; } 2>/dev/null | grep -oE "(file://)?/[^' ]+" | sed 's#^file://##' | sort -u
}

# This machine's own Debian mirror and its security archive, as "deb" lines for a suite; nothing where it is no Debian.
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
