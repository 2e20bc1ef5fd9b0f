#!/bin/bash
# usage: check_tls_at_1970.sh SYSTEMD_DIRECTORY BINARIES SHIFTED_CLOCK_LIBRARY
# A node whose clock stands at 1970 connects over TLS, delivers, and so learns the time: one that was
# welcomed before, with whatever certificates; a new one, if they are older than its program.
set -euo pipefail
units=$1 binaries=$2 clock=$3
source "$(dirname "$0")/site_broker.sh"
readonly welcome_tries=600  # of 0.1 s: a try to connect that fails is followed by a longer pause
daemons=()

end_daemons() {
  for pid in "${daemons[@]}"; do kill -KILL "$pid" && wait "$pid" || true; done 2>/dev/null
  daemons=()
}
trap 'end_daemons; stop; rm -rf "$scratch"' EXIT

# COMMAND with its clock at the YEAR's beginning, more or less.
in_year() {  # YEAR COMMAND...
  local seconds=$((($1 - 1970) * 31557600 + 86400))
  shift
  LD_PRELOAD=$clock SHIFTED_CLOCK_S=$((seconds - $(date +%s))) exec "$@"
}

tls_of() {  # NAME
  printf '[mqtt]\nurl = "mqtts://127.0.0.1:%s"\nca_file = "%s"\ncert_file = "%s"\nkey_file = "%s"\n' \
    "$port" "$scratch/ca.crt" "$scratch/$1.crt" "$scratch/$1.key"
}

start_coordinator() {
  http=$(free_port)
  { tls_of _coordinator
    printf '[site]\nname = "lab"\n[http]\nlisten = "127.0.0.1:%s"\n[store]\nurl = "sqlite://%s"\n' \
      "$http" "$scratch/store"
  } >"$scratch/coordinator.toml"
  "$binaries/fieldpost-coordinator" --config "$scratch/coordinator.toml" \
    2>"$scratch/coordinator.log" &
  daemons+=($!)
}

start_agent() {  # NAME [at_1970]
  local name=$1
  shift
  { tls_of "$name"
    printf '[node]\nid = "%s"\nsite = "lab"\n[spool]\npath = "%s"\n' "$name" "$scratch/$name"
    printf '[listen]\nsocket = "%s"\nhttp = ""\n' "$scratch/$name.sock"
  } >"$scratch/$name.toml"
  : >"$scratch/$name.log"
  if [ $# -gt 0 ]; then
    in_year 1970 "$binaries/fieldpost-agent" --config "$scratch/$name.toml" \
      2>"$scratch/$name.log" &
  else
    "$binaries/fieldpost-agent" --config "$scratch/$name.toml" 2>"$scratch/$name.log" &
  fi
  daemons+=($!)
}

end_last() {
  kill -TERM "${daemons[-1]}" && wait "${daemons[-1]}" || true
  unset 'daemons[-1]'
}

await_welcome() {  # NAME WHAT
  for ((i = 0; i < welcome_tries; i++)); do
    if grep -q welcomed "$scratch/$1.log"; then
      echo "ok: $2"
      return
    fi
    sleep 0.1
  done
  cat "$scratch/$1.log" "$scratch/coordinator.log" >&2
  fail "$2"
}

# The clock is wrong enough: whoever checks at 1970 does not connect.
make_site "$units" n1 n2 _coordinator
start "$scratch/site.conf"
! (in_year 1970 openssl s_client -connect "127.0.0.1:$port" -CAfile "$scratch/ca.crt" \
  -verify_return_error </dev/null >"$scratch/s_client" 2>&1) || fail "s_client connects at 1970"
grep -q 'not yet valid' "$scratch/s_client" || fail "s_client says: $(cat "$scratch/s_client")"
echo "ok: a client that checks certificates at 1970 is not let in"

start_coordinator
start_agent n1
await_welcome n1 "a node with a right clock is welcomed"
end_last
start_agent n1 at_1970
await_welcome n1 "at 1970 it is welcomed again, for it knows when it was welcomed before"
printf 'clock,at=1970 v=1\n\n' | python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(30); s.connect(sys.argv[1]); s.sendall(sys.stdin.buffer.read())
print(s.recv(100).decode(), end="")' "$scratch/n1.sock" | grep -qx 'ok 1' || fail "no OK at 1970"
for ((i = 0; i < welcome_tries; i++)); do
  count=$(curl -s "http://127.0.0.1:$http/api/v1/series?node=n1" |
    python3 -c 'import json, sys; print(sum(each["count"] for each in json.load(sys.stdin)["items"]))')
  [ "$count" != 1 ] || break
  sleep 0.1
done
expect 1 "$count" "what it accepted at 1970 is stored"
end_daemons
stop

rm -rf "$scratch/store" "$scratch/n2"
openssl() { (in_year 2020 /usr/bin/openssl "$@"); }
certificate_days=36500
make_site "$units" n2 _coordinator
start "$scratch/site.conf"
start_coordinator
start_agent n2 at_1970
await_welcome n2 "a new node at 1970 is welcomed with certificates that are older than its program"
