#!/usr/bin/env bash
# Network faults of one running container, made from outside in its network namespace: the image needs no tool and no
# capability for them, and the container keeps its name and address. Root only, on the engine's own machine.
#
#   container-fault.sh cut CONTAINER           nothing arrives, nothing leaves: packets vanish, no connection is refused
#   container-fault.sh heal CONTAINER          ends cut
#   container-fault.sh drop CONTAINER PEER     loses what comes from PEER, another container of the same network
#   container-fault.sh clear CONTAINER         ends everything
#
# CONTAINER is a name or an id, as of `docker compose ps -q node2`. A container that restarts has a new namespace: its faults are gone.
set -euo pipefail

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 64
}

rule() { nsenter --target "$pid" --net iptables -w "$@"; }
address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }

[ $# -ge 2 ] || usage
pid=$(docker inspect --format '{{.State.Pid}}' "$2")
[ "$pid" -ne 0 ] || { echo "container-fault.sh: $2 does not run" >&2; exit 1; }
case "$1 $#" in
  "cut 2") rule -I INPUT ! -i lo -j DROP; rule -I OUTPUT ! -o lo -j DROP ;;
  "heal 2") rule -D INPUT ! -i lo -j DROP; rule -D OUTPUT ! -o lo -j DROP ;;
  "drop 3") rule -I INPUT --source "$(address "$3")" -j DROP ;;
  "clear 2") rule -F INPUT; rule -F OUTPUT ;;
  *) usage ;;
esac
