#!/usr/bin/env python3
"""Checks in a system call trace that every acknowledgement was preceded by a sync of what it acknowledges.

Trace the process (the socket must be plain text: under TLS an acknowledgement cannot be recognised):

    strace -f -ttt -yy -xx -s 65536 --seccomp-bpf -o LOG \\
        -e trace=fsync,fdatasync,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg  the-node ...

(or -p PID, then without --seccomp-bpf). -s must exceed the database's page size, or records are cut off.
Without -xx it works as well; strace's escapes are decoded either way. Then, for transaction ids of 32 bytes
which an answer carries as protobuf field 1 and the journal stores as they are:

    sync-before-ack.py LOG --data /tmp/t/data --file 'journal*.db-wal' --ack-hex '0a20([0-9a-f]{64})'

THE RULE. An acknowledgement is each match of --marker (a regular expression over the bytes; --ack-hex: over
their lower-case hex) in what is sent through a socket. Its key is the first group of the match, or all of
it. Its record is the first write, to a file below --data whose name matches --file, which holds the key; or,
with --record (--record-hex), a match of that with the same key. The record must have been written, and after
that write ended a sync of that same file must have begun, and have succeeded before the send began. Where
the key is found in several such files, one of them suffices: let --file name only the journal that counts.

Where an acknowledgement and its record have no key in common, --names says which belongs to which: a file of
lines "ACK RECORD", both in hex, the key in the acknowledgement and bytes which only its record holds. The
acknowledgement of a key that the file lacks is a violation.

When the record is not found and a write to the journal was cut off by -s (or with --or-last-write), the
last write to the journal that ended before the acknowledgement stands for it. Under concurrent load that can
accuse the innocent; and it cannot see a record that was written only after its acknowledgement.

LIMITS. A key split between two pages or two sends is not recognised (the first is reported as a violation,
the second not counted: see --expect). A file opened with O_SYNC is not known to be. Time is the order of the
lines: strace lets a call return only after having recorded it, so effects never precede causes.

Prints a summary in JSON, and violations on stderr. Exits 0 if there are none, 1 if there are, and 2 if fewer
than --expect acknowledgements (default 1) were seen: a check that checked nothing has failed.
"""
import argparse
import bisect
import fnmatch
import json
import os
import re
import sys
from dataclasses import dataclass, field

LINE = re.compile(r"(?:\[pid +)?(?:(\d+)\]? +)?(?:\d[\d:.]* +)?(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)", re.S)
RESULT = re.compile(r"\) += (-?\d+|\?)[^\"]*$")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?')
VECTOR = re.compile("iov_base=" + STRING.pattern)
DESCRIPTOR = re.compile(r"-?\d+<((?:->|[^>])*)>")
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.S)
NAMED = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f", "a": "\a", "b": "\b", "e": "\x1b"}
UNFINISHED = " <unfinished ...>"
SYNCS = {"fsync", "fdatasync"}
SENDS = {"write", "writev", "sendto", "sendmsg", "sendmmsg"}
WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2"}
SOCKET = re.compile(r"socket:|(?:TCP|UDP|UNIX)(?:v6|-\w+)?:", re.I)


def unescape(text):
    """The bytes of a string as strace prints it, one character for each byte."""
    def one(match):
        code = match.group(1)
        if code[0] == "x" and len(code) == 3:
            return chr(int(code[1:], 16))
        return chr(int(code, 8) & 255) if code[0] in "01234567" else NAMED.get(code, code)
    if text.startswith("\\x") and len(text) % 4 == 0 and text.count("\\x") == len(text) // 4:
        return bytes.fromhex(text.replace("\\x", "")).decode("latin-1")
    return ESCAPE.sub(one, text)


@dataclass
class Call:
    name: str
    target: str          # what the descriptor refers to: a path or a socket
    payload: bytes
    cut: bool            # by strace's -s
    result: int | None   # None: the process ended before the call returned
    begin: int           # numbers of lines
    end: int


def parse(name, text, begin, end):
    result = RESULT.search(text)
    value = None if result is None or result.group(1) == "?" else int(result.group(1))
    descriptor = DESCRIPTOR.match(text)
    target = unescape(descriptor.group(1)).removesuffix(" (deleted)") if descriptor else ""
    body = text[descriptor.end():] if descriptor else text
    plain = name in {"write", "pwrite64", "sendto"}
    strings = STRING.findall(body)[:1] if plain else VECTOR.findall(body)
    payload = b"".join(unescape(s).encode("latin-1") for s, _ in strings)
    if value is not None and name != "sendmmsg":
        payload = payload[:max(value, 0)]
    return Call(name, target, payload, any(dots for _, dots in strings), value, begin, end)


def calls(path):
    """Every traced call, in the order in which they ended; at last, those that never did."""
    open_calls = {}
    with open(path, encoding="latin-1", newline="\n") as log:
        number = 0
        for number, line in enumerate(log, 1):
            match = LINE.match(line.rstrip("\n"))
            if not match:
                continue
            pid, resumed, name, rest = match.groups()
            if resumed:
                if (pid, resumed) in open_calls:
                    start, text = open_calls.pop((pid, resumed))
                    yield parse(resumed, text + rest, start, number)
            elif rest.endswith(UNFINISHED):
                open_calls[pid, name] = number, rest[:-len(UNFINISHED)]
            else:
                yield parse(name, rest, number, number)
    for (_, name), (start, text) in open_calls.items():
        yield parse(name, text, start, number + 1)


@dataclass(frozen=True)
class Pattern:
    expression: re.Pattern
    is_hex: bool

    def keys(self, payload, overlapping=False):
        """The keys of all matches, as bytes."""
        text = payload.hex() if self.is_hex else payload
        position = 0
        while (match := self.expression.search(text, position)) and match.end() > match.start():
            if self.is_hex and match.start() % 2:      # between two bytes, not at one
                position = match.start() + 1
                continue
            position = match.start() + 1 if overlapping else match.end()
            key = match.group(1 if self.expression.groups else 0)
            yield bytes.fromhex(key) if self.is_hex else key


def pattern(text, hex_text):
    if hex_text is not None:
        return Pattern(re.compile(hex_text.lower()), True)
    return None if text is None else Pattern(re.compile(text.encode("latin-1"), re.S), False)


@dataclass
class Journal:
    """What happened to one file."""
    records: dict = field(default_factory=dict)     # key: (end, line) of the first write holding it
    writes: list = field(default_factory=list)      # (end, line) of every write
    syncs: list = field(default_factory=list)       # (begin, end) of every sync that succeeded
    cut: bool = False

    def finish(self):
        """Prepares for synced_by: for each sync, the earliest end of it and of all those begun later."""
        self.syncs.sort()
        self.writes.sort()
        self.ends = [end for _, end in self.syncs]
        for i in range(len(self.ends) - 2, -1, -1):
            self.ends[i] = min(self.ends[i], self.ends[i + 1])

    def synced_by(self, written, when):
        """Did a sync begin after line `written` and end before line `when`?"""
        i = bisect.bisect_right(self.syncs, (written, float("inf")))
        return i < len(self.ends) and self.ends[i] < when


def read(options, ack_pattern, record_pattern):
    names = read_names(options.names)
    wanted = {}                                     # keys of acknowledgements by their length
    acks = []                                       # (begin of the send, key)
    for call in calls(options.log):
        is_ack = call.name in SENDS and SOCKET.match(call.target) and (call.result is None or call.result > 0)
        if is_ack and (not options.socket or re.search(options.socket, call.target)):
            for key in ack_pattern.keys(call.payload):
                key = key if names is None else names.get(key, b"unnamed " + key)
                acks.append((call.begin, key))
                wanted.setdefault(len(key), set()).add(key)
    journals = {}
    data = os.path.realpath(options.data) + os.sep
    for call in calls(options.log):
        if not call.target.startswith(data) or not fnmatch.fnmatch(os.path.basename(call.target), options.file):
            continue
        journal = journals.setdefault(call.target, Journal())
        if call.name in SYNCS and call.result == 0:
            journal.syncs.append((call.begin, call.end))
        elif call.name in WRITES and (call.result is None or call.result > 0):
            journal.writes.append((call.end, call.begin))
            journal.cut |= call.cut
            for key in record_pattern.keys(call.payload, True) if record_pattern else held(call.payload, wanted):
                journal.records.setdefault(key, (call.end, call.begin))
    for journal in journals.values():
        journal.finish()
    return acks, journals


def read_names(path):
    """What the keys of acknowledgements are called in their records; None where both are the same."""
    if path is None:
        return None
    with open(path) as lines:
        return dict((bytes.fromhex(part) for part in line.split()) for line in lines)


def held(payload, wanted):
    """Those of the wanted keys that the payload holds anywhere."""
    for length, keys in wanted.items():
        yield from keys.intersection(payload[i:i + length] for i in range(len(payload) - length + 1))


def judge(ack, key, journals, or_last_write):
    """What is wrong with an acknowledgement, or None; and whether the last write stood for its record."""
    found = [(journal, *journal.records[key]) for journal in journals.values() if key in journal.records]
    if found:
        if any(journal.synced_by(end, ack) for journal, end, _ in found):
            return None, False
        line = min(line for _, _, line in found)
        if line > ack:
            return f"its record was only written later, at line {line}", False
        return f"its record, written at line {line}, was not synced in between", False
    if not or_last_write and not any(journal.cut for journal in journals.values()):
        return "its record was never written", False
    any_write = False
    for journal in journals.values():
        i = bisect.bisect_left(journal.writes, (ack, 0))
        if i > 0:
            any_write = True
            end, line = journal.writes[i - 1]
            if not journal.synced_by(end, ack):
                return f"the last write before it, at line {line}, was not synced in between", True
    return (None if any_write else "nothing was written before it"), True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0], epilog="More: the head of the source.")
    parser.add_argument("log", help="written by strace -o; the command line is in the head of the source")
    parser.add_argument("--data", required=True, help="the data folder")
    parser.add_argument("--file", default="*-wal", help="names of journals in it, as a shell pattern (%(default)s)")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--marker", help="an acknowledgement, as a regular expression over bytes")
    which.add_argument("--ack-hex", help="the same over hex")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--record", help="a record, as a regular expression over bytes (default: the key itself)")
    which.add_argument("--record-hex", help="the same over hex")
    parser.add_argument("--names", help="a file of lines ACK RECORD, in hex: other keys for the records")
    parser.add_argument("--socket", help="only sockets so named by strace -yy, as a regular expression")
    parser.add_argument("--or-last-write", action="store_true", help="a record not found: take the last write")
    parser.add_argument("--expect", type=int, default=1, help="the least number of acknowledgements to see")
    options = parser.parse_args()

    acks, journals = read(options, pattern(options.marker, options.ack_hex), pattern(options.record, options.record_hex))
    violations, by_last_write = [], 0
    for line, key in acks:
        wrong, stood_in = judge(line, key, journals, options.or_last_write)
        by_last_write += stood_in
        if wrong:
            violations.append({"line": line, "key": key.hex(), "why": wrong})
            print(f"line {line}: {key.hex()} is acknowledged, but {wrong}", file=sys.stderr)
    print(json.dumps({
        "acks": len(acks), "keys": len({key for _, key in acks}), "violations": len(violations),
        "by_last_write": by_last_write,
        "journals": {os.path.basename(path): {"writes": len(j.writes), "syncs": len(j.syncs), "cut": j.cut}
                     for path, j in sorted(journals.items())},
        "first_violations": violations[:20]}))
    if violations:
        return 1
    if len(acks) < options.expect:
        print(f"only {len(acks)} acknowledgements were seen, {options.expect} expected", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
