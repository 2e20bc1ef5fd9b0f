#!/bin/bash
# usage: check_up.sh ROOT BIN
# tools/up with the programs in BIN: starts beside taken ports, refuses a second start, stops at
# Ctrl-C and at SIGTERM, goes on where it stopped, and clears up after a start that was killed.
# With job control (-m), for what a script starts in the background ignores Ctrl-C otherwise.
set -euom pipefail
root=$1
export FIELDPOST_BIN=$2
dir=$(mktemp -d)
up=
occupier=
readonly seconds_max=60 ports=(1883 8080 8086)

cleanup() {
  [ -z "$up" ] || kill -TERM "$up" 2>/dev/null || true
  [ -z "$up" ] || wait "$up" || true
  [ -z "$occupier" ] || kill "$occupier" || true
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
  : >"$dir/out"  # what the start before said is not this one's
  "$root/tools/up" --no-build --dir "$dir/run" >"$dir/out" 2>&1 &
  up=$!
  wait_until "it starts and shows readings" grep -q 'Ctrl-C stops everything' "$dir/out"
  mapfile -t started < <(pids)
  [ ${#started[@]} = 3 ] || fail "expected three programs, got ${#started[@]}"
  alive "${started[@]}" || fail "a program is not there"
  web=$(sed -n 's/^ *web page *//p' "$dir/out")
}

# Listens on every one of the ports that nobody listens on by now, so that all of them are taken.
occupy_ports() {
  python3 -c '
import socket, sys, time
held = []
for port in sys.argv[1:]:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind(("127.0.0.1", int(port)))
        one.listen()
    except OSError:
        continue
    held.append(one)
print("occupied", flush=True)
time.sleep(3600)' "${ports[@]}" >"$dir/occupier" 2>&1 &
  occupier=$!
  wait_until "ports ${ports[*]} are taken" grep -q '^occupied' "$dir/occupier"
}

free_ports() {
  { kill "$occupier" && wait "$occupier" || true; } 2>/dev/null
  occupier=
}

# SIGNAL, to the process or (as -PID) to its whole group; it must end well and take all with it.
stop_with() {
  kill "$1" -- "$2"
  wait "$up" || fail "it did not stop well"
  up=
  gone "${started[@]}" || fail "it left a program behind"
  ! grep -q 'is killed' "$dir/out" || fail "a program had to be killed"
}

first_time() { curl -fsS "${web}api/v1/series" | grep -o '"first_time":"[^"]*"' | sort | head -n 1; }

occupy_ports
start
[ "$(sed -n '/the first readings/,/Ctrl-C/p' "$dir/out" | wc -l)" -gt 3 ] || fail "no readings"
for taken in "1883 is taken: the broker" "8080 is taken: the web page" "8086 is taken: the agent"; do
  grep -q "^up: port $taken listens on [0-9]*\$" "$dir/out" || fail "it did not say: port $taken"
done
! grep -Eq '127\.0\.0\.1:(1883|8080|8086)\b' "$dir/out" || fail "it shows an address that is taken"
echo "ok: where ports are taken it takes others and says so"
began=$(first_time)
! "$root/tools/up" --no-build --dir "$dir/run" >"$dir/second" 2>&1 || fail "a second start went on"
grep -q 'already running' "$dir/second" || fail "a second start was refused with other words"
echo "ok: a second start is refused"
alive "${started[@]}" || fail "a second start stopped the first"

kill -INT "-$up"
sleep 0.05  # Ctrl-C again, while it stops
stop_with -INT "-$up"
free_ports
echo "ok: Ctrl-C stops what it started"

start
[ "$(first_time)" = "$began" ] || fail "the second start forgot the first: $(first_time), not $began"
echo "ok: the next start goes on"
stop_with -TERM "$up"
echo "ok: SIGTERM stops what it started"

start
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
