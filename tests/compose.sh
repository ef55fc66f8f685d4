#!/usr/bin/env bash
# docker-compose.yml as users run it, in a real Docker engine: up, load, verify, lose a node, stop, start, down.
#
#   tests/compose.sh [--faults] [GRAPH]      GRAPH: a file to load, such as ../shared/data/ego-facebook.txt; otherwise a small generated graph
#
# --faults: also kills a node, splits the nodes two and two, and takes PostgreSQL away, each while a graph is loaded.
# Uses the engine that answers, if it has the base images or can get them. Otherwise, as root, starts one of its own with
# ../shared/tools/docker, and keeps its images in ${XDG_CACHE_HOME:-~/.cache}/vivim-tests, for the next time.
# Prints PASS and FAIL lines with the seconds each took. Exits with 77 when it had to be skipped, saying why.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vivim-tests
tools=$(realpath -m ../shared/tools/docker)
cli=artifacts/bin/Vivim.Cli/debug/vivim.dll
with_faults=
if [ "${1:-}" = --faults ]; then with_faults=yes; shift; fi
graph=${1:-}
# Never a cluster that somebody works with.
export COMPOSE_PROJECT_NAME=vivim-test
work=$(mktemp -d)
# The keys of the people the load makes.
export XDG_CONFIG_HOME=$work
own_engine=
failed=0
# One worker has something to do while the test runs: otherwise it is once an hour.
export COMPOSE_FILE=docker-compose.yml:$work/busy.yml
echo 'services: { node2: { environment: { VIVIM_WORKERS_GC_SCHEDULE: every 5s } } }' > "$work/busy.yml"

skip() {
  echo "SKIPPED: $*"
  exit 77
}

clean_up() {
  [ $failed -eq 0 ] || docker compose logs --tail 40 > "$cache/compose.log" 2>&1 || true
  docker compose down --volumes --timeout 5 > /dev/null 2>&1 || true
  [ -z "$own_engine" ] || "$tools/dockerd-stop.sh" "$cache/engine"
  rm -rf "$work"
}

# check NAME COMMAND...: one line of the result. After a failure the rest would say nothing new.
check() {
  local start=$SECONDS status=0
  # Not as a condition: within one, bash would go on after errors.
  set +e
  (set -e; "${@:2}") > "$work/said" 2>&1
  status=$?
  set -e
  if [ $status -eq 0 ]; then
    echo "PASS  $1 ($((SECONDS - start)) s)"
  else
    echo "FAIL  $1 ($((SECONDS - start)) s)"
    tail -30 "$work/said"
    failed=1
    exit 1
  fi
}

has_images() { docker image inspect postgres:17 prom/prometheus:v2.53.0 mcr.microsoft.com/dotnet/{aspnet,sdk}:10.0 > /dev/null 2>&1; }

# An engine that answers but can get no images is of no use.
engine_answers() { docker info > /dev/null 2>&1 && docker compose version > /dev/null 2>&1 && { has_images || timeout 60 docker pull -q postgres:17 > /dev/null 2>&1; }; }

find_engine() {
  engine_answers && return
  [ -d "$tools" ] || skip "no Docker engine with images answers, and $tools is not there"
  [ "$(id -u)" -eq 0 ] || skip "no Docker engine with images answers, and only root can start one"
  for program in dockerd mmdebstrap iptables; do command -v $program > /dev/null || skip "$program is missing (apt-get install docker.io mmdebstrap iptables)"; done
  DOCKER_HOST=unix://$cache/engine/docker.sock docker version > /dev/null 2>&1 || own_engine=yes
  "$tools/dockerd-start.sh" "$cache/engine" > "$work/variables"
  "$tools/compose-v2.sh" "$cache/docker-config" >> "$work/variables"
  . "$work/variables"
  check "base images" "$tools/base-images.sh" "$cache/images"
}

vivim() { dotnet "$cli" --node "http://127.0.0.1:808$1" "${@:2}"; }

up() { docker compose up --detach --wait --wait-timeout 240; }

all_healthy() { [ "$(docker compose ps --format '{{.Health}}' | sort | uniq -c | xargs)" = "6 healthy" ]; }

load() {
  if [ -n "$graph" ]; then vivim 2 load graph "$graph" --json; else vivim 2 load graph --generate people=100,edges=1000,seed=1 --json; fi | tee "$work/load"
  grep -q '"rejected":0,"lost":0,' "$work/load"
}

verify() { vivim "$1" chain verify --json | tee "$work/verify" && grep -q '"matches":true' "$work/verify"; }

# Prometheus hears from every node, and all of them see four members.
watched() {
  for _ in $(seq 20); do
    docker compose exec -T prometheus promtool query instant http://127.0.0.1:9090 'sum(vivim_cluster_members{status="up"})' | tee "$work/members"
    ! grep -q '=> 16 @' "$work/members" || break
    sleep 1
  done
  grep -q '=> 16 @' "$work/members"
  # It has read the alerts, and none of a healthy cluster's fires.
  docker compose exec -T prometheus promtool check config /etc/prometheus/prometheus.yml | tee "$work/rules"
  grep -q 'rules found' "$work/rules"
  docker compose exec -T prometheus promtool query instant http://127.0.0.1:9090 'ALERTS{alertstate="firing"}' | tee "$work/alerts"
  if grep -q alertname "$work/alerts"; then return 1; fi
}

confined() {
  [ "$(docker compose exec -T node1 id -u)" = 1654 ]
  for place in /app /network; do
    if docker compose exec -T node1 touch $place/file; then return 1; fi
  done
  # Certificates' keys, the authority's too, are for the nodes' user only.
  [ "$(docker compose exec -T node1 sh -c 'stat -c %a /network/tls/*.key' | sort -u)" = 600 ]
  # Every published port, of whichever service, is on loopback.
  docker compose ps --quiet | xargs docker inspect --format '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}}{{"\n"}}{{end}}{{end}}' | sort -u | xargs > "$work/hosts"
  [ "$(cat "$work/hosts")" = 127.0.0.1 ]
}

# Its tasks that are done, as another node tells.
done_tasks() { docker compose exec -T node1 vivim workers tasks gc-node2 --json | tee "$work/tasks" | { grep -o '"phase":"done"' || true; } | wc -l; }

# A worker of another node fails on purpose and comes back, any node tells of it, and what it has to do goes on, each task once.
worker_crashes() {
  local before
  before=$(done_tasks)
  docker compose exec -T node1 vivim workers crash gc-node2
  for _ in $(seq 10); do
    docker compose exec -T node1 timeout 5 vivim supervision watch --node-name node2 --path /system/sharding/workers/gc-node2 --last 6 | tee "$work/seen" || true
    ! grep -q 'restarting -> running' "$work/seen" || break
  done
  for sight in 'CrashedOnPurposeException: crashed on purpose by did:key:' '(initialized -> failed)' '(failed -> restarting)' '(restarting -> running)'; do grep -qF -- "$sight" "$work/seen"; done
  for _ in $(seq 30); do
    [ "$(done_tasks)" -le "$before" ] || break
    sleep 1
  done
  [ "$(done_tasks)" -gt "$before" ]
  [ -z "$(grep -o '"id":"[^"]*"' "$work/tasks" | sort | uniq -d)" ]
  docker compose exec -T node1 vivim workers show gc-node2 | tee "$work/worker"
  grep -q '0 failed, 0 in doubt' "$work/worker"
}

restarts_of() { docker inspect --format '{{.RestartCount}}' "$(docker compose ps -q "$1")"; }

# A node that is cut off ends when the others go on without it; the engine starts it, with a network that works again.
node_comes_back() {
  local before
  before=$(restarts_of node3)
  tests/tools/container-fault.sh cut "$(docker compose ps -q node3)"
  for _ in $(seq 90); do [ "$(restarts_of node3)" -eq "$before" ] || break; sleep 1; done
  [ "$(restarts_of node3)" -gt "$before" ]
  up
  all_healthy
}

# load_through SEED COMMAND...: a graph that is loaded while something is broken and mended is all there in the end.
load_through() {
  local loading
  vivim 1 load graph --generate people=100,edges=2000,seed="$1" --json > "$work/load" &
  loading=$!
  sleep 2
  "${@:2}"
  wait $loading
  cat "$work/load"
  grep -q '"rejected":0,"lost":0,' "$work/load"
}

kill_node() {
  docker compose kill node3
  sleep 20
  up
}

split_in_two() {
  local one other
  for one in 1 2; do
    for other in 3 4; do
      tests/tools/container-fault.sh drop "$(docker compose ps -q node$one)" "$(docker compose ps -q node$other)"
      tests/tools/container-fault.sh drop "$(docker compose ps -q node$other)" "$(docker compose ps -q node$one)"
    done
  done
  sleep 25
  for one in 1 2 3 4; do tests/tools/container-fault.sh clear "$(docker compose ps -q node$one)"; done
  up
}

take_database_away() {
  docker compose restart postgres
  sleep 5
  docker compose kill postgres
  sleep 30
  up
}

stops_in_order() {
  docker compose stop
  [ "$(docker compose ps --all --format '{{.ExitCode}}' | sort -u)" = 0 ]
}

nothing_left() {
  docker compose down --volumes
  local label=label=com.docker.compose.project=$COMPOSE_PROJECT_NAME
  [ -z "$(docker ps -aq --filter $label)$(docker volume ls -q --filter $label)$(docker network ls -q --filter $label)" ]
}

trap clean_up EXIT
mkdir -p "$cache"
find_engine
[ -e "$cli" ] || check "the command line builds" dotnet build Vivim.Cli --nologo -v quiet
docker compose down --volumes --timeout 5 > /dev/null 2>&1
check "the image builds" docker compose build
check "up" up
check "all are healthy" all_healthy
check "a graph loads, nothing is lost" load
check "the chain verifies" verify 4
check "Prometheus sees every node" watched
check "the nodes are confined" confined
check "a worker crashed on purpose comes back" worker_crashes
if [ "$(id -u)" -eq 0 ] && command -v iptables > /dev/null && command -v nsenter > /dev/null; then check "a node that was cut off comes back" node_comes_back; fi
if [ -n "$with_faults" ]; then
  check "a node killed under load" load_through 2 kill_node
  check "two nodes split from two under load" load_through 3 split_in_two
  check "PostgreSQL restarted, then away for 30 s under load" load_through 4 take_database_away
fi
check "stop: every node ends in order" stops_in_order
check "up again" up
check "the chain verifies again" verify 3
check "down leaves nothing" nothing_left
