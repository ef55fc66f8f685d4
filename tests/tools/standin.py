"""Stands in for the node while the tools beside it are tested: see selftest.sh, which runs it."""
import fcntl
import hashlib
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading


def connect(folder, synchronous, name="journal1.db"):
    db = sqlite3.connect(os.path.join(folder, name), isolation_level=None, timeout=60, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA synchronous={synchronous}")
    # Often, so that crashes hit checkpoints too; or never where only checkpoints sync, for a sure result.
    db.execute(f"PRAGMA wal_autocheckpoint={40 if synchronous == 'FULL' else 0}")
    db.execute("CREATE TABLE IF NOT EXISTS record (id BLOB PRIMARY KEY, content BLOB, hash BLOB)")
    return db


def insert(db, key):
    content = random.randbytes(random.randrange(9000))
    db.execute("INSERT INTO record VALUES (?, ?, ?)", (key, content, hashlib.sha256(content).digest()))


def writer(folder, synchronous):
    """Commits rows for ever in three threads, and prints the key of each once it is committed."""
    def work(db):
        while True:
            key = random.randbytes(32)
            insert(db, key)
            os.write(1, key.hex().encode() + b"\n")
    connect(folder, synchronous)
    workers = [threading.Thread(target=work, args=(connect(folder, synchronous),)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def check(folder, printed):
    """Says how many of the printed keys are lost, and what SQLite thinks of the database."""
    keys = [bytes.fromhex(line) for line in open(printed).read().split()]
    try:
        db = sqlite3.connect(os.path.join(folder, "journal1.db"))
        verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
        rows = {key: hashlib.sha256(content).digest() == digest
                for key, content, digest in db.execute("SELECT id, content, hash FROM record")}
    except sqlite3.DatabaseError as error:
        verdict, rows = str(error), {}
    lost = sum(not rows.get(key) for key in keys)
    print(f"{len(keys)} acknowledged, {lost} lost, integrity: {verdict}")
    return 0 if lost == 0 and verdict == "ok" and keys else 1


def server(folder, mode, count):
    """Four clients send records in requests; each is acknowledged after its commit, or before it ("early")."""
    gate = threading.Lock()
    db = connect(folder, "OFF" if mode == "unsynced" else "FULL")

    def serve(peer):
        while request := peer.recv(34, socket.MSG_WAITALL):
            key = request[2:]
            if mode == "early":
                peer.sendall(b"\x0a\x20" + key)
            with gate:
                insert(db, key)
            if mode != "early":
                peer.sendall(b"\x0a\x20" + key)

    def ask(address):
        with socket.create_connection(address) as link:
            for _ in range(count // 4):
                link.sendall(b"\x12\x20" + random.randbytes(32))
                link.recv(34, socket.MSG_WAITALL)

    listener = socket.create_server(("127.0.0.1", 0))
    clients = [threading.Thread(target=ask, args=(listener.getsockname(),)) for _ in range(4)]
    for client in clients:
        client.start()
    for _ in clients:
        threading.Thread(target=serve, args=(listener.accept()[0],)).start()


# ---- the model of unsynced.c, seen from inside a process that runs with it ----

class Disk:
    def __init__(self, folder, shadow):
        self.folder, self.shadow, self.failed = folder, shadow, 0

    def path(self, name=""):
        return os.path.join(self.folder, name)

    def open(self, name, flags=0):
        return os.open(self.path(name), os.O_RDWR | os.O_CREAT | flags, 0o600)

    def put(self, name, content, sync=True, flags=os.O_TRUNC):
        fd = self.open(name, flags)
        os.write(fd, content)
        if sync:
            os.fsync(fd)
        os.close(fd)

    def sync_folder(self, name=""):
        fd = os.open(self.path(name), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)

    def expect(self, what, name, content):
        try:
            with open(os.path.join(self.shadow, name), "rb") as file:
                held = file.read()
        except FileNotFoundError:
            held = None
        if held != content:
            self.failed += 1
            print(f"  {what}: {name} holds {held and held[:40]!r}, not {content and content[:40]!r}")


def model(folder, shadow):
    disk = Disk(folder, shadow)
    put, expect = disk.put, disk.expect

    put("a", b"one", sync=False)
    expect("never synced", "a", None)
    disk.sync_folder()
    expect("a folder's sync is not a file's", "a", None)
    fd = disk.open("a")
    os.fdatasync(fd)
    expect("synced through another descriptor", "a", b"one")
    os.pwrite(fd, b"TWO", 0)
    expect("overwritten", "a", b"one")
    os.fdatasync(fd)
    expect("overwritten and synced", "a", b"TWO")
    os.ftruncate(fd, 1)
    os.pwrite(fd, b"!", 4)
    os.fsync(fd)
    expect("cut and grown", "a", b"T\0\0\0!")
    os.pwritev(fd, [b"ab", b"cd"], 3)
    os.lseek(fd, 1, os.SEEK_SET)
    os.writev(fd, [b"x", b"y"])
    os.fsync(fd)
    expect("vectors", "a", b"Txyabcd")
    put("a", b"new", sync=False)
    expect("truncated by open", "a", b"Txyabcd")
    os.ftruncate(fd, 5)
    os.fsync(fd)
    expect("truncated by open, grown, synced", "a", b"new\0\0")
    os.ftruncate(fd, 3)
    os.fsync(fd)
    os.close(fd)

    put("a", b"+1", flags=os.O_APPEND)
    expect("appended", "a", b"new+1")
    fd = os.open(disk.path("a"), os.O_WRONLY | os.O_APPEND)
    os.pwrite(fd, b"+2", 0)                         # Linux appends it, wherever it was meant for
    os.fsync(fd)
    expect("appended through a write-only descriptor", "a", b"new+1+2")
    os.close(fd)
    put("d", b"dsync", sync=False, flags=os.O_DSYNC)
    expect("O_DSYNC", "d", b"dsync")
    fd = disk.open("p")
    os.posix_fallocate(fd, 0, 5)
    os.fsync(fd)
    expect("posix_fallocate", "p", bytes(5))
    source = disk.open("a")
    os.copy_file_range(source, fd, 3, 0, 1)
    os.fsync(fd)
    expect("copy_file_range", "p", b"\0new\0")
    os.sendfile(fd, source, 0, 3)
    os.fsync(fd)
    expect("sendfile", "p", b"neww\0")
    put("x-shm", b"shared memory")
    expect("-shm is ignored", "x-shm", None)

    put("key", b"old")
    put("tmp", b"new")
    os.rename(disk.path("tmp"), disk.path("key"))
    expect("renamed, folder not synced", "key", b"old")
    disk.sync_folder()
    expect("renamed, folder synced", "key", b"new")
    expect("renamed, folder synced", "tmp", None)
    put("tmp", b"newer", sync=False)
    os.rename(disk.path("tmp"), disk.path("key"))
    disk.sync_folder()
    expect("replaced by a file never synced", "key", b"")
    fd = disk.open("key")
    os.fsync(fd)
    os.close(fd)
    expect("and synced at last", "key", b"newer")
    os.mkdir(disk.path("sub"))
    put("sub/tmp", b"1")
    os.rename(disk.path("sub/tmp"), disk.path("sub/key"))
    put("sub/tmp", b"2")
    expect("a name used again settles what happened to it", "sub/key", b"1")
    there = os.open(disk.path("sub"), os.O_RDONLY)
    os.rename("tmp", "key", src_dir_fd=there, dst_dir_fd=there)
    os.fsync(there)
    os.close(there)
    expect("renameat", "sub/key", b"2")
    os.link(disk.path("sub/key"), disk.path("sub/second"))
    os.unlink(disk.path("sub/key"))
    expect("unlinked, folder not synced", "sub/key", b"2")
    disk.sync_folder("sub")
    expect("linked", "sub/second", b"2")
    expect("unlinked", "sub/key", None)
    os.rename(disk.path("sub"), disk.path("sub2"))
    disk.sync_folder()
    expect("folder renamed", "sub2/second", b"2")

    # A second lock from another process must fail: the library has not dropped the first by closing the file.
    fd = disk.open("locked")
    fcntl.lockf(fd, fcntl.LOCK_EX)
    os.write(fd, b"x")
    os.fsync(fd)
    attempt = "import fcntl,sys; fcntl.lockf(open(sys.argv[1],'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    if subprocess.run([sys.executable, "-c", attempt, disk.path("locked")], stderr=subprocess.DEVNULL).returncode == 0:
        disk.failed += 1
        print("  a fcntl lock was lost by a sync")

    scramble(disk)
    return 1 if disk.failed else 0


def scramble(disk):
    """Random changes of four files in as many threads; after each sync, shadow and file must be equal."""
    def work(name):
        seeded, last = random.Random(name), None
        for _ in range(300):
            if disk.failed:                         # said once is enough
                return
            fds = [disk.open(name), disk.open(name), disk.open(name, os.O_APPEND)]
            for _ in range(seeded.randrange(12)):
                fd = seeded.choice(fds)
                data = seeded.randbytes(seeded.randrange(1, 5000))
                act = seeded.randrange(5)
                if act == 0:
                    os.ftruncate(fd, seeded.randrange(60000))
                elif act == 1:
                    os.write(fd, data)
                else:
                    os.pwrite(fd, data, seeded.randrange(50000))
            before = seen(disk.shadow, name)
            if before != last:
                disk.failed += 1
                print(f"  {name} changed on the disk without a sync")
            os.fsync(seeded.choice(fds))
            last = seen(disk.folder, name)
            disk.expect("scrambled", name, last)
            for fd in fds:
                os.close(fd)

    def seen(folder, name):
        path = os.path.join(folder, name)
        return open(path, "rb").read() if os.path.exists(path) else None

    threads = [threading.Thread(target=work, args=(f"s{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "server":
        sys.exit(server(rest[0], rest[1], int(rest[2])))
    sys.exit({"writer": writer, "check": check, "model": model}[command](*rest))
