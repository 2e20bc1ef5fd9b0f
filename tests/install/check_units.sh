#!/bin/bash
# usage: check_units.sh SYSTEMD_DIRECTORY
# `systemd-analyze verify` exits 0 on unknown keys, so any word on stderr fails here. Unit files are
# read from a scratch copy in which the programs are there. What is looked for is planted first.
set -euo pipefail
units=$1
# In tenths, just above what the units have: whoever drops a line of their hardening is told. What is
# left is the network, which daemons are for, and what it takes to reach it; for the bridge also
# serial ports and the group that owns them.
readonly exposure_max=14 exposure_max_bridge=15
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

fail() {
  echo "FAILED: $*" >&2
  failed=1
}

# Prints what systemd says against a unit; nothing when all is well.
complaints() {  # UNIT
  local copy max=$exposure_max
  [[ $1 != *bridge* ]] || max=$exposure_max_bridge
  copy=$scratch/$(basename "$1")
  sed 's|^ExecStart=/usr/bin/[^ ]*|ExecStart=/bin/true|; /^Documentation=/d' "$1" >"$copy.tmp"
  mv "$copy.tmp" "$copy"
  systemd-analyze verify --man=no "$copy" 2>&1 || echo "verify failed"
  systemd-analyze security --offline=true --threshold=$max "$copy" \
    >"$scratch/security" 2>&1 || tail -n 1 "$scratch/security"
}

# Each of these must be found in a unit that has no other fault.
check_plants() {  # UNIT
  local plant planted=$scratch/planted-$(basename "$1")
  for plant in 's/^WatchdogSec=/WatchdgSec=/' 's/^Type=notify/Type=notfy/' '/^NoNewPrivileges=/d' \
    '/^ProtectSystem=/d' '/^SystemCallFilter=/d' '/^User=/d'; do
    sed "$plant" "$1" >"$planted"
    ! cmp -s "$1" "$planted" || fail "$(basename "$1"): nothing to plant $plant in"
    [ -n "$(complaints "$planted")" ] || fail "$(basename "$1"): nobody noticed $plant"
  done
}

for unit in "$units"/*.service; do
  name=$(basename "$unit")
  said=$(complaints "$unit")
  [ -z "$said" ] || fail "$name: $said"
  tail -n 1 "$scratch/security"
  check_plants "$unit"
  for key in StartLimitIntervalSec=0 Type=notify WatchdogSec= RestartPreventExitStatus=78 \
    User=fieldpost- StateDirectory= \
    MemoryMax= TasksMax= NoNewPrivileges=yes ProtectSystem=strict; do
    grep -q "^$key" "$unit" || fail "$name lacks $key"
  done
  user=$(sed -n 's/^User=//p' "$unit")
  grep -q "^u $user " "$units/fieldpost.sysusers.conf" || fail "$name: no user $user"
done

mkdir -p "$scratch/root/etc"
systemd-sysusers --root="$scratch/root" "$units/fieldpost.sysusers.conf" ||
  fail "systemd-sysusers"
grep -q '^fieldpost-agent:' "$scratch/root/etc/passwd" || fail "fieldpost-agent was not made"
if [ "$(id -u)" = 0 ]; then
  systemd-tmpfiles --root="$scratch/root" --create "$units/fieldpost.tmpfiles.conf" ||
    fail "systemd-tmpfiles"
  [ "$(stat -c %a "$scratch/root/etc/fieldpost")" = 750 ] || fail "/etc/fieldpost was not made"
fi
exit $failed
