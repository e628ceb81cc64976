/* A disk with moods, laid over libc with LD_PRELOAD: counts the calls that touch files below a folder, and at the nth
 * of them the process dies or stops, or the call fails. Without TORTURE_FOLDER in the environment it does nothing, so a
 * process may load it and let only those that it forks ask for it.
 *
 *   TORTURE_FOLDER  absolute path; calls on what lies below it are counted
 *   TORTURE_CALLS   which calls count, as in ",write,fsync,"; every one when it is not set
 *   TORTURE_AT      the number of the call that something happens at, from 1; 0 for none
 *   TORTURE_DO      kill-before, kill-torn (half of a write is done), kill-after, stop-before, stop-after, or an errno
 *   TORTURE_STAY    set: the errno is returned from then on; a write that finds the disk full first writes a half
 *   TORTURE_LOG     a file that gets a line for each counted call: its name and its path
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mood { PASS, AFTER, TORN, HALF, FAIL };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int configured, stay, failing, number;
static long at, count;
static char folder[PATH_MAX], calls[256], what[32], log_path[PATH_MAX];

static void configure(const char *where) {
    const char *value;
    snprintf(folder, sizeof folder, "%s", where);
    if ((value = getenv("TORTURE_CALLS"))) snprintf(calls, sizeof calls, "%s", value);
    if ((value = getenv("TORTURE_DO"))) snprintf(what, sizeof what, "%s", value);
    if ((value = getenv("TORTURE_LOG"))) snprintf(log_path, sizeof log_path, "%s", value);
    at = (value = getenv("TORTURE_AT")) ? atol(value) : 0;
    stay = getenv("TORTURE_STAY") != NULL;
    number = atoi(what);
    configured = 1;
}

static void end_with(int number_of_signal) {
    syscall(SYS_kill, getpid(), number_of_signal);
}

static void note_down(const char *call, const char *path) {
    char line[PATH_MAX + 32];
    int size = snprintf(line, sizeof line, "%s %s\n", call, path);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return;
    syscall(SYS_write, fd, line, (size_t)size);
    syscall(SYS_close, fd);
}

static int counts(const char *call, const char *path) {
    char name[32];
    size_t size = strlen(folder);
    if (strncmp(path, folder, size) || (path[size] && path[size] != '/')) return 0;
    snprintf(name, sizeof name, ",%s,", call);
    return !calls[0] || strstr(calls, name) != NULL;
}

static enum mood happens(int is_write) {
    count++;
    if (number && failing && stay) return FAIL;
    if (count != at) return PASS;
    if (!strcmp(what, "kill-before")) end_with(SIGKILL);
    if (!strcmp(what, "stop-before")) end_with(SIGSTOP);
    if (!strcmp(what, "kill-after") || !strcmp(what, "stop-after")) return AFTER;
    if (!strcmp(what, "kill-torn")) return is_write ? TORN : AFTER;
    if (!number) return PASS;
    failing = 1;
    return is_write && stay && number == ENOSPC ? HALF : FAIL;
}

static enum mood mood_at(const char *call, const char *path, int is_write) {
    const char *where = getenv("TORTURE_FOLDER");
    enum mood mood = PASS;
    if (!configured && !where) return PASS;
    pthread_mutex_lock(&lock);
    if (!configured) configure(where);
    if (counts(call, path)) {
        if (log_path[0]) note_down(call, path);
        mood = happens(is_write);
    }
    pthread_mutex_unlock(&lock);
    return mood;
}

static void afterwards(enum mood mood) {
    if (mood == AFTER || mood == TORN) end_with(!strcmp(what, "stop-after") ? SIGSTOP : SIGKILL);
}

static enum mood mood_of(const char *call, int fd, int is_write) {
    char link[64], path[PATH_MAX];
    int before = errno;
    ssize_t size;
    if (!configured && !getenv("TORTURE_FOLDER")) return PASS;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    errno = before;
    if (size <= 0) return PASS;
    path[size] = 0;
    return mood_at(call, path, is_write);
}

static enum mood mood_for(const char *call, int place, const char *given) {
    char path[PATH_MAX], link[64];
    ssize_t size = 0;
    int before = errno;
    if (!given || (!configured && !getenv("TORTURE_FOLDER"))) return PASS;
    if (given[0] != '/') {
        if (place == AT_FDCWD) {
            if (getcwd(path, sizeof path)) size = (ssize_t)strlen(path);
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", place);
            size = readlink(link, path, sizeof path - 1);
        }
        if (size <= 0) size = 0;
        path[size++] = '/';
    }
    snprintf(path + size, sizeof path - (size_t)size, "%s", given);
    errno = before;
    return mood_at(call, path, 0);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))
#define FAILED(mood) if ((mood) == FAIL) { errno = number; return -1; }
#define PLAIN(mood, type, expression) FAILED(mood) type done = expression; afterwards(mood); return done;

static const char *opening(int flags) {
    return flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) ? "create" : "open";
}

#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }
#define OPEN(name) int name(const char *path, int flags, ...) { MODE \
    enum mood mood = mood_for(opening(flags), AT_FDCWD, path); \
    PLAIN(mood, int, REAL(int, name, const char *, int, ...)(path, flags, mode)) }
#define OPENAT(name) int name(int place, const char *path, int flags, ...) { MODE \
    enum mood mood = mood_for(opening(flags), place, path); \
    PLAIN(mood, int, REAL(int, name, int, const char *, int, ...)(place, path, flags, mode)) }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    enum mood mood = mood_of("write", fd, 1);
    if ((mood == TORN || mood == HALF) && size > 1) size /= 2; else if (mood == HALF) mood = FAIL;
    PLAIN(mood, ssize_t, REAL(ssize_t, write, int, const void *, size_t)(fd, data, size))
}
#define PWRITE(name, offset_type) ssize_t name(int fd, const void *data, size_t size, offset_type offset) { \
    enum mood mood = mood_of("pwrite", fd, 1); \
    if ((mood == TORN || mood == HALF) && size > 1) size /= 2; else if (mood == HALF) mood = FAIL; \
    PLAIN(mood, ssize_t, REAL(ssize_t, name, int, const void *, size_t, offset_type)(fd, data, size, offset)) }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
ssize_t writev(int fd, const struct iovec *parts, int number_of_parts) {
    enum mood mood = mood_of("writev", fd, 0);
    PLAIN(mood, ssize_t, REAL(ssize_t, writev, int, const struct iovec *, int)(fd, parts, number_of_parts))
}
ssize_t read(int fd, void *data, size_t size) {
    enum mood mood = mood_of("read", fd, 0);
    PLAIN(mood, ssize_t, REAL(ssize_t, read, int, void *, size_t)(fd, data, size))
}
#define PREAD(name, offset_type) ssize_t name(int fd, void *data, size_t size, offset_type offset) { \
    enum mood mood = mood_of("pread", fd, 0); \
    PLAIN(mood, ssize_t, REAL(ssize_t, name, int, void *, size_t, offset_type)(fd, data, size, offset)) }
PREAD(pread, off_t)
PREAD(pread64, off64_t)
#define ON_FILE(name) int name(int fd) { \
    enum mood mood = mood_of(#name, fd, 0); PLAIN(mood, int, REAL(int, name, int)(fd)) }
ON_FILE(fsync)
ON_FILE(fdatasync)
#define CUT(name, offset_type) int name(int fd, offset_type size) { \
    enum mood mood = mood_of("ftruncate", fd, 0); PLAIN(mood, int, REAL(int, name, int, offset_type)(fd, size)) }
CUT(ftruncate, off_t)
CUT(ftruncate64, off64_t)
int rename(const char *from, const char *to) {
    enum mood mood = mood_for("rename", AT_FDCWD, to);
    PLAIN(mood, int, REAL(int, rename, const char *, const char *)(from, to))
}
int renameat(int place, const char *from, int other, const char *to) {
    enum mood mood = mood_for("rename", other, to);
    PLAIN(mood, int, REAL(int, renameat, int, const char *, int, const char *)(place, from, other, to))
}
int unlink(const char *path) {
    enum mood mood = mood_for("unlink", AT_FDCWD, path);
    PLAIN(mood, int, REAL(int, unlink, const char *)(path))
}
int mkdir(const char *path, mode_t mode_of_it) {
    enum mood mood = mood_for("mkdir", AT_FDCWD, path);
    PLAIN(mood, int, REAL(int, mkdir, const char *, mode_t)(path, mode_of_it))
}
