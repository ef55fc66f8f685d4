#!/usr/bin/env bash
# Tests the tools of this folder on a stand-in for the node. Each check comes with its opposite,
# where the store is at fault and the tool must say so: a test that cannot fail proves nothing.
# Needs gcc, strace and python3. Prints PASS and FAIL lines; exits 1 if any failed.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$(python3 -c 'import sys; print(sys.executable)')   # itself: a launcher would have another process id
work=$(mktemp -d) || exit 1
failures=0
writer=
trap 'kill -KILL $writer 2>/dev/null; rm -rf "$work"' EXIT

# verdict NAME WANTED GOT [DETAIL]
verdict() {
  if [[ $2 == "$3" ]]; then echo "PASS  $1${4:+: $4}"; else echo "FAIL  $1${4:+: $4} (exit $3, not $2)"; failures=$((failures + 1)); fi
}

standin() { "$python" "$here/standin.py" "$@"; }

# The stand-in with power loss made testable in $work/$1. It takes the shell's place, so that $! is its own id.
unsynced() {
  mkdir -p "$work/$1/data"
  export UNSYNCED_DIR=$work/$1/data UNSYNCED_SHADOW=$work/$1/shadow LD_PRELOAD=$work/unsynced.so
  exec "$python" "$here/standin.py" "${@:2}"
}

# crash NAME SYNCHRONOUS ROWS: writes rows, cuts the power once so many are acknowledged.
crash() {
  local printed=$work/$1/printed before
  mkdir -p "$work/$1"
  touch "$printed"
  before=$(wc -l < "$printed")
  unsynced "$1" writer "$work/$1/data" "$2" >> "$printed" &
  writer=$!
  disown "$writer"                                           # no word from the shell when it is killed
  for (( i = 0; i < 3000 && $(wc -l < "$printed") < before + $3; i++ )); do sleep 0.01; done
  "$here/power-loss.sh" crash "$writer" "$work/$1/data" "$work/$1/shadow" || return 2
  writer=
}

"$here/power-loss.sh" build "$work/unsynced.so"
verdict "the library compiles" 0 $?
(( failures == 0 )) || exit 1

(unsynced model model "$work/model/data" "$work/model/shadow")
verdict "the model holds: files, names, locks, random changes" 0 $?

for round in 1 2 3; do
  crash full FULL 400
  said=$(standin check "$work/full/data" "$work/full/printed")
  verdict "synchronous=FULL survives power loss $round" 0 $? "$said"
done
for level in NORMAL OFF; do
  crash "$level" "$level" 400
  said=$(standin check "$work/$level/data" "$work/$level/printed")
  verdict "synchronous=$level is caught" 1 $? "$said"
  said=$(standin check "$work/$level/data.lost" "$work/$level/printed")
  verdict "  and is not by kill -9 alone" 0 $? "$said"
done

# trace NAME MODE FLAGS: the server's system calls; ack ...: checks them.
trace() {
  mkdir -p "$work/$1/data"
  strace -f -ttt -yy $3 -s 65536 --seccomp-bpf -o "$work/$1/log" \
    -e trace=fsync,fdatasync,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg \
    "$python" "$here/standin.py" server "$work/$1/data" "$2" 200
}
ack() {
  "$here/sync-before-ack.py" "$work/$1/log" --data "$work/$1/data" --file 'journal*.db-wal' "${@:2}" 2> /dev/null \
    | sed 's/, "first_violations.*/}/'
}

for flags in -xx ""; do
  for mode in synced early unsynced; do
    [[ $mode == synced ]] && wanted=0 || wanted=1
    trace "trace$flags-$mode" "$mode" "$flags"
    said=$(ack "trace$flags-$mode" --ack-hex '0a20([0-9a-f]{64})' --expect 200)
    verdict "strace $flags, $mode server" "$wanted" $? "$said"
  done
done
# A cell of the key's index: a header of 3 bytes, where 0x4c says blob of 32, then the key.
said=$(ack trace-xx-synced --marker '\x0a\x20(.{32})' --record '\x03\x4c.(.{32})' --expect 200)
verdict "the same by markers over bytes" 0 $? "$said"
said=$(ack trace-xx-synced --marker 'no such marker')
verdict "a trace without acknowledgements is no success" 2 $? "$said"

# Syncs that do not count: begun before the write ended, not over when the acknowledgement began, failed,
# or of another file; and the one that does, split up as all are.
hand_written() {
  mkdir -p "$work/$1/data"
  sed "s,WAL1,7<$work/$1/data/journal1.db-wal>,; s,WAL2,8<$work/$1/data/journal2.db-wal>,; s,SOCKET,9<TCP:[127.0.0.1:1->127.0.0.1:2]>," > "$work/$1/log"
  ack "$1" --marker 'ok:(\w+)' > /dev/null
  verdict "by hand: $1" "$2" $?
}
hand_written good 0 <<'LINES'
11 1.1 pwrite64(WAL1, "..id1..", 7, 0 <unfinished ...>
12 1.2 fsync(WAL2 <unfinished ...>
11 1.3 <... pwrite64 resumed>) = 7
11 1.4 fdatasync(WAL1 <unfinished ...>
12 1.5 <... fsync resumed>) = 0
11 1.6 <... fdatasync resumed>) = 0
12 1.7 sendmsg(SOCKET, {msg_name=NULL, msg_iov=[{iov_base="ok:", iov_len=3}, {iov_base="id1", iov_len=3}], msg_iovlen=2}, 0 <unfinished ...>
11 1.8 pwrite64(WAL1, "..id1..id2", 10, 0) = 10
12 1.9 <... sendmsg resumed>) = 6
LINES
hand_written too-early-a-sync 1 <<'LINES'
11 1.1 pwrite64(WAL1, "..id1..", 7, 0 <unfinished ...>
12 1.2 fsync(WAL1 <unfinished ...>
11 1.3 <... pwrite64 resumed>) = 7
12 1.4 <... fsync resumed>) = 0
11 1.5 sendto(SOCKET, "ok:id1", 6, 0, NULL, 0) = 6
LINES
hand_written too-late-a-sync 1 <<'LINES'
11 1.1 pwrite64(WAL1, "..id1..", 7, 0) = 7
12 1.2 fsync(WAL1 <unfinished ...>
11 1.3 sendto(SOCKET, "ok:id1", 6, 0, NULL, 0 <unfinished ...>
12 1.4 <... fsync resumed>) = 0
11 1.5 <... sendto resumed>) = 6
LINES
hand_written failed-or-foreign-sync 1 <<'LINES'
11 1.1 pwrite64(WAL1, "..id1..", 7, 0) = 7
11 1.2 fsync(WAL1) = -1 EIO (Input/output error)
11 1.3 fsync(WAL2) = 0
11 1.4 sendto(SOCKET, "ok:id1", 6, 0, NULL, 0) = 6
LINES
hand_written half-a-write 1 <<'LINES'
11 1.1 pwrite64(WAL1, "..id1..", 7, 0) = 3
11 1.2 fsync(WAL1) = 0
11 1.3 sendto(SOCKET, "ok:id1", 6, 0, NULL, 0) = 6
LINES
hand_written cut-off 0 <<'LINES'
11 1.1 pwrite64(WAL1, "..i"..., 7, 0) = 7
11 1.2 fsync(WAL1) = 0
11 1.3 sendto(SOCKET, "ok:id1", 6, 0, NULL, 0) = 6
LINES
hand_written cut-off-unsynced 1 <<'LINES'
11 1.1 pwrite64(WAL1, "..i"..., 7, 0) = 7
11 1.3 sendto(SOCKET, "ok:id1", 6, 0, NULL, 0) = 6
LINES

if (( failures )); then echo "FAIL  $failures"; exit 1; fi
echo "PASS  all"
