// Stands between a process and the C library: it counts the calls on files below one folder, or those
// on the network, writes them to a log, and lets one of them fail, or ends the process at it.
//
//     cc -shared -fPIC -O2 -o shim.so shim.c -ldl && LD_PRELOAD=./shim.so ...
//
// The process itself says when to begin, with begin_watching(). Until then nothing is counted.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 4096
#define SHUTDOWN _IOR('X', 125, uint32_t)
static uint32_t WITHOUT_LOG = 2;

// The kinds of calls: what a fault may strike.
enum { LOOK = 1, OPEN_READ = 2, OPEN_WRITE = 4, CREATE = 8, WRITE = 16, SYNC = 32, REMOVE = 64,
       META = 128, LOCK = 256, CLOSE = 512, MAP = 1024, NET = 2048 };

// A line of the log: this head, both paths, and the data of a write.
struct head {
    uint32_t number, kind;
    char name[16];
    int32_t file, failed;
    uint64_t offset, length;
    uint32_t path, other, data;
};

static struct {
    char folder[PATH_MAX];
    size_t length;
    int log, at, error, kinds, device;
    char network[16];
    int number, has_struck;
    char *paths[MOST_FILES];
} watch;
static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

// at: the number of the call, or 0. error: what it fails with; 0 ends the process there, and the
// file system with it if there is a device: a descriptor of its root. kinds: what else fails from
// then on. network: count the calls of this name on the network, or all of them with "*", and none on
// files; "": those on files.
void begin_watching(const char *folder, int log, int at, int error, int kinds, int device,
                    const char *network) {
    pthread_mutex_lock(&turn);
    strncpy(watch.folder, folder, sizeof watch.folder - 1);
    watch.length = network[0] ? 0 : strlen(folder);
    strncpy(watch.network, network, sizeof watch.network - 1);
    watch.log = log;
    watch.at = at;
    watch.error = error;
    watch.kinds = kinds;
    watch.device = device;
    pthread_mutex_unlock(&turn);
}

#define REAL(name) __extension__({ static __typeof__(&name) found; \
    if (!found) found = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    found; })

static int is_below(const char *path) {
    return path && watch.length && !strncmp(path, watch.folder, watch.length) &&
           (path[watch.length] == '/' || !path[watch.length]);
}

static const char *path_of(int file) {
    return file >= 0 && file < MOST_FILES ? watch.paths[file] : NULL;
}

// Returns a path below the folder, made absolute if it is relative to an open one, or NULL.
static const char *whole(int folder, const char *path, char *room) {
    if (!path || !watch.length) return NULL;
    if (path[0] == '/') return is_below(path) ? path : NULL;
    const char *above = path_of(folder);
    if (!above) return NULL;
    snprintf(room, PATH_MAX, "%s/%s", above, path);
    return room;
}

static void put(int number, int kind, const char *name, int file, int failed, uint64_t offset,
                uint64_t length, const char *path, const char *other, const void *data) {
    struct head head = {.number = number, .kind = kind, .file = file, .failed = failed,
                        .offset = offset, .length = length, .path = path ? strlen(path) : 0,
                        .other = other ? strlen(other) : 0, .data = data ? length : 0};
    strncpy(head.name, name, sizeof head.name - 1);
    struct iovec parts[] = {{&head, sizeof head}, {(void *)path, head.path},
                            {(void *)other, head.other}, {(void *)data, head.data}};
    // Past the functions below: the log is no file of the job.
    syscall(SYS_writev, watch.log, parts, 4);
}

// Counts a call, and returns the error that it has to fail with, or 0. The lock is kept.
static int begin(int kind, const char *name, int file, const char *path, const char *other) {
    pthread_mutex_lock(&turn);
    watch.number++;
    int strikes = watch.number == watch.at;
    if (strikes && !watch.error) {
        put(watch.number, kind, name, file, -1, 0, 0, path, other, NULL);
        if (watch.device >= 0) syscall(SYS_ioctl, watch.device, SHUTDOWN, &WITHOUT_LOG);
        kill(getpid(), SIGKILL);
    }
    if (strikes) watch.has_struck = 1;
    if (strikes || (watch.has_struck && kind & watch.kinds)) {
        put(watch.number, kind, name, file, watch.error, 0, 0, path, other, NULL);
        return watch.error;
    }
    return 0;
}

static void end(int kind, const char *name, int file, uint64_t offset, uint64_t length,
                const char *path, const char *other, const void *data, int failed) {
    int kept = errno;
    put(watch.number, kind, name, file, failed ? kept : 0, offset, length, path, other, data);
    errno = kept;
    pthread_mutex_unlock(&turn);
}

#define FAIL(value) do { pthread_mutex_unlock(&turn); errno = failed_; return value; } while (0)

// A call that gives -1 if it fails, and whose data the log need not have.
#define CALL(kind, name, file, path, other, offset, length, call) do { \
    int failed_ = begin(kind, name, file, path, other); \
    if (failed_) FAIL(-1); \
    __typeof__(call) made_ = call; \
    end(kind, name, file, offset, length, path, other, NULL, made_ == -1); \
    return made_; } while (0)

// Opening and closing

static void forget(int file) {
    if (file >= 0 && file < MOST_FILES) { free(watch.paths[file]); watch.paths[file] = NULL; }
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char room[PATH_MAX];
    const char *found = whole(folder, path, room);
    if (!found) return (int)syscall(SYS_openat, folder, path, flags, mode);
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    int kind = flags & (O_CREAT | O_TRUNC) || (flags & O_TMPFILE) == O_TMPFILE ? CREATE
               : writes ? OPEN_WRITE : OPEN_READ;
    int failed_ = begin(kind, "open", -1, found, NULL);
    if (failed_) FAIL(-1);
    int file = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (file >= 0 && file < MOST_FILES) { forget(file); watch.paths[file] = strdup(found); }
    end(kind, "open", file, flags, 0, found, NULL, NULL, file < 0);
    return file;
}

#define OPENED(folder) do { va_list more; va_start(more, flags); \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0; va_end(more); \
    return opened(folder, path, flags, mode); } while (0)

int open(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int openat(int folder, const char *path, int flags, ...) { OPENED(folder); }
int openat64(int folder, const char *path, int flags, ...) { OPENED(folder); }

int close(int file) {
    char *path = (char *)path_of(file);
    if (!path) return REAL(close)(file);
    int failed_ = begin(CLOSE, "close", file, path, NULL);
    watch.paths[file] = NULL;
    int made = REAL(close)(file);  // it is closed in any case, as on Linux
    if (failed_) { free(path); made = -1; FAIL(made); }
    end(CLOSE, "close", file, 0, 0, path, NULL, NULL, made < 0);
    free(path);
    return made;
}

DIR *opendir(const char *path) {
    if (!is_below(path)) return REAL(opendir)(path);
    int failed_ = begin(OPEN_READ, "opendir", -1, path, NULL);
    if (failed_) FAIL(NULL);
    DIR *made = REAL(opendir)(path);
    end(OPEN_READ, "opendir", -1, 0, 0, path, NULL, NULL, !made);
    return made;
}

// Data

static ssize_t written(int file, const void *data, size_t length, off_t offset, int is_placed) {
    const char *name = is_placed ? "pwrite" : "write", *path = path_of(file);
    int had_struck = watch.has_struck;
    int failed_ = begin(WRITE, name, file, path, NULL);
    // A disk that becomes full takes the first part.
    if (failed_ == ENOSPC && !had_struck && length > 1) {
        failed_ = 0;
        length /= 2;
    }
    if (failed_) FAIL(-1);
    ssize_t made = is_placed ? syscall(SYS_pwrite64, file, data, length, offset)
                             : syscall(SYS_write, file, data, length);
    if (!is_placed && made >= 0) offset = syscall(SYS_lseek, file, 0, SEEK_CUR) - made;
    end(WRITE, name, file, offset, made < 0 ? 0 : made, path, NULL, made < 0 ? NULL : data, made < 0);
    return made;
}

ssize_t write(int file, const void *data, size_t length) {
    return path_of(file) ? written(file, data, length, 0, 0) : syscall(SYS_write, file, data, length);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) {
    return path_of(file) ? written(file, data, length, offset, 1)
                         : syscall(SYS_pwrite64, file, data, length, offset);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    return pwrite(file, data, length, offset);
}

ssize_t read(int file, void *data, size_t length) {
    const char *path = path_of(file);
    if (!path) return syscall(SYS_read, file, data, length);
    CALL(LOOK, "read", file, path, NULL, 0, length, syscall(SYS_read, file, data, length));
}

ssize_t pread(int file, void *data, size_t length, off_t offset) {
    const char *path = path_of(file);
    if (!path) return syscall(SYS_pread64, file, data, length, offset);
    CALL(LOOK, "pread", file, path, NULL, offset, length,
         syscall(SYS_pread64, file, data, length, offset));
}

ssize_t pread64(int file, void *data, size_t length, off64_t offset) {
    return pread(file, data, length, offset);
}

int fsync(int file) {
    const char *path = path_of(file);
    if (!path) return (int)syscall(SYS_fsync, file);
    CALL(SYNC, "fsync", file, path, NULL, 0, 0, (int)syscall(SYS_fsync, file));
}

int fdatasync(int file) {
    const char *path = path_of(file);
    if (!path) return (int)syscall(SYS_fdatasync, file);
    CALL(SYNC, "fdatasync", file, path, NULL, 0, 0, (int)syscall(SYS_fdatasync, file));
}

int ftruncate(int file, off_t length) {
    const char *path = path_of(file);
    if (!path) return (int)syscall(SYS_ftruncate, file, length);
    CALL(WRITE, "ftruncate", file, path, NULL, 0, length, (int)syscall(SYS_ftruncate, file, length));
}

int ftruncate64(int file, off64_t length) { return ftruncate(file, length); }

void *mmap(void *at, size_t length, int how, int flags, int file, off_t offset) {
    const char *path = flags & MAP_ANONYMOUS ? NULL : path_of(file);
    if (!path) return (void *)syscall(SYS_mmap, at, length, how, flags, file, offset);
    int failed_ = begin(MAP, "mmap", file, path, NULL);
    if (failed_) FAIL(MAP_FAILED);
    void *made = (void *)syscall(SYS_mmap, at, length, how, flags, file, offset);
    end(MAP, "mmap", file, offset, length, path, NULL, NULL, made == MAP_FAILED);
    return made;
}

void *mmap64(void *at, size_t length, int how, int flags, int file, off64_t offset) {
    return mmap(at, length, how, flags, file, offset);
}

// Names

static int renamed(const char *old, const char *new) {
    CALL(CREATE, "rename", -1, old, new, 0, 0,
         (int)syscall(SYS_renameat, AT_FDCWD, old, AT_FDCWD, new));
}

int rename(const char *old, const char *new) {
    if (!is_below(old) && !is_below(new)) return REAL(rename)(old, new);
    return renamed(old, new);
}

int renameat(int from, const char *old, int to, const char *new) {
    char room[PATH_MAX], more[PATH_MAX];
    const char *one = whole(from, old, room), *other = whole(to, new, more);
    return one && other ? renamed(one, other) : REAL(renameat)(from, old, to, new);
}

static int linked(const char *old, const char *new) {
    CALL(CREATE, "link", -1, old, new, 0, 0, REAL(link)(old, new));
}

int link(const char *old, const char *new) {
    return is_below(new) ? linked(old, new) : REAL(link)(old, new);
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
    char room[PATH_MAX], more[PATH_MAX];
    const char *one = whole(from, old, room), *other = whole(to, new, more);
    return one && other ? linked(one, other) : REAL(linkat)(from, old, to, new, flags);
}

static int removed(const char *path, int flags) {
    int is_folder = flags & AT_REMOVEDIR;
    CALL(REMOVE, is_folder ? "rmdir" : "unlink", -1, path, NULL, 0, 0,
         (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags));
}

int unlink(const char *path) { return is_below(path) ? removed(path, 0) : REAL(unlink)(path); }

int rmdir(const char *path) {
    return is_below(path) ? removed(path, AT_REMOVEDIR) : REAL(rmdir)(path);
}

int unlinkat(int folder, const char *path, int flags) {
    char room[PATH_MAX];
    const char *found = whole(folder, path, room);
    return found ? removed(found, flags) : REAL(unlinkat)(folder, path, flags);
}

static int made_folder(const char *path, mode_t mode) {
    CALL(CREATE, "mkdir", -1, path, NULL, 0, 0, (int)syscall(SYS_mkdir, path, mode));
}

int mkdir(const char *path, mode_t mode) {
    return is_below(path) ? made_folder(path, mode) : REAL(mkdir)(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    char room[PATH_MAX];
    const char *found = whole(folder, path, room);
    return found ? made_folder(found, mode) : REAL(mkdirat)(folder, path, mode);
}

// The rest

int chmod(const char *path, mode_t mode) {
    if (!is_below(path)) return REAL(chmod)(path, mode);
    CALL(META, "chmod", -1, path, NULL, 0, mode, REAL(chmod)(path, mode));
}

int fchmodat(int folder, const char *path, mode_t mode, int flags) {
    char room[PATH_MAX];
    const char *found = whole(folder, path, room);
    if (!found) return REAL(fchmodat)(folder, path, mode, flags);
    CALL(META, "chmod", -1, found, NULL, 0, mode, REAL(fchmodat)(folder, path, mode, flags));
}

int fchmod(int file, mode_t mode) {
    const char *path = path_of(file);
    if (!path) return REAL(fchmod)(file, mode);
    CALL(META, "fchmod", file, path, NULL, 0, mode, REAL(fchmod)(file, mode));
}

int fchown(int file, uid_t user, gid_t group) {
    const char *path = path_of(file);
    if (!path) return REAL(fchown)(file, user, group);
    CALL(META, "fchown", file, path, NULL, 0, 0, REAL(fchown)(file, user, group));
}

int flock(int file, int how) {
    const char *path = path_of(file);
    if (!path) return REAL(flock)(file, how);
    CALL(LOCK, "flock", file, path, NULL, 0, how, REAL(flock)(file, how));
}

static int controlled(int file, int command, void *value) {
    const char *path = path_of(file);
    int is_lock = command == F_SETLK || command == F_SETLKW || command == F_GETLK;
    if (!path || !is_lock) return (int)syscall(SYS_fcntl, file, command, value);
    CALL(LOCK, "fcntl", file, path, NULL, 0, 0, (int)syscall(SYS_fcntl, file, command, value));
}

#define CONTROLLED do { va_list more; va_start(more, command); void *value = va_arg(more, void *); \
    va_end(more); return controlled(file, command, value); } while (0)

int fcntl(int file, int command, ...) { CONTROLLED; }
int fcntl64(int file, int command, ...) { CONTROLLED; }

#define LOOKED(result, name, form, real, shown) int name form { \
    if (!is_below(path)) return REAL(real) result; \
    CALL(LOOK, shown, -1, path, NULL, 0, 0, REAL(real) result); }

LOOKED((path, facts), stat, (const char *path, struct stat *facts), stat, "stat")
LOOKED((path, facts), stat64, (const char *path, struct stat64 *facts), stat64, "stat")
LOOKED((path, facts), lstat, (const char *path, struct stat *facts), lstat, "lstat")
LOOKED((path, facts), lstat64, (const char *path, struct stat64 *facts), lstat64, "lstat")
LOOKED((path, how), access, (const char *path, int how), access, "access")

ssize_t readlink(const char *path, char *room, size_t length) {
    if (!is_below(path)) return REAL(readlink)(path, room, length);
    CALL(LOOK, "readlink", -1, path, NULL, 0, 0, REAL(readlink)(path, room, length));
}

int fstatat64(int folder, const char *path, struct stat64 *facts, int flags) {
    char room[PATH_MAX];
    const char *found = whole(folder, path, room);
    if (!found) return REAL(fstatat64)(folder, path, facts, flags);
    CALL(LOOK, "stat", -1, found, NULL, 0, 0, REAL(fstatat64)(folder, path, facts, flags));
}

int fstatat(int folder, const char *path, struct stat *facts, int flags) {
    return fstatat64(folder, path, (struct stat64 *)facts, flags);
}

int fstat64(int file, struct stat64 *facts) {
    const char *path = path_of(file);
    if (!path) return REAL(fstat64)(file, facts);
    CALL(LOOK, "fstat", file, path, NULL, 0, 0, REAL(fstat64)(file, facts));
}

int fstat(int file, struct stat *facts) { return fstat64(file, (struct stat64 *)facts); }

// The network. The lock is not kept: one of these calls may wait for another thread.

static int is_counted(const char *name) {
    return watch.network[0] == '*' || !strcmp(watch.network, name);
}

#define NETWORK(name, file, call) do { \
    if (!is_counted(name)) return call; \
    int failed_ = begin(NET, name, file, NULL, NULL); \
    if (failed_) FAIL(-1); \
    pthread_mutex_unlock(&turn); \
    __typeof__(call) made_ = call; \
    pthread_mutex_lock(&turn); \
    end(NET, name, file, 0, 0, NULL, NULL, NULL, made_ == -1); \
    return made_; } while (0)

int socket(int domain, int type, int protocol) {
    NETWORK("socket", -1, REAL(socket)(domain, type, protocol));
}

int socketpair(int domain, int type, int protocol, int ends[2]) {
    NETWORK("socketpair", -1, REAL(socketpair)(domain, type, protocol, ends));
}

int connect(int file, const struct sockaddr *address, socklen_t length) {
    NETWORK("connect", file, REAL(connect)(file, address, length));
}

// The event loop wakes itself with a pair of sockets of its own, which nobody can reset.
static int is_local(int file) {
    int domain = 0, kept = errno;
    socklen_t length = sizeof domain;
    getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &length);
    errno = kept;
    return domain == AF_UNIX;
}

ssize_t send(int file, const void *data, size_t length, int flags) {
    if (is_local(file)) return REAL(send)(file, data, length, flags);
    NETWORK("send", file, REAL(send)(file, data, length, flags));
}

ssize_t recv(int file, void *data, size_t length, int flags) {
    if (is_local(file)) return REAL(recv)(file, data, length, flags);
    NETWORK("recv", file, REAL(recv)(file, data, length, flags));
}

int epoll_create1(int flags) { NETWORK("epoll_create1", -1, REAL(epoll_create1)(flags)); }

int epoll_ctl(int file, int operation, int other, struct epoll_event *event) {
    NETWORK("epoll_ctl", other, REAL(epoll_ctl)(file, operation, other, event));
}

int epoll_wait(int file, struct epoll_event *events, int most, int wait_ms) {
    NETWORK("epoll_wait", file, REAL(epoll_wait)(file, events, most, wait_ms));
}
