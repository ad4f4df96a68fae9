/* A disk that fails: every call on a file below FIELDHR_DISK is counted, and the chosen ones give EIO.
   Loaded before the C library, so that SQLite and Python meet it where they would meet the kernel's own answer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long seen, first = 0, last = 0;

/* Fail the calls numbered from..to from now on; 0, 0: none. */
void disk_fails(long from, long to) { seen = 0; first = from; last = to; }
/* How many calls there were since. */
long disk_seen(void) { return seen; }

static int fails(int handle) {
    static const char *below;
    char link[64], path[PATH_MAX];
    if (!last) return 0;
    if (!below) below = getenv("FIELDHR_DISK");
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0 || !below) return 0;
    path[length] = 0;
    if (strncmp(path, below, strlen(below)) != 0) return 0;
    seen++;
    if (seen < first || seen > last) return 0;
    errno = EIO;
    return 1;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int h, const void *b, size_t n) { REAL(write); return fails(h) ? -1 : real(h, b, n); }
ssize_t read(int h, void *b, size_t n) { REAL(read); return fails(h) ? -1 : real(h, b, n); }
ssize_t pwrite(int h, const void *b, size_t n, off_t o) { REAL(pwrite); return fails(h) ? -1 : real(h, b, n, o); }
ssize_t pread(int h, void *b, size_t n, off_t o) { REAL(pread); return fails(h) ? -1 : real(h, b, n, o); }
ssize_t pwrite64(int h, const void *b, size_t n, off64_t o) { REAL(pwrite64); return fails(h) ? -1 : real(h, b, n, o); }
ssize_t pread64(int h, void *b, size_t n, off64_t o) { REAL(pread64); return fails(h) ? -1 : real(h, b, n, o); }
int fsync(int h) { REAL(fsync); return fails(h) ? -1 : real(h); }
int fdatasync(int h) { REAL(fdatasync); return fails(h) ? -1 : real(h); }
int ftruncate(int h, off_t n) { REAL(ftruncate); return fails(h) ? -1 : real(h, n); }
int ftruncate64(int h, off64_t n) { REAL(ftruncate64); return fails(h) ? -1 : real(h, n); }
