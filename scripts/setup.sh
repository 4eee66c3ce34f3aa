#!/bin/sh
# Sets up what is missing, a line of progress for each step: Debian packages, npm packages, dist/berth.
# `setup.sh run` installs what running Berth needs; `setup.sh test` adds what its tests and the work on it need.
# Safe to call again: it does nothing where nothing is missing.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
purpose=${1:-run}

say() { printf 'berth set-up: %s\n' "$1" >&2; }
fail() { printf 'berth set-up: %s\n' "$1" >&2; exit 1; }

# command or file that shows that a package is there : package
run_needs="/usr/sbin/runc:runc /usr/bin/crun:crun /usr/share/doc/libnftables1/copyright:libnftables1 /bin/busybox:busybox-static /usr/bin/tini-static:tini
  /usr/bin/unshare:util-linux /usr/bin/setpriv:util-linux /etc/ssl/certs/ca-certificates.crt:ca-certificates"
test_needs="/usr/bin/docker-registry:docker-registry /usr/bin/skopeo:skopeo /usr/sbin/debootstrap:debootstrap /usr/bin/openssl:openssl
  /usr/sbin/mkfs.ext4:e2fsprogs /usr/sbin/nft:nftables /usr/bin/ip:iproute2 /usr/bin/curl:curl /usr/bin/zstd:zstd /usr/bin/git:git
  /usr/sbin/sshd:openssh-server /usr/bin/zsh:zsh /usr/bin/fish:fish
  /usr/share/bash-completion/bash_completion:bash-completion"

missing_packages() {
  for need in $1; do
    [ -e "${need%%:*}" ] || printf '%s ' "${need#*:}"
  done
}

install_packages() {
  needs=$run_needs
  [ "$purpose" = test ] && needs="$needs $test_needs"
  missing=$(missing_packages "$needs")
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: $missing. Run this as root (sudo), or install them yourself."
  command -v apt-get >/dev/null || fail "these packages are missing: $missing, and there is no apt-get to install them with. Install them yourself and run this again."
  say "installing Debian packages: $missing"
  refuse_services
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of words
  apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1 ||
    { apt-get update -qq >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends $missing >>"$log" 2>&1; } ||
    { tail -5 "$log" >&2; fail "apt-get could not install: $missing"; }
  disable_services "$missing"
}

# The tests start sshd and docker-registry themselves, on ports of their own: nobody's host gets a service from here.
policy=/usr/sbin/policy-rc.d
refuse_services() {
  [ -e "$policy" ] && return 0
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$log" "$policy"' EXIT
}

disable_services() {
  [ -d /run/systemd/system ] || return 0
  for unit in openssh-server:ssh docker-registry:docker-registry; do
    case " $1 " in *" ${unit%%:*} "*) systemctl disable -q "${unit#*:}" 2>/dev/null || true ;; esac
  done
}

install_modules() {
  stamp=$here/node_modules/.berth-installed
  tools=$here/node_modules/.bin/biome # what only work on Berth needs is most of the download
  [ -e "$stamp" ] && [ ! "$here/package-lock.json" -nt "$stamp" ] && { [ "$purpose" = run ] || [ -e "$tools" ]; } && return 0
  command -v npm >/dev/null || fail "npm is missing: install Node.js 18 or later with npm (Debian: apt-get install npm)"
  say "installing npm packages"
  omit=
  [ "$purpose" = test ] || [ -e "$tools" ] || omit=--omit=dev
  # shellcheck disable=SC2086 # one word or none
  (cd "$here" && npm ci $omit --no-audit --no-fund --ignore-scripts >"$log" 2>&1) ||
    { tail -15 "$log" >&2; fail "npm could not install the packages"; }
  touch "$stamp"
}

build_binary() {
  [ -z "$(find "$here/dist/berth" -newer "$here/package-lock.json" 2>/dev/null)" ] ||
    [ -n "$(find "$here/src" "$here/package.json" "$here/scripts/build.sh" -newer "$here/dist/berth" -print -quit)" ] || return 0
  say "building dist/berth"
  sh "$here/scripts/build.sh" >"$log" 2>&1 || { tail -15 "$log" >&2; fail "the build failed"; }
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_packages
install_modules
build_binary
