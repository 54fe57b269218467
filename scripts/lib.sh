# Shared by the scripts; sourced, never run. Expects `set -euo pipefail`.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)

build_packages=(ca-certificates cmake g++ libc-ares-dev libcli11-dev libfmt-dev libssl-dev
                 ninja-build pkg-config)
test_packages=(git libgmock-dev libgtest-dev nginx-light openssl redis-server socat strace)
# Loops of others, for the examples.
test_packages+=(libasio-dev libglib2.0-dev libuv1-dev)
# Other makers' TLS, for the tests against them.
test_packages+=(gnutls-bin libmbedtls-dev libnginx-mod-stream libnss3-tools
                 libwolfssl-dev python3 stunnel4)
bench_packages=(libasio-dev libevent-dev libuv1-dev python3)

step() { printf '==> %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
  [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# Installs packages without starting the services that some of them bring along. A subshell, so
# that what was put in the way is taken out again however this ends.
apt_install() (
  new=()
  for service in nginx redis-server stunnel4; do
    [ -e "/etc/init.d/$service" ] || new+=("$service")
  done
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3
       -o DPkg::Lock::Timeout=120)
  "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@" || exit 3
  # Nor shall they start with the machine from now on.
  for service in "${new[@]}"; do
    [ ! -e "/etc/init.d/$service" ] || as_root update-rc.d "$service" disable >/dev/null
  done
)

# Sees to it that the Debian packages named are there. Exit code 3 when it cannot.
need_packages() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null; then
    step "Not a Debian system: make sure yourself that you have: $*"
    return
  fi
  for package; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] ||
      missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    step "Packages: all there"
    return
  fi
  if ! can_be_root; then
    echo "These packages are missing, and only root can install them. Please run:" >&2
    echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 3
  fi
  step "Packages: installing ${missing[*]}"
  if ! apt_install "${missing[@]}"; then
    echo "apt-get could not install: ${missing[*]}" >&2
    exit 3
  fi
}
