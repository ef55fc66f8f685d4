/*
 * unsynced.c - what would the disk hold if the power failed now?
 *
 * kill -9 proves little about durability: the page cache outlives the process, so a store that never
 * syncs passes. This library, preloaded into the process under test, keeps beside its data folder a
 * shadow of it which holds only what has been synced. After kill -9 the test continues on the shadow.
 *
 *     gcc -shared -fPIC -O2 -o unsynced.so unsynced.c -ldl
 *     UNSYNCED_DIR=/tmp/t/data UNSYNCED_SHADOW=/tmp/t/shadow LD_PRELOAD=$PWD/unsynced.so  the-node ...
 *     kill -9 $!; mv data data.lost; cp -a shadow data        (power-loss.sh crash does this)
 *
 * THE MODEL: the harshest disk that keeps its promises. Nothing reaches it before it must.
 *   - A write or a truncation changes nothing in the shadow. fsync or fdatasync copies to it the ranges
 *     changed since the file's last sync, and the file's size; so does each write through an O_SYNC or
 *     O_DSYNC descriptor. State belongs to the inode: it is shared by all descriptors of the process,
 *     whichever thread holds them, and survives close().
 *   - Ranges only spare work: fsync makes a whole file durable, so to copy all of it is always right.
 *     That is done for a file met for the first time (what an earlier process left unsynced is unknown),
 *     and wherever following its changes would be delicate: O_TRUNC, rename, holes.
 *   - The copy is made before the real fsync, which is then called too: what is written while fsync runs
 *     is not promised, hence not copied.
 *   - A file never synced has no shadow. The first sync of a file also makes its name durable, as on
 *     ext4, XFS and btrfs.
 *   - rename, link, unlink and rmdir happen in the shadow, in their order, when one of the folders
 *     concerned is fsynced, or when a file so named is synced later (both commit the journal). A name
 *     moved from a file never synced leaves an empty file where the old content was: the classic
 *     "replace by rename, forgot fsync".
 *
 * SIMPLIFICATIONS
 *   - A real disk may also hold any part of what was not synced, even torn; the shadow holds none of it.
 *   - A write through O_SYNC/O_DSYNC counts as a sync of the whole file. sync(), syncfs() and
 *     sync_file_range() count for nothing. A mode or an owner changed after the first sync is not copied.
 *   - Not seen: changes through a shared mapping (SQLite's -shm, which are ignored, or MemoryMappedFile),
 *     io_uring, stdio's own buffers, system calls that bypass libc, other processes in the same folder.
 *   - To read a file which the caller opened write-only, it is opened once more and closed, which drops
 *     any fcntl lock the process has on it (SQLite always opens read-write, so keeps its locks).
 *
 * Failing to keep the shadow aborts the process: a test must not run on a false picture.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(f) ({ static __typeof__(&f) real_; if (!real_) real_ = (__typeof__(&f))dlsym(RTLD_NEXT, #f); real_; })
#define END INT64_MAX               /* of a range: however long the file is when it is synced */
#define MANY 65536                  /* ranges; beyond it the file is copied whole */
#define SHADOW_PATH (2 * PATH_MAX)

struct range { off_t from, to; };

/* A regular file. `name` is its path in the data folder when last looked up, or NULL if outside. */
struct file {
    struct file *next;
    dev_t dev;
    ino_t ino;
    char *name;
    int all;                        /* everything is dirty */
    off_t synced;                   /* its size at the last sync: an append begins there or later */
    size_t count, room;
    struct range *dirty;
};

/* A change of names not yet durable: `to` is NULL for a removal, `from` if it came from outside. */
struct change { struct change *next; char *from, *to; int link; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files[1024];
static struct change *pending, **last_pending = &pending;
static const char *data_setting, *shadow;
static char data[PATH_MAX];         /* the real path of the data folder, once it exists */

static void die(const char *what)
{
    dprintf(STDERR_FILENO, "unsynced: %s: %s\n", what, strerror(errno));
    abort();
}

static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            die(path);
        *slash = '/';
    }
}

__attribute__((constructor)) static void start(void)
{
    const char *folder = getenv("UNSYNCED_DIR"), *copy = getenv("UNSYNCED_SHADOW");
    if (!folder)
        return;
    errno = EINVAL;
    if (*folder != '/' || !copy || *copy != '/')
        die("UNSYNCED_DIR and UNSYNCED_SHADOW must both be absolute paths");
    if (!strncmp(copy, folder, strlen(folder)) && copy[strlen(folder)] == '/')
        die("UNSYNCED_SHADOW must lie outside UNSYNCED_DIR");
    char first[SHADOW_PATH];
    snprintf(first, sizeof first, "%s/", copy);
    make_folders(first);            /* an empty shadow says: loaded, but nothing was ever synced */
    shadow = strdup(copy);
    data_setting = strdup(folder);
}

/* ---- names ---------------------------------------------------------------------------------- */

/* The part of a real path below the data folder ("" for the folder itself), or NULL. */
static const char *inside(const char *path)
{
    if (!*data && !realpath(data_setting, data)) {
        *data = 0;
        return NULL;
    }
    size_t n = strlen(data), length = strlen(path);
    if (strncmp(path, data, n) || (path[n] && path[n] != '/'))
        return NULL;
    if (length > 4 && !strcmp(path + length - 4, "-shm"))
        return NULL;
    return path[n] ? path + n + 1 : path + n;
}

static const char *name_of(int fd, char path[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return n < 0 ? NULL : inside(path);
}

/* The name in the data folder of `path` as the *at() calls understand it (to be freed), or NULL. */
static char *name_at(int dir, const char *path)
{
    char parent[SHADOW_PATH], full[SHADOW_PATH];
    int length = (int)strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    int base = length;
    while (base > 0 && path[base - 1] != '/')
        base--;
    if (*path == '/' || dir == AT_FDCWD)
        snprintf(parent, sizeof parent, "%.*s", base ? base : 1, base ? path : ".");
    else
        snprintf(parent, sizeof parent, "/proc/self/fd/%d/%.*s", dir, base, path);
    if (!realpath(parent, full))
        return NULL;
    size_t n = strlen(full);
    snprintf(full + n, sizeof full - n, "/%.*s", length - base, path + base);
    const char *name = inside(full);
    return name ? strdup(name) : NULL;
}

static char *shadow_of(const char *name, char path[SHADOW_PATH])
{
    snprintf(path, SHADOW_PATH, "%s/%s", shadow, name);
    return path;
}

static void apply(const struct change *c)
{
    char from[SHADOW_PATH], to[SHADOW_PATH];
    if (!c->to) {
        REAL(remove)(shadow_of(c->from, from));
        return;
    }
    make_folders(shadow_of(c->to, to));
    if (c->from)
        shadow_of(c->from, from);
    if (c->link)
        REAL(link)(from, to);
    else if (!c->from || REAL(rename)(from, to) < 0)
        REAL(truncate)(to, 0);      /* the name moved, but nothing of the content is on the disk */
}

/* Does a changed name concern `name`: is it the same or a folder above, or else, lie in that folder? */
static int concerns(const char *changed, const char *name, int in_folder)
{
    if (!changed)
        return 0;
    const char *slash = strrchr(changed, '/');
    size_t n = !in_folder ? strlen(changed) : slash ? (size_t)(slash - changed) : 0;
    return !strncmp(changed, name, n) && (name[n] == 0 || (!in_folder && name[n] == '/'));
}

/* Makes durable every change of names up to the last one that concerns `name`. */
static void settle(const char *name, int in_folder)
{
    struct change *last = NULL;
    for (struct change *c = pending; c; c = c->next)
        if (concerns(c->from, name, in_folder) || concerns(c->to, name, in_folder))
            last = c;
    while (last) {
        struct change *c = pending;
        apply(c);
        if (!(pending = c->next))
            last_pending = &pending;
        if (c == last)
            last = NULL;
        free(c->from), free(c->to), free(c);
    }
}

/* ---- files ---------------------------------------------------------------------------------- */

static struct file **slot(const struct stat *st)
{
    struct file **f = &files[(st->st_ino ^ st->st_dev) % (sizeof files / sizeof *files)];
    while (*f && ((*f)->ino != st->st_ino || (*f)->dev != st->st_dev))
        f = &(*f)->next;
    return f;
}

static struct file *find(const struct stat *st, int fd)
{
    struct file **at = slot(st);
    if (!*at) {
        char path[PATH_MAX];
        const char *name = name_of(fd, path);
        if (!(*at = calloc(1, sizeof **at)))
            die("memory");
        **at = (struct file){ .dev = st->st_dev, .ino = st->st_ino, .all = 1, .name = name ? strdup(name) : NULL };
    }
    return *at;
}

/* What is forgotten is copied whole when next synced. */
static void forget(const struct stat *st)
{
    struct file **at = slot(st), *f = *at;
    if (f) {
        *at = f->next;
        free(f->name), free(f->dirty), free(f);
    }
}

static void mark(struct file *f, off_t from, off_t to)
{
    struct range *last = f->count ? &f->dirty[f->count - 1] : NULL;
    if (f->all)
        return;
    if (last && from <= last->to && to >= last->from) {
        last->from = from < last->from ? from : last->from;
        last->to = to > last->to ? to : last->to;
        return;
    }
    if (f->count == f->room) {
        f->room = f->room ? 2 * f->room : 64;
        if (f->room > MANY) {
            free(f->dirty);
            f->dirty = NULL, f->count = f->room = 0, f->all = 1;
            return;
        }
        if (!(f->dirty = realloc(f->dirty, f->room * sizeof *f->dirty)))
            die("memory");
    }
    f->dirty[f->count++] = (struct range){ from, to };
}

static void copy(int in, int out, off_t from, off_t to)
{
    static char buffer[1 << 18];
    while (from < to) {
        size_t want = to - from < (off_t)sizeof buffer ? (size_t)(to - from) : sizeof buffer;
        ssize_t n = pread(in, buffer, want, from);
        if (n < 0)
            die("reading a file to be synced");
        if (n == 0)
            return;
        if (REAL(pwrite)(out, buffer, n, from) != n)
            die("writing a shadow");
        from += n;
    }
}

/* Brings the shadow of an open file up to date. */
static void persist(int fd, const struct stat *st)
{
    char path[PATH_MAX], to[SHADOW_PATH], again[32];
    const char *name = name_of(fd, path);
    if (!name)
        return;
    settle(name, 0);
    struct file *f = find(st, fd);
    if (!f->name || strcmp(f->name, name)) {
        free(f->name);
        f->name = strdup(name);
        f->all = 1;
    }
    int out = REAL(open)(shadow_of(name, to), O_WRONLY | O_CLOEXEC);
    if (out < 0 && errno == ENOENT) {
        make_folders(to);
        out = REAL(open)(to, O_WRONLY | O_CREAT | O_CLOEXEC, st->st_mode & 07777);
        f->all = 1;
    }
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    int writeonly = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
    int in = writeonly ? REAL(open)(again, O_RDONLY | O_CLOEXEC) : fd;
    if (out < 0 || in < 0 || REAL(ftruncate)(out, st->st_size) < 0)
        die(to);
    if (f->all)
        copy(in, out, 0, st->st_size);
    for (size_t i = 0; i < f->count; i++)
        copy(in, out, f->dirty[i].from, f->dirty[i].to < st->st_size ? f->dirty[i].to : st->st_size);
    f->all = 0, f->count = 0, f->synced = st->st_size;
    if (writeonly)
        REAL(close)(in);
    REAL(close)(out);
}

/* ---- what the intercepted calls report; errno stays the call's own ----------------------------- */

/* Bytes changed from `at` on, or before the descriptor's position if `at` is negative. */
static void changed(int fd, off_t at, off_t length, int append, int sync)
{
    struct stat st;
    int saved = errno;
    if (shadow && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink) {
        int flags = fcntl(fd, F_GETFL);
        pthread_mutex_lock(&lock);
        struct file *f = find(&st, fd);
        if (f->name) {
            if (at < 0)
                at = lseek(fd, 0, SEEK_CUR) - length;
            if (append || ((flags & O_APPEND) && length != END))
                mark(f, f->synced, END);
            else
                mark(f, at, length == END ? END : at + length);
            if (sync || (length != END && flags & O_DSYNC))
                fstat(fd, &st), persist(fd, &st);
        }
        pthread_mutex_unlock(&lock);
    }
    errno = saved;
}

static ssize_t written(int fd, ssize_t n, off_t at, int append, int sync)
{
    if (n > 0)
        changed(fd, at, n, append, sync);
    return n;
}

static void synced(int fd)
{
    struct stat st;
    char path[PATH_MAX];
    const char *name;
    if (!shadow || fstat(fd, &st) < 0 || !st.st_nlink || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return;
    pthread_mutex_lock(&lock);
    if (S_ISREG(st.st_mode) && !fstat(fd, &st))     /* once more: the size as of now */
        persist(fd, &st);
    else if ((name = name_of(fd, path)))
        settle(name, 1);
    pthread_mutex_unlock(&lock);
}

static void forget_file(int fd, int dir, const char *path)
{
    struct stat st;
    int saved = errno;
    if (shadow && !(path ? fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) : fstat(fd, &st)) && S_ISREG(st.st_mode)) {
        pthread_mutex_lock(&lock);
        forget(&st);
        pthread_mutex_unlock(&lock);
    }
    errno = saved;
}

static int opened(int fd, int flags)
{
    if (fd >= 0 && flags & O_TRUNC)
        forget_file(fd, 0, NULL);
    return fd;
}

static int renamed(int result, int dir, const char *path, int to_dir, const char *to_path, int link)
{
    int saved = errno;
    if (shadow && result == 0) {
        pthread_mutex_lock(&lock);
        struct change c = { .from = name_at(dir, path), .to = to_path ? name_at(to_dir, to_path) : NULL, .link = link };
        if (link ? c.from && c.to : c.from || c.to) {
            struct change *added = malloc(sizeof c);
            if (!added)
                die("memory");
            *added = c;
            *last_pending = added, last_pending = &added->next;
        } else
            free(c.from), free(c.to);
        pthread_mutex_unlock(&lock);
    }
    errno = saved;
    return result;
}

/* ---- the intercepted calls -------------------------------------------------------------------- */

#define MODE(flags) mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
#define OPEN(f) int f(const char *path, int flags, ...) { MODE(flags) return opened(REAL(f)(path, flags, mode), flags); }
#define OPENAT(f) int f(int dir, const char *path, int flags, ...) { MODE(flags) return opened(REAL(f)(dir, path, flags, mode), flags); }
#define OPEN_2(f) int f(const char *path, int flags); int f(const char *path, int flags) { return opened(REAL(f)(path, flags), flags); }
#define OPENAT_2(f) int f(int dir, const char *path, int flags); int f(int dir, const char *path, int flags) { return opened(REAL(f)(dir, path, flags), flags); }
#define CREAT(f) int f(const char *path, mode_t mode) { return opened(REAL(f)(path, mode), O_TRUNC); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64) CREAT(creat) CREAT(creat64)
OPEN_2(__open_2) OPEN_2(__open64_2) OPENAT_2(__openat_2) OPENAT_2(__openat64_2)

ssize_t write(int fd, const void *p, size_t n) { return written(fd, REAL(write)(fd, p, n), -1, 0, 0); }
ssize_t writev(int fd, const struct iovec *v, int n) { return written(fd, REAL(writev)(fd, v, n), -1, 0, 0); }
#define PWRITE(f) ssize_t f(int fd, const void *p, size_t n, off_t at) { return written(fd, REAL(f)(fd, p, n, at), at, 0, 0); }
#define PWRITEV(f) ssize_t f(int fd, const struct iovec *v, int n, off_t at) { return written(fd, REAL(f)(fd, v, n, at), at, 0, 0); }
#define PWRITEV2(f) ssize_t f(int fd, const struct iovec *v, int n, off_t at, int flags) \
    { return written(fd, REAL(f)(fd, v, n, at, flags), at, flags & RWF_APPEND, flags & (RWF_SYNC | RWF_DSYNC)); }
PWRITE(pwrite) PWRITE(pwrite64) PWRITEV(pwritev) PWRITEV(pwritev64) PWRITEV2(pwritev2) PWRITEV2(pwritev64v2)

#define ALL_OF(fd, result) ({ __typeof__(result) r_ = (result); if (r_ > 0) changed(fd, 0, END, 0, 0); r_; })
#define SENDFILE(f) ssize_t f(int out, int in, off_t *at, size_t n) { return ALL_OF(out, REAL(f)(out, in, at, n)); }
SENDFILE(sendfile) SENDFILE(sendfile64)
ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t n, unsigned flags)
    { return ALL_OF(out, REAL(copy_file_range)(in, from, out, to, n, flags)); }

/* Beyond a new end of the file, whatever it will hold one day is not what the shadow holds. */
#define FTRUNCATE(f) int f(int fd, off_t size) { int r = REAL(f)(fd, size); if (!r) changed(fd, size, END, 0, 0); return r; }
#define TRUNCATE(f) int f(const char *path, off_t size) { int r = REAL(f)(path, size); forget_file(0, AT_FDCWD, path); return r; }
#define FALLOCATE(f) int f(int fd, int mode, off_t at, off_t n) { int r = REAL(f)(fd, mode, at, n); if (!r) changed(fd, 0, END, 0, 0); return r; }
#define PFALLOCATE(f) int f(int fd, off_t at, off_t n) { int r = REAL(f)(fd, at, n); if (!r) changed(fd, at, n, 0, 0); return r; }
FTRUNCATE(ftruncate) FTRUNCATE(ftruncate64) TRUNCATE(truncate) TRUNCATE(truncate64)
FALLOCATE(fallocate) FALLOCATE(fallocate64) PFALLOCATE(posix_fallocate) PFALLOCATE(posix_fallocate64)

int fsync(int fd) { synced(fd); return REAL(fsync)(fd); }
int fdatasync(int fd) { synced(fd); return REAL(fdatasync)(fd); }

#define GONE(dir, path, call) (forget_file(0, dir, path), renamed(call, dir, path, 0, NULL, 0))
int unlink(const char *path) { return GONE(AT_FDCWD, path, REAL(unlink)(path)); }
int rmdir(const char *path) { return GONE(AT_FDCWD, path, REAL(rmdir)(path)); }
int remove(const char *path) { return GONE(AT_FDCWD, path, REAL(remove)(path)); }
int unlinkat(int dir, const char *path, int flags) { return GONE(dir, path, REAL(unlinkat)(dir, path, flags)); }

#define MOVED(d, from, e, to, call) (forget_file(0, d, from), forget_file(0, e, to), renamed(call, d, from, e, to, 0))
int rename(const char *a, const char *b) { return MOVED(AT_FDCWD, a, AT_FDCWD, b, REAL(rename)(a, b)); }
int renameat(int d, const char *a, int e, const char *b) { return MOVED(d, a, e, b, REAL(renameat)(d, a, e, b)); }
int renameat2(int d, const char *a, int e, const char *b, unsigned flags)
    { return MOVED(d, a, e, b, REAL(renameat2)(d, a, e, b, flags)); }
int link(const char *a, const char *b) { return renamed(REAL(link)(a, b), AT_FDCWD, a, AT_FDCWD, b, 1); }
int linkat(int d, const char *a, int e, const char *b, int flags)
    { return renamed(REAL(linkat)(d, a, e, b, flags), d, a, e, b, 1); }
