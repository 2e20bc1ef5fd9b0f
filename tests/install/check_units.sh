#!/bin/bash
# usage: check_units.sh SYSTEMD_DIRECTORY
# `systemd-analyze verify` exits 0 on unknown keys, so any word on stderr fails here. Unit files are
# read from a scratch copy in which the programs are there.
set -euo pipefail
units=$1
exposure_max=20  # in tenths; what is left is the network, which both daemons are for
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

fail() {
  echo "FAILED: $*" >&2
  failed=1
}

for unit in "$units"/*.service; do
  name=$(basename "$unit")
  sed 's|^ExecStart=/usr/bin/[^ ]*|ExecStart=/bin/true|; /^Documentation=/d' "$unit" \
    >"$scratch/$name"
  said=$(systemd-analyze verify --man=no "$scratch/$name" 2>&1) || fail "$name: verify"
  [ -z "$said" ] || fail "$name: $said"
  systemd-analyze security --offline=true --threshold=$exposure_max "$scratch/$name" \
    >"$scratch/security" 2>&1 ||
    fail "$name: $(tail -n 1 "$scratch/security")"
  tail -n 1 "$scratch/security"
  for key in Type=notify WatchdogSec= RestartPreventExitStatus=78 User=fieldpost- StateDirectory= \
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
