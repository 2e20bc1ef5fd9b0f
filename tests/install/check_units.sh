#!/bin/bash
# usage: check_units.sh SYSTEMD_DIRECTORY
# `systemd-analyze verify` exits 0 on unknown keys, so any word on stderr fails here. Unit files are
# read from a scratch copy in which the programs are there. What is looked for is planted first.
set -euo pipefail
units=$1
# In tenths, just above what the units have: whoever drops a line of their hardening is told. What is
# left is the network, which daemons are for, and what it takes to reach it; the clock, which
# systemd takes for settable although the capability to set it is denied; for the bridge also serial
# ports and the group that owns them; for the runner also all that a sandbox is made of.
readonly exposure_max=17 exposure_max_bridge=19 exposure_max_runner=37
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

fail() {
  echo "FAILED: $*" >&2
  failed=1
}

# Prints a call and every group of SystemCallFilter= that holds it.
names_of() {  # CALL
  local names=$1 before=
  while [ "$names" != "$before" ]; do
    before=$names
    names=$(awk -v names="$names" '
      BEGIN { split(names, each, " "); for (i in each) found[each[i]] }
      /^@/ { group = $1 }
      /^ / && ($1 in found) { found[group] }
      END { for (name in found) print name }' "$scratch/groups" | sort | xargs)
  done
  echo "$names"
}

# Prints the calls of the clock's state that a unit forbids: without them its daemon never learns
# that the clock is synchronised.
forbidden_clock() {  # UNIT
  local call line word verdict lines
  ! grep -qiE '^ProtectClock=(yes|true|on|1)' "$1" || echo "ProtectClock forbids adjtimex"
  lines=$(sed -n 's/^SystemCallFilter=//p' "$1")
  for call in "${!clock_names[@]}"; do
    verdict=forbids
    [[ -n $lines && $lines != \~* ]] || verdict=allows
    while read -r line; do
      for word in ${line#\~}; do
        [[ " ${clock_names[$call]} " == *" $word "* ]] || continue
        verdict=allows
        [[ $line != \~* ]] || verdict=forbids
      done
    done <<<"$lines"
    [ $verdict = allows ] || echo "SystemCallFilter forbids $call"
  done
}

# Prints what systemd, or anybody here, says against a unit; nothing when all is well.
complaints() {  # UNIT
  local copy max=$exposure_max
  [[ $1 != *bridge* ]] || max=$exposure_max_bridge
  [[ $1 != *runner* ]] || max=$exposure_max_runner
  copy=$scratch/$(basename "$1")
  sed 's|^ExecStart=/usr/bin/[^ ]*|ExecStart=/bin/true|; /^Documentation=/d' "$1" >"$copy.tmp"
  mv "$copy.tmp" "$copy"
  forbidden_clock "$copy"
  systemd-analyze verify --man=no "$copy" 2>&1 || echo "verify failed"
  systemd-analyze security --offline=true --threshold=$max "$copy" \
    >"$scratch/security" 2>&1 || tail -n 1 "$scratch/security"
}

# Each of these must be found in a unit that has no other fault.
check_plants() {  # UNIT
  local plant planted=$scratch/planted-$(basename "$1")
  for plant in 's/^WatchdogSec=/WatchdgSec=/' 's/^Type=notify/Type=notfy/' '/^NoNewPrivileges=/d' \
    '/^ProtectSystem=/d' '/^SystemCallFilter=/d' '/^User=/d' \
    's/^NoNewPrivileges=yes/&\nProtectClock=yes/' '/^SystemCallFilter=adjtimex/d' \
    's/^SystemCallFilter=adjtimex .*/&\nSystemCallFilter=~@clock/' \
    's/^SystemCallFilter=adjtimex clock_adjtime /SystemCallFilter=adjtimex /'; do
    sed "$plant" "$1" >"$planted"
    ! cmp -s "$1" "$planted" || fail "$(basename "$1"): nothing to plant $plant in"
    [ -n "$(complaints "$planted")" ] || fail "$(basename "$1"): nobody noticed $plant"
  done
}

systemd-analyze syscall-filter >"$scratch/groups" 2>/dev/null
declare -A clock_names
for call in adjtimex clock_adjtime clock_adjtime64; do clock_names[$call]=$(names_of $call); done
[[ ${clock_names[adjtimex]} == *@privileged* ]] || fail "groups of system calls are not understood"

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
