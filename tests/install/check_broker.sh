#!/bin/bash
# usage: check_broker.sh SYSTEMD_DIRECTORY
# Starts the real mosquitto with each of our configurations on a free port: the development one, and
# the site's with TLS and its access list, where nodes try what they must not.
set -euo pipefail
PATH=$PATH:/usr/sbin
units=$1
source "$(dirname "$0")/site_broker.sh"
readonly packet_max=270336

publish() { mosquitto_pub "${as[@]}" -p "$port" -V 5 -q 1 "$@" >/dev/null 2>&1; }

# Prints the topics of what WHO gets of FILTER while COMMAND runs, whose last message must come. What
# came before it has come too: one connection keeps its order, and COMMAND publishes one by one.
# A marker shows first that the subscription is there.
topics_seen() {  # WHO FILTER MARKER_FROM MARKER_TOPIC COMMAND... LAST_TOPIC
  local who=$1 filter=$2 from=$3 marker=$4 watcher
  shift 4
  : >"$scratch/got"
  "as_$who"
  mosquitto_sub "${as[@]}" -p "$port" -V 5 -q 1 -F '%p %t' -t "$filter" >"$scratch/got" 2>&1 &
  watcher=$!
  "as_$from"
  for ((i = 0; i < tries_max; i++)); do
    publish -t "$marker" -m marker || true
    ! grep -q '^marker ' "$scratch/got" || break
  done
  "$@"
  for ((i = 0; i < tries_max; i++)); do
    ! grep -qx "x ${!#}\|x fieldpost/v1/${!#}" "$scratch/got" || break
    sleep 0.02
  done
  kill $watcher 2>/dev/null || true
  wait $watcher || true
  sed -n 's/^x //p' "$scratch/got" | tr '\n' ' '
}

# --- development

port=$(free_port)
sed "s/^listener 1883 /listener $port /" "$units/mosquitto.conf" >"$scratch/dev.conf"
as_anyone() { as=(); }
as_anyone
start "$scratch/dev.conf"
expect "a/b " "$(topics_seen anyone a/b anyone a/b publish -m x -t a/b)" "the development broker carries messages"
head -c $((256 * 1024)) /dev/zero >"$scratch/largest"
head -c $((packet_max + 1)) /dev/zero >"$scratch/too_large"
publish -t a/b -f "$scratch/largest" || fail "an envelope of 256 KiB was refused"
# With MQTT 5 mosquitto_pub heeds the limit by itself and says nothing.
! publish -V 311 -t a/b -f "$scratch/too_large" || fail "a packet above the limit was taken"
echo "ok: packets are bounded just above an envelope"
stop

# --- site

make_site "$units" n1 n2 _coordinator _reader
with_certificate() {
  as=(-h 127.0.0.1 --cafile "$scratch/ca.crt" --cert "$scratch/$1.crt" --key "$scratch/$1.key")
}
as_n1() { with_certificate n1; }
as_n2() { with_certificate n2; }
as__coordinator() { with_certificate _coordinator; }
as__reader() { with_certificate _reader; }
start "$scratch/site.conf"

publish_all() {  # WHO TOPIC...
  local who=$1 topic
  shift
  "as_$who"
  for topic in "$@"; do publish -t "fieldpost/v1/$topic" -m x || true; done
}
# The last topic is allowed; so it comes, and nothing else does.
refused_but_last() {  # WHAT WATCHER FILTER WHO TOPIC...
  local what=$1 watcher=$2 filter=$3 marker=(n2 fieldpost/v1/lab/n2/state)
  shift 3
  [ "$watcher" != n2 ] || marker=(_coordinator fieldpost/v1/lab/n2/cmd)
  expect "fieldpost/v1/${!#} " \
    "$(topics_seen "$watcher" "$filter" "${marker[@]}" publish_all "$@")" "$what"
}

refused_but_last "a node writes nothing but its own topics" _reader '#' n1 \
  lab/n2/hello lab/n2/answer lab/n2/up/live lab/n2/state lab/n2/welcome lab/n1/welcome \
  lab/n1/challenge lab/n1/receipt lab/n1/cmd lab/_coordinator/state other/n1/hello lab/n1/other \
  lab/n1/hello
for topic in answer up/event up/bulk state; do
  refused_but_last "the coordinator reads a node's $topic" _coordinator 'fieldpost/v1/lab/#' n1 \
    lab/n1/$topic
done
for topic in challenge welcome receipt cmd; do
  refused_but_last "a node reads its own $topic and nothing of another's" n2 '#' _coordinator \
    lab/n1/challenge lab/n1/welcome lab/n1/receipt lab/n1/cmd lab/n2/$topic
done
refused_but_last "a node reads the coordinator's presence" n2 '#' _coordinator \
  lab/_coordinator/state
publish_from_both() {
  publish_all n1 lab/n1/hello lab/n1/up/live lab/n1/state
  publish_all _coordinator lab/n2/welcome
}
expect "fieldpost/v1/lab/n2/welcome " "$(topics_seen n2 '#' _coordinator fieldpost/v1/lab/n2/cmd \
  publish_from_both lab/n2/welcome)" "a node reads nothing of what another writes"
refused_but_last "the coordinator writes nothing as a node" _reader '#' _coordinator \
  lab/n1/hello lab/n1/up/live lab/n1/state lab/_coordinator/state
as=(-h 127.0.0.1 --cafile "$scratch/ca.crt")
! publish -t fieldpost/v1/lab/n1/hello -m x || fail "a client without certificate was let in"
echo "ok: nobody comes in without a certificate"
