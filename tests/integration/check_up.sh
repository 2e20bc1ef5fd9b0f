#!/bin/bash
# usage: check_up.sh ROOT BIN
# tools/up with the programs in BIN: starts, refuses a second start, stops in order, goes on where it
# stopped, and clears up after a start that was killed.
set -euo pipefail
root=$1
export FIELDPOST_BIN=$2
dir=$(mktemp -d)
up=
readonly seconds_max=60

cleanup() {
  [ -z "$up" ] || kill -TERM "$up" 2>/dev/null || true
  [ -z "$up" ] || wait "$up" || true
  for file in "$dir"/run/*.pid; do
    [ ! -f "$file" ] || kill -KILL "$(cut -d' ' -f1 "$file")" 2>/dev/null || true
  done
  rm -rf "$dir"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*" >&2
  tail -n 40 "$dir/out" "$dir"/run/log/*.log >&2
  exit 1
}

wait_until() {  # WHAT COMMAND...
  local what=$1 deadline=$((SECONDS + seconds_max))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "$what"
    sleep 0.05
  done
  echo "ok: $what"
}

pids() { cut -d' ' -f1 "$dir"/run/*.pid; }
alive() {
  local pid
  for pid in "$@"; do kill -0 "$pid" 2>/dev/null || return 1; done
}
gone() {
  local pid
  for pid in "$@"; do ! kill -0 "$pid" 2>/dev/null || return 1; done
}

start() {
  "$root/tools/up" --no-build --dir "$dir/run" >"$dir/out" 2>&1 &
  up=$!
  wait_until "it starts and shows readings" grep -q 'Ctrl-C stops everything' "$dir/out"
  mapfile -t started < <(pids)
  [ ${#started[@]} = 3 ] || fail "expected three programs, got ${#started[@]}"
  alive "${started[@]}" || fail "a program is not there"
  web=$(sed -n 's/.*web page *//p' "$dir/out")
}

first_time() { curl -fsS "${web}api/v1/series" | grep -o '"first_time":"[^"]*"' | sort | head -n 1; }

start
[ "$(sed -n '/the first readings/,/Ctrl-C/p' "$dir/out" | wc -l)" -gt 3 ] || fail "no readings"
began=$(first_time)
! "$root/tools/up" --no-build --dir "$dir/run" >"$dir/second" 2>&1 || fail "a second start went on"
grep -q 'already running' "$dir/second" || fail "a second start was refused with other words"
echo "ok: a second start is refused"
alive "${started[@]}" || fail "a second start stopped the first"

kill -TERM "$up"
wait "$up" || fail "it did not stop well"
up=
gone "${started[@]}" || fail "it left a program behind"
! grep -q 'is killed' "$dir/out" || fail "a program had to be killed"
echo "ok: it stops what it started"

start
[ "$(first_time)" = "$began" ] || fail "the second start forgot the first: $(first_time), not $began"
echo "ok: the next start goes on"

left=("${started[@]}")
kill -KILL "$up"
wait "$up" 2>/dev/null || true
alive "${left[@]}" || fail "expected leftovers"
start
gone "${left[@]}" || fail "leftovers of a killed start are still there"
grep -q 'of a start that crashed' "$dir/out" || fail "leftovers were not told of"
echo "ok: leftovers of a killed start are stopped"

kill -KILL "${started[1]}"
wait "$up" && fail "it did not notice that a program died" || true
up=
gone "${started[@]}" || fail "it left a program behind"
grep -q ' ended; ' "$dir/out" || fail "it did not say which program died"
echo "ok: when one program dies it stops the others and says so"
