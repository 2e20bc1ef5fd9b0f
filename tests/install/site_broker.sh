# The real broker, and a site's certificates: sourced by tests. Everything lies in $scratch, and goes.
PATH=$PATH:/usr/sbin
scratch=$(mktemp -d)
broker=
# Every wait ends by itself; this is for a broker that answers nothing.
readonly tries_max=200
certificate_days=1

stop() {
  [ -z "$broker" ] || { kill "$broker" && wait "$broker" || true; }
  broker=
}
trap 'stop; rm -rf "$scratch"' EXIT

fail() {
  echo "FAILED: $*" >&2
  [ ! -f "$scratch/log" ] || tail -n 20 "$scratch/log" >&2
  exit 1
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() {  # CONFIGURATION
  mosquitto -c "$1" >"$scratch/log" 2>&1 &
  broker=$!
  for ((i = 0; i < tries_max; i++)); do
    kill -0 $broker 2>/dev/null || fail "mosquitto refuses $1"
    [ -z "$(ss -Hltn "sport = :$port")" ] || return 0
    sleep 0.02
  done
  fail "mosquitto does not listen"
}

certify() {  # NAME
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
    -keyout "$scratch/$1.key" -out "$scratch/$1.csr" 2>/dev/null
  openssl x509 -req -in "$scratch/$1.csr" -CA "$scratch/ca.crt" -CAkey "$scratch/ca.key" \
    -set_serial "0x$(openssl rand -hex 8)" -days $certificate_days -out "$scratch/$1.crt" \
    -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") 2>/dev/null
}

# Certificates for the broker and each NAME, and $scratch/site.conf for a broker at $port.
make_site() {  # SYSTEMD_DIRECTORY NAME...
  local units=$1 name
  shift
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=site" \
    -days $certificate_days -keyout "$scratch/ca.key" -out "$scratch/ca.crt" 2>/dev/null
  for name in broker "$@"; do certify "$name"; done
  port=$(free_port)
  sed 's/SITE/lab/' "$units/mosquitto-site.acl" >"$scratch/site.acl"
  sed "s|^listener 8883|listener $port|; s|^acl_file .*|acl_file $scratch/site.acl|
       s|/etc/fieldpost/tls/|$scratch/|" "$units/mosquitto-site.conf" >"$scratch/site.conf"
  # Started by root, mosquitto becomes another user, who cannot read this directory.
  [ "$(id -u)" != 0 ] || echo "user root" >>"$scratch/site.conf"
}

expect() {  # WANTED GOT WHAT
  [ "$1" = "$2" ] || fail "$3: expected $1, got $2"
  echo "ok: $3"
}
