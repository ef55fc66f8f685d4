#!/usr/bin/env bash
# Cuts the power of a process that runs with unsynced.so (see there, and README.md):
#
#   power-loss.sh build OUT.so             compiles the library
#   power-loss.sh crash PID DATA SHADOW    kills PID, then puts into DATA what a disk would hold;
#                                          what the page cache held is left beside it in DATA.lost
#
# PID is the process itself, not a wrapper such as `dotnet run` or a subshell: a process that still has
# files open in DATA after the kill is an error. SHADOW is left equal to DATA, so that the process can be
# started again on both at once.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() { echo "power-loss.sh: $*" >&2; exit 1; }

# No thread of it can write any more: it is gone, or a zombie alone in its group, waiting for its parent.
is_gone() {
  local tasks=(/proc/"$1"/task/*/stat)
  [[ ! -e ${tasks[0]} ]] || { (( ${#tasks[@]} == 1 )) && grep -q ') [ZX] ' "${tasks[0]}" 2>/dev/null; }
}

crash() {
  local pid=$1 data=${2%/} shadow=${3%/} holder i
  [[ $pid =~ ^[0-9]+$ && -d $data ]] || die "no process id or no folder: $pid $data"
  kill -KILL "$pid" || die "process $pid had ended by itself"
  # Once is enough: asked again while its parent reaps it, it might seem to be back.
  for (( i = 0; i < 1000; i++ )); do
    is_gone "$pid" && break
    sleep 0.01
  done
  (( i < 1000 )) || die "process $pid survives kill -9"
  holder=$(find /proc/[0-9]*/fd -lname "$(realpath "$data")/*" -print -quit 2>/dev/null || true)
  [[ -z $holder ]] || die "$holder is still open in $data: was $pid only a wrapper?"
  [[ -d $shadow ]] || die "no $shadow: unsynced.so was not loaded"
  rm -rf "$data.lost"
  mv "$data" "$data.lost"
  cp -a "$shadow" "$data"
}

case "${1:-} $#" in
  "build 2") "${CC:-gcc}" -shared -fPIC -O2 -Wall -Wextra -U_FORTIFY_SOURCE -o "$2" "$here/unsynced.c" -ldl ;;
  "crash 4") crash "$2" "$3" "$4" ;;
  *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 64 ;;
esac
