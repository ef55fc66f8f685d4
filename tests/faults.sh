#!/usr/bin/env bash
# usage: faults.sh [N…] [--json]     e.g. faults.sh 1a 3 10; all faults without a number, about 25 minutes
# Runs clusters of four real nodes on one PostgreSQL under load, breaks them (docs/reliability.md), and shows from outside that
# nothing acknowledged was lost, doubled or contradicted. As root on Debian it installs what is missing; elsewhere it says so, and
# faults that need what is not there are skipped. Exits 1 if a promise was broken.
set -eu
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || command -v initdb > /dev/null || missing+=(postgresql)
command -v ip > /dev/null || missing+=(iproute2)
command -v iptables > /dev/null || [ -x /usr/sbin/iptables ] || missing+=(iptables)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
  else
    echo "Not installed: ${missing[*]}. The faults that need them are skipped." >&2
  fi
fi

for project in Vivim.Gateway Vivim.Faults; do dotnet build "$project" -c Release --nologo -v quiet >&2; done
exec dotnet artifacts/bin/Vivim.Faults/release/Vivim.Faults.dll "$@"
